"""Inputs of a model and reference values for them, found by asking it.

A functional model knows its inputs. A subclassed one knows the shapes that it was built with, if it
was, and no dtypes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from artifactbuild.manifest.model import Manifest, Tensor
from artifactbuild.worker import reference
from artifactbuild.worker.blame import Stopped, blamed
from artifactbuild.worker.guesses import OPEN_SIZES, Guess, dtype_of, generator, guesses, rows
from artifactbuild.worker.messages import Finding
from artifactbuild.worker.signature import (
    Signature,
    own_output_names,
    resolve,
    symbolic_inputs,
    symbols,
)

CASE = "rows"
_UNNAMED = re.compile(r"(keras_tensor|input_layer|input)(_?\d+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TAKEN = ("name", "file")
"""Keys of a reference case that are no inputs."""

TRIAL = {"name": "trial", "version": "v1", "factory": "model:make_model", "formats": []}
"""What a manifest needs beside its reference inputs, to be read."""

ALIKE = (
    "several kinds of inputs were tried; give the model its weights in the factory, or make it "
    "heed its inputs"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Declared inputs with the reference case that was found for them, and why it is so."""

    tensors: tuple[Tensor, ...]
    case: Mapping[str, Any]
    why: Mapping[str, str]


def found(model: keras.Model, asked: Manifest, folder: Path, project: Path) -> Inputs:
    """Return the first inputs that the model answers with finite values that vary.

    Raises:
        Stopped: when it answers none of those that were tried, or its inputs cannot be known.
    """
    failure: Exception | None = None
    nothing: list[Finding] = []
    for tensors in _signatures(model, asked, project):
        signature = resolve(model, tensors)
        for guessed, size in _attempts(model, signature):
            case, why = _case(tensors, guessed, size), _why(guessed)
            try:
                nothing = _nothing(model, signature, case, folder)
            except Exception as error:  # noqa: BLE001, whatever the model raises: the next guess
                failure = error
                continue
            if not nothing:
                return Inputs(tensors=tensors, case=case, why=why)
    if nothing or failure is None:
        raise Stopped(*(replace(finding, hint=ALIKE) for finding in nothing))
    hint = "say what it takes: `--input NAME:DTYPE:SHAPE`, such as `--input x:float32:null,32`"
    with blamed(("reference_inputs",), "calling the model", project, hint):
        raise failure
    raise AssertionError


def _signatures(model: keras.Model, asked: Manifest, project: Path) -> Iterator[tuple[Tensor, ...]]:
    """Yield what the inputs may be: as asked, as the model says, or as it was built with."""
    if asked.input_signature:
        if isinstance(model, keras.Sequential) and not model.built:
            with blamed(("input_signature",), "building the model", project):
                model.build(asked.input_signature[0].shape)
        yield asked.input_signature
    elif (symbolic := symbolic_inputs(model)) is not None:
        tensors = resolve(model, ()).inputs
        yield _named(tensors, fixed=isinstance(symbolic, dict))
    else:
        yield from _of_subclassed(model)


def _named(tensors: tuple[Tensor, ...], *, fixed: bool) -> tuple[Tensor, ...]:
    """Return inputs under names that a manifest takes; those that Keras made up get plain ones."""
    bad = [t.name for t in tensors if not _NAME.fullmatch(t.name) or t.name in TAKEN]
    if fixed and bad:
        message = f"the input {bad[0]!r} has a name that a manifest cannot hold"
        hint = "rename it to letters, digits and '_', other than 'name' and 'file'"
        raise Stopped(Finding(path=("factory",), message=message, hint=hint))
    if fixed:
        return tensors
    names: list[str] = []
    for index, tensor in enumerate(tensors, 1):
        plain = "input" if len(tensors) == 1 else f"input_{index}"
        name = re.sub(r"\W", "_", tensor.name, flags=re.ASCII)
        usable = _NAME.fullmatch(name) and name not in (*TAKEN, *names)
        names.append(plain if _UNNAMED.fullmatch(name) or not usable else name)
    return tuple(replace(t, name=name) for t, name in zip(tensors, names, strict=True))


