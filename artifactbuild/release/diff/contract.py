"""What clients rely on: inputs, outputs and formats, and which change breaks whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from artifactbuild.manifest import weaker
from artifactbuild.manifest.model import Tensor
from artifactbuild.manifest.rules import Rule
from artifactbuild.release.diff import checks
from artifactbuild.release.diff.nouns import ADDED, REMOVED, RENAMED, ContractChange, Side

INPUT, OUTPUT, FORMAT, PROOF = "input", "output", "format", "proof"

WEAKER = "weaker"


def changes(before: Side, after: Side) -> Iterator[ContractChange]:
    """Yield what differs in inputs, outputs, formats, and in what is proven of them.

    What was not built has formats and rules, by its manifest, and neither inputs nor outputs.
    """
    was, now = before.lock, after.lock
    if was is not None and now is not None:
        yield from _tensors(INPUT, was.input_signature, now.input_signature)
        yield from _tensors(OUTPUT, was.output_signature, now.output_signature)
    had, has = _held(before), _held(after)
    if had is not None and has is not None:
        yield from _formats(had, has)
    yield from _proofs(before, after)


def _formats(before: set[str], after: set[str]) -> Iterator[ContractChange]:
    for name in sorted(before | after):
        if name not in after:
            yield _change(FORMAT, name, REMOVED, name, None, f"who loads {name} finds nothing")
        elif name not in before:
            yield _change(FORMAT, name, ADDED, None, name, "")


def _held(side: Side) -> set[str] | None:
    """Return the formats of a side: those that were built, without those it asks for no more.

    None where that is not known.
    """
    requested = side.requested
    if side.lock is None:
        return None if requested is None else {*requested}
    return {name for name in side.lock.artifacts if requested is None or name in requested}


def _proofs(before: Side, after: Side) -> Iterator[ContractChange]:
    """Yield where outputs may be further off than before, or less is compared."""
    outputs = _outputs(before) or _outputs(after) or ("",)
    for format in sorted((_held(before) or set()) & (_held(after) or set())):
        was, now = (_rules(each, format, outputs) for each in (before, after))
        found = weaker.changes(was, now)
        found = found or dict.fromkeys([""], _by_checks(before, after, format))
        for output, what in found.items():
            if what:
                name = f"{format}, {output}" if output else format
                yield _weakened(name, what, "what was refused before passes now")
    steps = _steps(before), _steps(after)
    if steps[0] is not None and steps[1] is not None and steps[1] < steps[0]:
        why = "less of the training is compared" if steps[1] else "training is compared no more"
        yield _weakened("resume_steps", f"{steps[0]} → {steps[1]}", why)


def _outputs(side: Side) -> tuple[str, ...]:
    return tuple(tensor.name for tensor in side.lock.output_signature) if side.lock else ()


def _rules(side: Side, format: str, outputs: tuple[str, ...]) -> dict[str, Rule]:
    """Return the rules by which the outputs of a format are compared."""
    options = (side.requested or {}).get(format)
    if options is None:
        options = side.lock.artifacts[format].options if side.lock is not None else {}
    return weaker.rules_of(options, format, outputs, side.manifest)


def _by_checks(before: Side, after: Side, format: str) -> str:
    """Say how the checks that passed show a weaker rule; a lock has no other trace of some."""
    if before.lock is None or after.lock is None:
        return ""
    was, now = checks.by_subject(before.lock), checks.by_subject(after.lock)
    rules = [
        (checks.rule(was[key]), checks.rule(now[key]))
        for key in now
        if key in was and key[0] == format
    ]
    said = [weaker.weakened(old, new) for old, new in rules if old is not None and new is not None]
    return "; ".join(dict.fromkeys(filter(None, said)))


def _steps(side: Side) -> int | None:
    found = (side.manifest or {}).get("validation", {}).get("resume_steps")
    return found if isinstance(found, int) else None


def _weakened(name: str, what: str, why: str) -> ContractChange:
    before, _, after = what.partition(" → ")
    return ContractChange(
        part=PROOF, name=name, what=what, before=before, after=after, breaking=False, why=why
    )


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
