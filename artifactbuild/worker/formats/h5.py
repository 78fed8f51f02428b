"""`model.h5`: the legacy HDF5 file of a functional or sequential model and its training state.

Four silent faults of Keras' own path are mended here: saving takes the optimizer out of the live
model's training configuration; loading builds the optimizer without variables; abbreviated losses
such as `mse` cannot be read back; and what can never be loaded is saved without complaint.
"""

from __future__ import annotations

import gc
import json
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras

from artifactbuild.manifest.leaving import leave_out
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Loader, Record
from artifactbuild.worker import state
from artifactbuild.worker.blame import Stopped, described
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Load, Loading, Subject, Trusted
from artifactbuild.worker.inspection import hdf5, objects
from artifactbuild.worker.messages import Finding
from artifactbuild.worker.undrawn import undrawn

FILE = "model.h5"
CONFIGS = ("model_config", "training_config")
SEEDS = "seed_generators"

ALL = ("weight", "seed", "optimizer")
OTHERS = "use keras or savedmodel"
PAYLOAD = re.compile(r"model\.h5")


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse what the legacy file saves without complaint and never loads again."""
    model = subject.model
    if subject.flaw:
        return subject.flaw
    if subject.facts.lambdas:
        return f"h5 does not load the Lambda layer {subject.facts.lambdas[0]!r} again; {OTHERS}"
    if not isinstance(model, (keras.Sequential, keras.src.models.functional.Functional)):
        return f"h5 holds functional and sequential models, not {type(model).__name__}; {OTHERS}"
    if not type(model).__module__.startswith("keras."):
        return f"h5 does not find the model class {type(model).__name__} again; {OTHERS}"
    for operation in _operations(model):
        if not isinstance(operation, keras.layers.Layer):
            kind = type(operation).__name__
            return f"h5 cannot hold the operation {kind} ({operation.name!r}); {OTHERS}"
        if hasattr(operation, "save_assets") and not _is_given(operation):
            return f"h5 loses the vocabulary of {operation.name!r}; {OTHERS}"
        if state.keeps_more(operation):
            return f"h5 does not ask {operation.name!r} for its `save_own_variables`; {OTHERS}"
    for variable in model.variables:
        if variable.dtype == "bfloat16":
            return f"h5 has no bfloat16, as {variable.path!r} is; {OTHERS}"
    return ""


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Save the file, leaving the model as it was, and spell abbreviated losses out.

    Reads it back once, since no list foresees all that Keras cannot read back.

    Raises:
        Stopped: with one line on why Keras would not.
    """
    try:
        with _compile_config_kept(subject.model):
            subject.model.save(folder / FILE)
        _spell_out(folder / FILE)
        read_back(folder / FILE, dict(subject.objects))
    except OSError:  # the disk's fault, not the model's
        raise
    except Exception as error:
        traceback.print_exc()
        raise Stopped(_failure(error)) from error
    with h5py.File(folder / FILE, "r+") as file:
        for index, variable in enumerate(state.seed_variables(subject.model)):
            file[f"{SEEDS}/{index:04}"] = variable.numpy()


def _spell_out(path: Path) -> None:
    """Write abbreviated losses in full, as Keras cannot read them back."""
    with h5py.File(path, "r+") as file:
        if "training_config" in file.attrs:
            config = json.loads(file.attrs["training_config"])
            config["loss"] = _spelled_out(config.get("loss"))
            file.attrs["training_config"] = json.dumps(config).encode()


def read_back(path: Path, custom_objects: dict[str, Any]) -> None:
    """Raise whatever Keras raises when it makes the model again.

    Without its weights first, which take all the time; where that fails, as users will load it.
    """
    try:
        _without_weights(path, custom_objects)
    except Exception:  # noqa: BLE001, another Keras may have other insides
        keras.saving.load_model(path, custom_objects=custom_objects)
        gc.collect()  # a model refers to itself; its memory is wanted by the next formats


def _without_weights(path: Path, custom_objects: dict[str, Any]) -> None:
    """Make the model and what it was compiled with, as `load_model` does, without any weight."""
    saving = keras.src.legacy.saving
    registered = keras.src.saving.object_registration.GLOBAL_CUSTOM_OBJECTS
    known = {**custom_objects, **registered}
    with h5py.File(path) as file:
        texts = {key: file.attrs[key] for key in CONFIGS if key in file.attrs}
    configs = {key: saving.json_utils.decode(text) for key, text in texts.items()}
    with saving.saving_options.keras_option_scope(use_legacy_config=True):
        model = undrawn(
            lambda: saving.saving_utils.model_from_config(configs["model_config"], known)
        )
    if "training_config" in configs:
        compiled = configs["training_config"]
        model.compile(**saving.saving_utils.compile_args_from_training_config(compiled, known))


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """`load_model` as users write it, and with the states of optimizer and seeds put back."""
    plain = Loader(
        name="keras",
        summary="Keras, with the modules of the custom objects imported; predicts",
        code=_code(subject, snippets.imports_of_declared(subject), "", ""),
        against="eager",
        restores=("weight",),
    )
    mapped = replace(
        plain,
        name="custom_objects",
        summary="Keras, with a custom_objects mapping and nothing registered; predicts",
        code=_code(subject, *snippets.mapped(subject)),
        declared=False,
    )
    ways = snippets.usable(subject, plain, mapped)
    if not subject.model.compiled:
        return (*ways, snippets.ours(subject, ALL))
    return (*ways, _training(subject, ways[0]), snippets.ours(subject, ALL))


