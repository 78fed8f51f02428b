"""The reference: fixed inputs, and the outputs that the model in memory gives for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from artifactbuild.manifest.model import Generator, Manifest, ReferenceCase, Tensor
from artifactbuild.worker import npz, state
from artifactbuild.worker.blame import Stopped
from artifactbuild.worker.messages import Finding
from artifactbuild.worker.signature import Signature, name_outputs

FILE = "reference.npz"
SIGNATURE = "signature:"

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reference case: input arrays by name; outputs by name as eager, as graph, by signature.

    `signatures` holds the outputs of each further signature, as graph.
    """

    name: str
    inputs: Arrays
    eager: Arrays
    graph: Arrays
    signatures: Mapping[str, Arrays]


def inputs(manifest: Manifest, signature: Signature, folder: Path) -> dict[str, Arrays]:
    """Return the input arrays of each case, in the declared dtypes.

    Raises:
        Stopped: when a case does not fit the model's inputs.
    """
    tensors = {tensor.name: tensor for tensor in signature.inputs}
    made: dict[str, Arrays] = {}
    for index, case in enumerate(manifest.reference_inputs):
        arrays = _arrays(case, tensors, folder)
        findings = [
            Finding(path=("reference_inputs", index), message=f"case {case.name!r}: {fault}")
            for fault in _faults(arrays, tensors)
        ]
        if findings:
            raise Stopped(*findings)
        made[case.name] = arrays
    return made


def eager(
    model: keras.Model, signature: Signature, named: Arrays, known: tuple[str, ...]
) -> Arrays:
    """Return the outputs by name of a plain call with `training=False`.

    A stateful model answers from its first state, and is left in it.
    """
    tensors = {name: tf.constant(array) for name, array in named.items()}
    state.reset(model)
    outputs = model(signature.arrange(tensors), training=False)
    state.reset(model)
    return numpy(name_outputs(outputs, known))


def graph(model: keras.Model, function: Callable[..., Any], named: Arrays) -> Arrays:
    """Return the outputs by name of a function traced from the model, likewise."""
    state.reset(model)
    outputs = function(**{name: tf.constant(array) for name, array in named.items()})
    state.reset(model)
    return numpy(outputs)


