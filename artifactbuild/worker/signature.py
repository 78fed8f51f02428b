"""A model's interface by name: the manifest's inputs to the model's own structure, outputs back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from artifactbuild.manifest.model import Tensor
from artifactbuild.worker.blame import Stopped
from artifactbuild.worker.messages import Finding

SINGLE_OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The named inputs of a model, and where each belongs in what the model is called with.

    `structure` is a name, or nested dicts and lists of names.
    """

    inputs: tuple[Tensor, ...]
    structure: Any

    def arrange(self, named: Mapping[str, Any]) -> Any:
        """Return the model's own input structure, filled from values by name."""
        return arranged(self.structure, named)

    def named(self, arranged: Any) -> dict[str, Any]:
        """Return values by name out of the model's own input structure: what undoes `arrange`."""
        return dict(_pairs(self.structure, arranged))

    def expression(self) -> str:
        """Return the structure as Python source over a mapping called `inputs`."""
        return _source(self.structure)


def arranged(structure: Any, named: Mapping[str, Any]) -> Any:
    """Return a structure of names with the named values in it."""
    if isinstance(structure, dict):
        return {key: arranged(value, named) for key, value in structure.items()}
    if isinstance(structure, list):
        return [arranged(value, named) for value in structure]
    return named[structure]


def resolve(model: keras.Model, claimed: tuple[Tensor, ...]) -> Signature:
    """Hold the manifest's input signature against the model; fill in what it leaves out.

    Raises:
        Stopped: with one finding for each disagreement.
    """
    symbolic = symbolic_inputs(model)
    if symbolic is None:
        return _of_subclassed(model, claimed)
    if not claimed:
        claimed = tuple(_tensor(name, tensor) for name, tensor in _leaves(symbolic))
    structure = _names(symbolic, claimed)
    own = dict(zip(_flat(structure), (tensor for _, tensor in _leaves(symbolic)), strict=True))
    findings = [
        finding
        for index, tensor in enumerate(claimed)
        for finding in _disagreements(index, tensor, own[tensor.name])
    ]
    if findings:
        raise Stopped(*findings)
    return Signature(inputs=claimed, structure=structure)


def symbolic_inputs(model: keras.Model) -> Any:
    """Return the structure of symbolic inputs, or None for a subclassed model."""
    if not isinstance(model, (keras.Sequential, keras.src.models.functional.Functional)):
        return None
    if isinstance(model, keras.Sequential):
        inputs = getattr(model, "inputs", None)
        return inputs[0] if inputs else None
    return model.input


def symbols(model: keras.Model, signature: Signature) -> dict[str, Any]:
    """Return the symbolic tensor of each input by name: none for a subclassed model."""
    symbolic = symbolic_inputs(model)
    if symbolic is None:
        return {}
    tensors = (tensor for _, tensor in _leaves(symbolic))
    return dict(zip(_flat(signature.structure), tensors, strict=True))