def inspect(folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault | objects.Unverified]:
    """Read links, arrays and the configurations that the file keeps as attributes."""
    found = list(hdf5.inspect(folder / FILE, FILE))
    yield from found
    if found:
        return
    names = objects.names(made, trusted.declaration, lambdas=trusted.lambdas)
    with h5py.File(folder / FILE) as file:
        for key in CONFIGS:
            if key in file.attrs:
                text = file.attrs[key]
                raw = text.encode() if isinstance(text, str) else bytes(text)
                yield from objects.inspect(raw, FILE, key, names)


def portable(folder: Path, made: Record) -> Mapping[str, Load]:
    """None: every loader of users imports the custom objects."""
    return {}


def restore(folder: Path, made: Record, how: Loading) -> keras.Model:
    """Load the model with its optimizer and its seeds."""
    model = undrawn(
        lambda: keras.saving.load_model(
            folder / FILE, custom_objects=how.custom_objects, safe_mode=how.safe_mode
        )
    )
    with h5py.File(folder / FILE) as file:
        if model.compiled:
            built_without_state = model.optimizer
            model.optimizer = type(built_without_state).from_config(
                built_without_state.get_config()
            )
            model.optimizer.build(model.trainable_variables)
            group = file["optimizer_weights"]
            names = group.attrs["weight_names"]
            state.assign(list(model.optimizer.variables), [group[name][()] for name in names])
        if SEEDS in file:
            seeds = [file[SEEDS][key][()] for key in file[SEEDS]]
            state.assign(state.seed_variables(model), seeds)
    return model


def _code(subject: Subject, imports: str, mapping: str, argument: str) -> str:
    return snippets.paragraphs(
        "import keras\n" + imports,
        f'{mapping}restored = keras.saving.load_model("{FILE}"{argument})\n',
        snippets.predict(subject),
    )


def _training(subject: Subject, stock: Loader) -> Loader:
    """Return the loader that goes on training; Keras alone builds an optimizer without state."""
    imports, mapping, argument = snippets.own(subject)
    seeds = f'    states = [states[()] for states in file["{SEEDS}"].values()]\n'
    code = f"""\
{mapping}restored = keras.saving.load_model("{FILE}"{argument})
optimizer = restored.optimizer  # Keras built it without its state
restored.optimizer = type(optimizer).from_config(optimizer.get_config())
restored.optimizer.build(restored.trainable_variables)
with h5py.File("{FILE}") as file:
    group = file["optimizer_weights"]
    values = [group[name][()] for name in group.attrs["weight_names"]]
{seeds if snippets.has_seeds(subject) else ""}\
for variable, value in zip(restored.optimizer.variables, values, strict=True):
    variable.assign(value)
{snippets.put_seeds("states") if snippets.has_seeds(subject) else ""}"""
    return replace(
        stock,
        name="training",
        summary="Keras, with the states of optimizer and seeds put back; goes on training",
        code=snippets.paragraphs(
            "import h5py\nimport keras\n" + imports, code, snippets.predict(subject)
        ),
        restores=ALL,
        resumes=True,
    )


def _is_given(lookup: Any) -> bool:
    """Tell whether a vocabulary was given to the layer, and so is in its configuration."""
    inner = getattr(lookup, "_lookup_layer", lookup)
    return getattr(inner, "input_vocabulary", None) is not None


def _failure(error: Exception) -> Finding:
    reason = described(error).split(". ")[0]
    message = f"h5 cannot be loaded again: {reason}; {OTHERS}"
    return Finding(path=("formats", "h5"), message=message, hint=leave_out("h5"))


def _operations(model: keras.Model) -> Iterator[Any]:
    for operation in model.operations if hasattr(model, "operations") else model.layers:
        yield operation
        if isinstance(operation, keras.Model):
            yield from _operations(operation)


@contextmanager
def _compile_config_kept(model: keras.Model) -> Iterator[None]:
    """Put the training configuration back after a save that takes the optimizer out of it."""
    holder = getattr(model, "_compile_config", None)
    before = dict(holder.config) if holder is not None else {}
    try:
        yield
    finally:
        if holder is not None:
            holder.config = before


def _spelled_out(loss: Any) -> Any:
    """Return a loss configuration with abbreviations such as mse written in full."""
    if isinstance(loss, str):
        return _full_name(loss)
    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _spelled_out(value) for key, value in loss.items()}
    if isinstance(loss, list):
        return [_spelled_out(value) for value in loss]
    return loss


def _full_name(loss: str) -> str:
    """Return mean_squared_error for mse; a name that is not Keras' own stays as it is."""
    try:
        return str(getattr(keras.losses.get(loss), "__name__", loss))
    except ValueError:
        return loss
