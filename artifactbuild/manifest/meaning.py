"""Problems of meaning: what fits the schema and still cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from artifactbuild.manifest.model import Generator, Manifest, ReferenceCase, Tensor
from artifactbuild.manifest.text import Document, Where
from artifactbuild.problems import Problem, did_you_mean, meant

KINDS = {bool: "booleans", str: "strings", int: "integers", float: "floats"}


def check(manifest: Manifest, document: Document) -> tuple[Problem, ...]:
    """Find the problems that the document alone shows."""
    return (
        *_repeated(document, ("input_signature",), "input"),
        *_repeated(document, ("reference_inputs",), "case"),
        *(
            problem
            for index, case in enumerate(manifest.reference_inputs)
            if case.file is None
            for problem in _case(manifest, document, case, ("reference_inputs", index))
        ),
    )


def _repeated(document: Document, where: Where, noun: str) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(document.data.get(where[0], ())):
        name = entry["name"]
        if name in seen:
            message = f"duplicate {noun} {name!r}, first on line {seen[name]}"
            yield document.problem((*where, index, "name"), message, "rename one of the two")
        seen.setdefault(name, document.problem((*where, index, "name"), "").line or 0)


def _case(
    manifest: Manifest, document: Document, case: ReferenceCase, where: Where
) -> Iterator[Problem]:
    declared = {tensor.name: tensor for tensor in reversed(manifest.input_signature)}
    if declared:
        yield from _other_inputs(document, case, where, declared)
    for name, generator in case.inputs:
        place = (*where, name)
        yield from _arguments(document, generator, place)
        if name not in declared:
            yield from _mixture(document, generator, place)
        if tensor := declared.get(name):
            yield from _shape(document, generator, tensor, place)
            yield from _dtype(document, generator, tensor, place)
    yield from _batches(document, case, where)


def _other_inputs(
    document: Document, case: ReferenceCase, where: Where, declared: Mapping[str, Tensor]
) -> Iterator[Problem]:
    given = [name for name, _ in case.inputs]
    guesses = {did_you_mean(name, declared) for name in given if name not in declared}
    for name in given:
        if name not in declared:
            guess = meant(name, declared, given)
            hint = f"{guess} declared inputs are: {', '.join(sorted(declared))}".strip()
            yield document.problem((*where, name), f"unknown input {name!r}", hint, at="key")
    for name in declared:
        if name not in given and f"did you mean {name!r}?" not in guesses:
            message = f"case {case.name!r} gives no input {name!r}"
            dtype = declared[name].dtype
            hint = f"add '{name}'; generators for {dtype} are: {', '.join(_makers(dtype))}"
            yield document.problem(where, message, hint)


def _arguments(document: Document, generator: Generator, where: Where) -> Iterator[Problem]:
    if generator.kind == "values":
        yield from _values(document, generator, where)
    elif generator.kind in ("linspace", "uniform", "integers"):
        low, high = document.data_at((*where, generator.kind))
        if not low < high:
            message = f"{generator.kind} goes from {low} to {high}, expected the smaller one first"
            hint = f"write {generator.kind}: [{high}, {low}]" if low > high else "widen the range"
            yield document.problem((*where, generator.kind), message, hint)


def _values(document: Document, generator: Generator, where: Where) -> Iterator[Problem]:
    place, values = (*where, "values"), generator.arguments
    if not isinstance(values, tuple):
        if not generator.shape:
            hint = "add 'shape', which the value fills, or write a list"
            yield document.problem(place, f"values is the single value {values!r}", hint)
        return
    extent = _extent(values)
    ragged = next(_ragged(values, extent), None)
    if ragged is not None:
        spot, found, expected = ragged
        message = f"values are ragged: {found} here, expected {expected}"
        yield document.problem((*place, *spot), message, "give every row the same length")
    elif generator.shape != extent:
        message = f"shape is {list(generator.shape)}, but the values have {list(extent)}"
        yield document.problem((*where, "shape"), message, "remove 'shape'; the values tell it")


def _mixture(document: Document, generator: Generator, where: Where) -> Iterator[Problem]:
    kinds = sorted({KINDS[type(leaf)] for _, leaf in _leaves(generator.arguments)})
    if generator.kind == "values" and len(kinds) > 1 and kinds != ["floats", "integers"]:
        message = f"values mix {' and '.join(kinds)}"
        yield document.problem((*where, "values"), message, "write one kind")


def _extent(values: Any) -> tuple[int, ...]:
    return (len(values), *_extent(values[0])) if isinstance(values, tuple) else ()


def _ragged(values: Any, extent: Sequence[int]) -> Iterator[tuple[Where, str, str]]:
    found = _entries(len(values)) if isinstance(values, tuple) else "a single value"
    expected = _entries(extent[0]) if extent else "a single value"
    if found != expected:
        yield (), found, expected
    elif extent:
        for index, entry in enumerate(values):
            for spot, inner_found, inner_expected in _ragged(entry, extent[1:]):
                yield (index, *spot), inner_found, inner_expected


def _entries(number: int) -> str:
    return f"{number} {'entry' if number == 1 else 'entries'}"


def _shape(
    document: Document, generator: Generator, tensor: Tensor, where: Where
) -> Iterator[Problem]:
    found, expected = generator.shape, tensor.shape
    if not found or fits(found, expected):
        return
    extent = _extent(generator.arguments) if generator.kind == "values" else ()
    if extent and extent != found:
        return  # the values tell the shape; that they differ is a problem of its own
    given = "shape" if "shape" in document.data_at(where) and not extent else "values"
    message = f"shape {list(found)} does not fit input {tensor.name!r}, expected {said(expected)}"
    example = [size or (found[0] if not index else 1) for index, size in enumerate(expected)]
    hint = f"write shape: {example}" if given == "shape" else f"give values of shape {example}"
    yield document.problem((*where, given), message, hint)


def fits(found: Sequence[int], expected: Sequence[int | None]) -> bool:
    """Tell whether a shape has the declared rank and sizes."""
    return len(found) == len(expected) and all(
        size is None or size == made for made, size in zip(found, expected, strict=True)
    )


def said(shape: Sequence[int | None]) -> str:
    """Write a shape as the manifest does."""
    return f"[{', '.join('null' if size is None else str(size) for size in shape)}]"


def _dtype(
    document: Document, generator: Generator, tensor: Tensor, where: Where
) -> Iterator[Problem]:
    kind, dtype = generator.kind, tensor.dtype
    if kind == "values":
        yield from _literal_dtype(document, generator, tensor, where)
    elif kind == "integers" and (bounds := _bounds(dtype)):
        low, high = generator.arguments
        if low < bounds[0] or high - 1 > bounds[1]:
            message = f"integers from {low} to {high} do not fit {dtype}"
            hint = f"keep them between {bounds[0]} and {bounds[1]}"
            yield document.problem((*where, kind), message, hint)
    elif kind not in _makers(dtype):
        message = f"{kind} cannot make the {dtype} input {tensor.name!r}"
        hint = f"generators for {dtype} are: {', '.join(_makers(dtype))}"
        yield document.problem((*where, kind), message, hint, at="key")


def _makers(dtype: str) -> tuple[str, ...]:
    if dtype == "string":
        return ("values",)
    if dtype == "bool":
        return ("ones", "values", "zeros")
    if _bounds(dtype):
        return ("integers", "ones", "values", "zeros")
    return ("integers", "linspace", "normal", "ones", "uniform", "values", "zeros")


def _literal_dtype(
    document: Document, generator: Generator, tensor: Tensor, where: Where
) -> Iterator[Problem]:
    for spot, leaf in _leaves(generator.arguments):
        if not _holds(tensor.dtype, leaf):
            message = f"{leaf!r} is no {tensor.dtype}, which input {tensor.name!r} takes"
            hint = f"write {_wanted(tensor.dtype)}"
            yield document.problem((*where, "values", *spot), message, hint)
            return


def _holds(dtype: str, leaf: object) -> bool:
    if dtype in ("string", "bool"):
        return isinstance(leaf, str if dtype == "string" else bool)
    if isinstance(leaf, (str, bool)):
        return False
    bounds = _bounds(dtype)
    return bounds is None or (isinstance(leaf, int) and bounds[0] <= leaf <= bounds[1])


def _wanted(dtype: str) -> str:
    if bounds := _bounds(dtype):
        return f"integers between {bounds[0]} and {bounds[1]}"
    return {"string": "quoted strings", "bool": "true or false"}.get(dtype, "numbers")


def _bounds(dtype: str) -> tuple[int, int] | None:
    name, _, bits = dtype.partition("int")
    if not bits:
        return None
    size = int(bits)
    return (0, 2**size - 1) if name == "u" else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)


def _leaves(values: Any, spot: Where = ()) -> Iterator[tuple[Where, Any]]:
    if isinstance(values, tuple):
        for index, entry in enumerate(values):
            yield from _leaves(entry, (*spot, index))
    else:
        yield spot, values


def _batches(document: Document, case: ReferenceCase, where: Where) -> Iterator[Problem]:
    sized = [(name, generator.shape[0]) for name, generator in case.inputs if generator.shape]
    for name, size in sized[1:]:
        first, expected = sized[0]
        if size != expected:
            message = f"input {name!r} has batch size {size}, but {first!r} has {expected}"
            given = "shape" if "shape" in document.data_at((*where, name)) else "values"
            hint = "give all inputs of a case the same first size"
            yield document.problem((*where, name, given), message, hint)
