"""The custom objects of a model: where each is, and whether it comes back whole."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from artifactbuild.manifest.model import Manifest
from artifactbuild.release.record import CustomObject
from artifactbuild.worker import claims, reference
from artifactbuild.worker.blame import Stopped
from artifactbuild.worker.compare import compare
from artifactbuild.worker.formats.protocol import Subject
from artifactbuild.worker.messages import Finding
from artifactbuild.worker.reference import Case
from artifactbuild.worker.signature import own_output_names


def targets(config: Any, manifest: Manifest, project: Path) -> list[str]:
    """Return the target of each custom object that a serialized model speaks of, sorted.

    Raises:
        Stopped: for each that no module has under its name, such as a class inside a function.
    """
    needed = {need["name"]: need for need in claims.needs(config)}
    found = {name: _target(need, manifest, project) for name, need in needed.items()}
    lost = [needed[name]["attribute"] for name, target in found.items() if target is None]
    if lost:
        raise Stopped(*map(claims.unreachable, lost))
    return sorted(str(target) for target in found.values())


def incomplete(subject: Subject, cases: tuple[Case, ...]) -> list[Finding]:
    """Return a finding for each custom object that does not come back whole from its config.

    Only where the model, made again from its config with the same variables, answers otherwise: an
    argument that is not returned may have been its default.
    """
    suspects = [item for item in subject.facts.custom_objects if item.forgets or item.arrays]
    if not suspects or _comes_back(subject, cases):
        return []
    return [_suspect(item) for item in suspects]


def _comes_back(subject: Subject, cases: tuple[Case, ...]) -> bool:
    known = own_output_names(subject.model)
    try:
        again = keras.saving.deserialize_keras_object(subject.config, dict(subject.objects))
        for variable, own in zip(again.variables, subject.model.variables, strict=True):
            variable.assign(own)
        found = [reference.eager(again, subject.signature, case.inputs, known) for case in cases]
    except Exception:  # noqa: BLE001, whatever a class of the user's own raises: it does not
        traceback.print_exc()
        return False
    return not any(compare(f, case.eager).fault for f, case in zip(found, cases, strict=True))


def _suspect(item: CustomObject) -> Finding:
    name = item.target.split(":")[-1]
    if item.forgets:
        listed = ", ".join(map(repr, item.forgets))
        message = f"{name}.get_config() leaves out {listed}: a reloaded one takes the default"
        hint = "return it from `get_config`, as `__init__` takes it"
    else:
        listed = ", ".join(map(repr, item.arrays))
        message = f"{name} holds the NumPy arrays {listed}, which no format saves"
        hint = "make them weights (`self.add_weight`), or return them from `get_config`"
    return Finding(path=("factory",), message=message, hint=hint)


def _target(need: Mapping[str, Any], manifest: Manifest, project: Path) -> str | None:
    """Return `module:Name` of what Keras files under the needed name."""
    attribute = need["attribute"]
    for module in _modules(need["module"], manifest.factory.module, project):
        found = getattr(module, attribute, None)
        if found is not None and keras.saving.get_registered_name(found) == need["name"]:
            home = sys.modules.get(getattr(found, "__module__", ""), module)
            known = home if getattr(home, attribute, None) is found else module
            return f"{known.__name__}:{attribute}"
    return None


def _modules(named: str | None, factory: str, project: Path) -> Iterator[Any]:
    """Yield the module that is named, else the factory's and then all others of the project."""
    if named is not None:
        yield from filter(None, [sys.modules.get(named)])
        return
    yield from filter(None, [sys.modules.get(factory)])
    for name in sorted(sys.modules):
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(project) and "site-packages" not in file:
            yield module