def _of_subclassed(model: keras.Model) -> Iterator[tuple[Tensor, ...]]:
    """Yield inputs from the shapes that a subclassed model was built with.

    Their dtypes are not among what it knows: those of a single input are tried one by one.
    """
    shapes = (model.get_build_config() or {}).get("input_shape")
    several = shapes if shapes is None or not _is_list(shapes) else dict(enumerate(shapes))
    if isinstance(several, dict) and all(_is_shape(shape) for shape in several.values()):
        if dtype_of(model) == "float32":
            names = {key: key if isinstance(key, str) else f"input_{key + 1}" for key in several}
            tensors = tuple(_float32(names[key], shape) for key, shape in several.items())
            yield _named(tensors, fixed=isinstance(shapes, dict))
            return
    elif _is_shape(shapes):
        tensor = _float32(_argument(model), shapes)
        for dtype in dict.fromkeys([dtype_of(model), "float32", "int32", "string"]):
            yield (replace(tensor, dtype=dtype),)
        return
    raise Stopped(_unknown(model))


def _unknown(model: keras.Model) -> Finding:
    return Finding(
        path=("factory",),
        message=f"{type(model).__name__} does not say what its inputs are: it is no functional "
        "model, and its `call` is code",
        hint="name each one: `--input NAME:DTYPE:SHAPE`, such as `--input ids:int32:null,16`",
    )


def _float32(name: str, shape: Any) -> Tensor:
    return Tensor(name=name, shape=(None, *shape[1:]), dtype="float32")


def _argument(model: keras.Model) -> str:
    """Return the name of what `call` takes, where a manifest takes it too."""
    names = [name for name in inspect.signature(model.call).parameters if name not in TAKEN]
    return names[0] if names else "input"


def _is_shape(value: Any) -> bool:
    sizes = isinstance(value, (list, tuple)) and len(value) > 0
    return sizes and all(size is None or isinstance(size, int) for size in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(v, (list, tuple)) for v in value)


def _attempts(model: keras.Model, signature: Signature) -> Iterator[tuple[dict[str, Guess], int]]:
    """Yield a guess for each input and the size for what is open; the likeliest come first."""
    known = symbols(model, signature)
    found = {t.name: guesses(model, t, known.get(t.name)) for t in signature.inputs}
    is_open = any(None in tensor.shape[1:] for tensor in signature.inputs)
    for size in OPEN_SIZES if is_open else OPEN_SIZES[:1]:
        for index in range(max(map(len, found.values()))):
            yield {name: each[min(index, len(each) - 1)] for name, each in found.items()}, size


def _case(tensors: tuple[Tensor, ...], guessed: Mapping[str, Guess], size: int) -> dict[str, Any]:
    number = min(rows(guessed[tensor.name], tensor, size) for tensor in tensors)
    made = {
        tensor.name: generator(guessed[tensor.name], tensor, size, number, seed)
        for seed, tensor in enumerate(tensors)
    }
    return {"name": CASE, **made}


def _why(guessed: Mapping[str, Guess]) -> dict[str, str]:
    return {name: guess.why for name, guess in guessed.items()}


def _nothing(
    model: keras.Model,
    signature: Signature,
    case: Mapping[str, Any],
    folder: Path,
) -> list[Finding]:
    """Ask the model; return why its answer proves nothing, empty if it does."""
    manifest = Manifest.from_data({**TRIAL, "reference_inputs": [case]})
    named = reference.inputs(manifest, signature, folder)[CASE]
    outputs = reference.eager(model, signature, named, own_output_names(model))
    answered = reference.Case(name=CASE, inputs=named, eager=outputs, graph=outputs, signatures={})
    return reference.proves_nothing((answered,))