def numpy(outputs: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return tensors as plain arrays: strings as fixed-width bytes, bfloat16 as float32."""
    return {name: _plain(value) for name, value in outputs.items()}


def proves_nothing(cases: tuple[Case, ...]) -> list[Finding]:
    """Find outputs that would not tell this model from another: not finite, or all the same."""
    findings: list[Finding] = []
    for name in cases[0].eager:
        arrays = [case.eager[name] for case in cases]
        for case, array in zip(cases, arrays, strict=True):
            if array.dtype.kind in "fc" and not np.isfinite(array).all():
                findings.append(_not_finite(case.name, name, array))
        if not _varies(arrays):
            findings.append(_constant(name, arrays))
    return findings


def write(path: Path, cases: tuple[Case, ...]) -> None:
    """Write `reference.npz`: `<case>/inputs/<input>`, `<case>/eager/<output>`, `<case>/graph/…`.

    Outputs of a further signature are `<case>/signature:<name>/<output>`.
    """
    arrays = {
        f"{case.name}/{kind}/{name}": array
        for case in cases
        for kind, named in _parts(case).items()
        for name, array in named.items()
    }
    npz.write(path, dict(sorted(arrays.items())))


def read(path: Path) -> tuple[Case, ...]:
    """Read `reference.npz` back."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            case, kind, name = key.split("/", 2)
            found.setdefault(case, {}).setdefault(kind, {})[name] = arrays[key]
    return tuple(_case(name, parts) for name, parts in found.items())


def declared(case: Case, tensors: tuple[Tensor, ...]) -> Arrays:
    """Return a case's inputs in the declared dtypes: the file has plain ones."""
    dtypes = {tensor.name: _numpy_dtype(tensor.dtype) for tensor in tensors}
    return {n: a if a.dtype.kind == "S" else a.astype(dtypes[n]) for n, a in case.inputs.items()}


def _parts(case: Case) -> dict[str, Arrays]:
    inputs = {name: _plain(array) for name, array in case.inputs.items()}
    signatures = {f"{SIGNATURE}{name}": arrays for name, arrays in case.signatures.items()}
    return {"inputs": inputs, "eager": case.eager, "graph": case.graph, **signatures}


def _case(name: str, parts: dict[str, dict[str, Any]]) -> Case:
    return Case(
        name=name,
        inputs=parts["inputs"],
        eager=parts["eager"],
        graph=parts["graph"],
        signatures={
            kind.removeprefix(SIGNATURE): arrays
            for kind, arrays in parts.items()
            if kind.startswith(SIGNATURE)
        },
    )


def _arrays(case: ReferenceCase, tensors: Mapping[str, Tensor], folder: Path) -> Arrays:
    if case.file is not None:
        with np.load(folder / case.file, allow_pickle=False) as arrays:
            return {name: _declared(arrays[name], tensors.get(name)) for name in arrays.files}
    return {
        name: _generated(generator, tensors[name].dtype if name in tensors else "float32")
        for name, generator in case.inputs
    }


def _declared(array: np.ndarray[Any, Any], tensor: Tensor | None) -> np.ndarray[Any, Any]:
    """Return an array of a file as its input takes it: text as UTF-8, and bfloat16 as itself."""
    if tensor is None:
        return array
    if tensor.dtype == "string" and array.dtype.kind == "U":
        return np.char.encode(array, "utf-8")
    if tensor.dtype == "bfloat16" and array.dtype == np.dtype("V2"):
        return array.view(_numpy_dtype("bfloat16"))
    return array


def _generated(generator: Generator, dtype: str) -> np.ndarray[Any, Any]:
    arguments, shape = generator.arguments, generator.shape
    random: Any = np.random.default_rng(generator.seed)
    if generator.kind == "values":
        array = np.array(arguments)
        array = np.char.encode(array, "utf-8") if dtype == "string" else array
        return np.broadcast_to(array, shape or array.shape).astype(_numpy_dtype(dtype))
    made: dict[str, Callable[[], Any]] = {
        "linspace": lambda: np.linspace(*_two(arguments), math.prod(shape)).reshape(shape),
        "zeros": lambda: np.zeros(shape),
        "ones": lambda: np.ones(shape),
        "normal": lambda: random.normal(*arguments, shape),
        "uniform": lambda: random.uniform(*arguments, shape),
        "integers": lambda: random.integers(*arguments, shape),
    }
    return np.asarray(made[generator.kind]().astype(_numpy_dtype(dtype)))


def _two(arguments: Any) -> tuple[float, float]:
    first, second = arguments
    return float(first), float(second)


def _numpy_dtype(dtype: str) -> Any:
    if dtype == "string":
        return np.dtype("S")
    return np.dtype(tf.as_dtype(dtype).as_numpy_dtype)


def _faults(arrays: Arrays, tensors: Mapping[str, Tensor]) -> list[str]:
    if set(arrays) != set(tensors):
        have, want = sorted(arrays), sorted(tensors)
        return [f"has the arrays {have}, expected one for each input: {want}"]
    return [fault for name, array in arrays.items() for fault in _misfits(array, tensors[name])]


def _misfits(array: np.ndarray[Any, Any], tensor: Tensor) -> list[str]:
    declared = _numpy_dtype(tensor.dtype)
    if array.dtype.kind != declared.kind or (declared.kind != "S" and array.dtype != declared):
        return [f"input {tensor.name!r} is {array.dtype}, declared {tensor.dtype}"]
    fits = len(array.shape) == len(tensor.shape) and all(
        size is None or size == found for size, found in zip(tensor.shape, array.shape, strict=True)
    )
    if fits:
        return []
    declared_shape = ["null" if size is None else size for size in tensor.shape]
    return [
        f"input {tensor.name!r} has shape {list(array.shape)}, "
        f"declared [{', '.join(map(str, declared_shape))}]"
    ]


def _plain(value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return array.astype("S")
    if array.dtype.kind not in "biufcS":
        return array.astype("float32")
    return array


def _varies(arrays: list[np.ndarray[Any, Any]]) -> bool:
    """Tell whether any two rows differ; of a single row, whether any two values do."""
    rows = [row for array in arrays for row in (array if array.ndim else array[None])]
    if len(rows) == 1:
        values = np.ravel(rows[0])
        return bool((values != values[:1]).any())
    return any(
        row.shape != rows[0].shape
        or not np.array_equal(row, rows[0], equal_nan=row.dtype.kind == "f")
        for row in rows[1:]
    )


def _not_finite(case: str, output: str, array: np.ndarray[Any, Any]) -> Finding:
    bad = np.argwhere(~np.isfinite(array))
    first = tuple(int(i) for i in bad[0])
    return Finding(
        path=("reference_inputs",),
        message=f"output {output!r} of case {case!r} is not finite: {array[first]} at "
        f"{list(first)}, {len(bad)} of {array.size} values; it proves nothing",
        hint="give inputs in the range that the model was made for, or repair the model",
    )


def _constant(output: str, arrays: list[np.ndarray[Any, Any]]) -> Finding:
    count = sum(array.size for array in arrays)
    what = f"is the same for all rows ({count} values)" if count > 1 else "is a single number"
    return Finding(
        path=("reference_inputs",),
        message=f"output {output!r} {what}: it would not tell this model from another",
        hint="add a case with several different rows, such as "
        "`- {name: several, <input>: {normal: true, shape: [8, …]}}`; if it stays the same, "
        "the model ignores its inputs",
    )
