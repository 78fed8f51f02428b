"""Where the custom objects of a model are: `module:Name` of each class and function it needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from artifactbuild.manifest.model import Manifest
from artifactbuild.worker import claims
from artifactbuild.worker.blame import Stopped
from artifactbuild.worker.messages import Finding


def targets(config: Any, manifest: Manifest, project: Path) -> list[str]:
    """Return the target of each custom object that a serialized model speaks of, sorted.

    Raises:
        Stopped: for each that no module has under its name, such as a class inside a function.
    """
    needed = {need["name"]: need for need in claims.needs(config)}
    found = {name: _target(need, manifest, project) for name, need in needed.items()}
    lost = [needed[name]["attribute"] for name, target in found.items() if target is None]
    if lost:
        raise Stopped(*map(_unreachable, lost))
    return sorted(str(target) for target in found.values())


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


def _unreachable(name: str) -> Finding:
    return Finding(
        path=("factory",),
        message=f"the model uses the custom object {name!r}, which no module has under that name",
        hint="define it at the top of its module: whoever loads the model must import it",
    )
