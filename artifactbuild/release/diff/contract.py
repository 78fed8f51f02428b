"""What clients rely on: inputs, outputs and formats, and which change breaks whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from artifactbuild.manifest.model import Tensor
from artifactbuild.release.diff.nouns import ADDED, REMOVED, RENAMED, ContractChange
from artifactbuild.release.lock import Lock

INPUT, OUTPUT, FORMAT = "input", "output", "format"


def changes(before: Lock, after: Lock) -> Iterator[ContractChange]:
    """Yield what differs in inputs, outputs and formats."""
    yield from _tensors(INPUT, before.input_signature, after.input_signature)
    yield from _tensors(OUTPUT, before.output_signature, after.output_signature)
    for name in sorted({*before.artifacts, *after.artifacts}):
        if name not in after.artifacts:
            yield _change(FORMAT, name, REMOVED, name, None, f"who loads {name} finds nothing")
        elif name not in before.artifacts:
            yield _change(FORMAT, name, ADDED, None, name, "")


def _tensors(
    part: str, before: Sequence[Tensor], after: Sequence[Tensor]
) -> Iterator[ContractChange]:
    was, now = {t.name: t for t in before}, {t.name: t for t in after}
    renamed = _renamed(before, after)
    for old, new in renamed.items():
        why = f"clients {'send' if part == INPUT else 'read'} {old!r} by its name"
        yield _change(part, new, RENAMED, old, new, why)
    for name in was:
        if name not in now and name not in renamed:
            why = f"clients {'send' if part == INPUT else 'read'} it"
            yield _change(part, name, REMOVED, _told(was[name]), None, why)
    for name in now:
        if name not in was and name not in renamed.values():
            why = "clients do not send it" if part == INPUT else _one_became_many(before, after)
            yield _change(part, name, ADDED, None, _told(now[name]), why)
    for name, tensor in now.items():
        if name in was:
            yield from _tensor(part, was[name], tensor)
    both = [name for name in was if name in now]
    if both != [name for name in now if name in was]:
        why = "who calls the model with a list counts on the order"
        yield _change(part, ", ".join(both), "order", list(was), list(now), why)


def _renamed(before: Sequence[Tensor], after: Sequence[Tensor]) -> dict[str, str]:
    """Return those that stand in the same place and are the same but for the name."""
    known = {t.name for t in before}, {t.name for t in after}
    return {
        old.name: new.name
        for old, new in zip(before, after, strict=False)
        if old.name not in known[1]
        and new.name not in known[0]
        and (old.shape, old.dtype) == (new.shape, new.dtype)
    }


def _tensor(part: str, before: Tensor, after: Tensor) -> Iterator[ContractChange]:
    if before.dtype != after.dtype:
        why = f"clients {'send' if part == INPUT else 'expect'} {before.dtype}"
        yield _change(part, after.name, "dtype", before.dtype, after.dtype, why)
    if before.shape != after.shape:
        old, new = _shape(before), _shape(after)
        yield _change(part, after.name, "shape", old, new, _narrowed(part, before, after))


def _narrowed(part: str, before: Tensor, after: Tensor) -> str:
    """Say whom a changed shape breaks, nobody if it is empty.

    An input may take more than before, an output may promise more than before.
    """
    if len(before.shape) != len(after.shape):
        return f"the rank is {len(after.shape)} instead of {len(before.shape)}"
    for axis, (old, new) in enumerate(zip(before.shape, after.shape, strict=True)):
        needed, given = (new, old) if part == INPUT else (old, new)
        if needed is not None and needed != given:
            any_size = "any size" if old is None else str(old)
            verb = "send" if part == INPUT else "expect"
            return f"clients {verb} {any_size} on axis {axis}"
    return ""


def _one_became_many(before: Sequence[Tensor], after: Sequence[Tensor]) -> str:
    many = len(before) == 1 < len(after)
    return "Keras now answers with several arrays instead of one" if many else ""


def _change(
    part: str, name: str, what: str, before: object, after: object, why: str
) -> ContractChange:
    return ContractChange(
        part=part, name=name, what=what, before=before, after=after, breaking=bool(why), why=why
    )


def _told(tensor: Tensor) -> str:
    return f"{tensor.dtype}{_shape(tensor)}"


def _shape(tensor: Tensor) -> str:
    return f"[{', '.join('null' if size is None else str(size) for size in tensor.shape)}]"