def name_outputs(outputs: Any, known: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return outputs by name: dict keys (nested ones joined by a dot), list positions, `output`.

    `known` names the items of a flat list, where the model has names for them.
    """
    if isinstance(outputs, (list, tuple)) and len(known) == len(outputs):
        return dict(zip(known, outputs, strict=True))
    if not isinstance(outputs, (dict, list, tuple)):
        return {SINGLE_OUTPUT: outputs}
    named: dict[str, Any] = {}
    items = outputs.items() if isinstance(outputs, dict) else enumerate(outputs)
    for key, value in items:
        name = str(key) if isinstance(outputs, dict) else f"output_{key}"
        if isinstance(value, (dict, list, tuple)):
            named |= {f"{name}.{inner}": leaf for inner, leaf in name_outputs(value).items()}
        else:
            named[name] = value
    return named


def own_output_names(model: keras.Model) -> tuple[str, ...]:
    """Return the names that a functional model gives its outputs, if they tell them apart."""
    names = tuple(getattr(model, "output_names", ()) or ())
    return names if len(set(names)) == len(names) else ()


def _of_subclassed(model: keras.Model, claimed: tuple[Tensor, ...]) -> Signature:
    if not claimed:
        raise Stopped(
            Finding(
                path=(),
                message=f"{type(model).__name__} is not a functional model: its inputs are unknown",
                hint="add `input_signature:` with the name, shape and dtype of each input",
            )
        )
    names = [tensor.name for tensor in claimed]
    shapes = (model.get_build_config() or {}).get("input_shape")
    if isinstance(shapes, dict) or (len(names) > 1 and not isinstance(shapes, (list, tuple))):
        return Signature(inputs=claimed, structure={name: name for name in names})
    if len(names) > 1:
        return Signature(inputs=claimed, structure=list(names))
    return Signature(inputs=claimed, structure=names[0])


def _names(symbolic: Any, claimed: tuple[Tensor, ...]) -> Any:
    """Return the input structure with the manifest's names at its leaves."""
    leaves = _leaves(symbolic)
    names = [tensor.name for tensor in claimed]
    own = [name for name, _ in leaves]
    if len(names) != len(own):
        raise Stopped(_other_inputs(names, own))
    if not isinstance(symbolic, (dict, list, tuple)):
        return names[0]
    if set(names) == set(own):
        return _rename(symbolic, iter(own))
    if isinstance(symbolic, dict):
        raise Stopped(_other_inputs(names, own))
    return _rename(symbolic, iter(names))


def _other_inputs(names: list[str], own: list[str]) -> Finding:
    return Finding(
        path=("input_signature",),
        message=f"input_signature names {_listed(names)}, but the model's inputs are "
        f"{_listed(own)}",
        hint="name each input of the model once, here and in every reference case",
    )


def _disagreements(index: int, claimed: Tensor, own: Any) -> list[Finding]:
    path = ("input_signature", index)
    findings = []
    shape = tuple(own.shape)
    fits = len(shape) == len(claimed.shape) and all(
        mine is None or mine == theirs for mine, theirs in zip(shape, claimed.shape, strict=True)
    )
    if not fits:
        message = (
            f"input {claimed.name!r} has shape {_shape(claimed.shape)} in the manifest, "
            f"but {_shape(shape)} in the model"
        )
        hint = f"write `shape: {_shape(shape)}`, and give inputs of that shape"
        findings.append(Finding(path=(*path, "shape"), message=message, hint=hint))
    dtype = keras.backend.standardize_dtype(own.dtype)
    if dtype != claimed.dtype:
        message = (
            f"input {claimed.name!r} is {claimed.dtype} in the manifest, but {dtype} in the model"
        )
        hint = f"write `dtype: {dtype}`, and give inputs of that dtype"
        findings.append(Finding(path=(*path, "dtype"), message=message, hint=hint))
    return findings


def _leaves(symbolic: Any) -> list[tuple[str, Any]]:
    """Return (name, tensor) of each leaf in Keras' own order; dict keys win over tensor names."""
    if isinstance(symbolic, dict):
        return [
            (key if own is value else own_name, own)
            for key, value in sorted(symbolic.items())
            for own_name, own in _leaves(value)
        ]
    if isinstance(symbolic, (list, tuple)):
        return [leaf for value in symbolic for leaf in _leaves(value)]
    return [(symbolic.name, symbolic)]


def _rename(symbolic: Any, names: Any) -> Any:
    if isinstance(symbolic, dict):
        return {key: _rename(symbolic[key], names) for key in sorted(symbolic)}
    if isinstance(symbolic, (list, tuple)):
        return [_rename(value, names) for value in symbolic]
    return next(names)


def _flat(structure: Any) -> list[str]:
    if isinstance(structure, dict):
        return [name for key in sorted(structure) for name in _flat(structure[key])]
    if isinstance(structure, list):
        return [name for value in structure for name in _flat(value)]
    return [structure]


def _pairs(structure: Any, values: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(structure, dict):
        for key, inner in structure.items():
            yield from _pairs(inner, values[key])
    elif isinstance(structure, list):
        for inner, value in zip(structure, values, strict=True):
            yield from _pairs(inner, value)
    else:
        yield structure, values


def _source(structure: Any) -> str:
    if isinstance(structure, dict):
        inner = ", ".join(f"{key!r}: {_source(value)}" for key, value in structure.items())
        return "{" + inner.replace("'", '"') + "}"
    if isinstance(structure, list):
        return "[" + ", ".join(_source(value) for value in structure) + "]"
    return f'inputs["{structure}"]'


def _tensor(name: str, symbolic: Any) -> Tensor:
    dtype = keras.backend.standardize_dtype(symbolic.dtype)
    return Tensor(name=name, shape=tuple(symbolic.shape), dtype=dtype)


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("null" if size is None else str(size) for size in shape) + "]"


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
