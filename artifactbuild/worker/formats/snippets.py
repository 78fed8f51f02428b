"""The Python that users write to load a payload. Cards show it, validation runs it as it stands."""

from __future__ import annotations

from collections.abc import Iterable

from artifactbuild.release.record import Loader
from artifactbuild.worker.formats.protocol import Subject


def imports_of_declared(subject: Subject) -> str:
    """Return the imports that file the declared custom objects in Keras' registry."""
    targets = subject.manifest.custom_objects
    modules = sorted({target.module for target in targets})
    lines = []
    for module in modules:
        names = ", ".join(t.attribute for t in targets if t.module == module)
        lines.append(f"import {module}  # defines {names}")
    return lines_of(lines)


def imports_by_name(subject: Subject) -> str:
    """Return the imports that bind each declared custom object to its name."""
    targets = subject.manifest.custom_objects
    modules = sorted({target.module for target in targets})
    named = {m: sorted(t.attribute for t in targets if t.module == m) for m in modules}
    return lines_of(f"from {module} import {', '.join(named[module])}" for module in modules)


def custom_objects(subject: Subject) -> str:
    """Return the `custom_objects` mapping as source: the registered name, and the plain one."""
    entries = []
    targets = subject.manifest.custom_objects
    for target, item in zip(targets, subject.facts.custom_objects, strict=True):
        plain = item.name.split(">")[-1]
        entries += [
            f'    "{name}": {target.attribute},' for name in dict.fromkeys([item.name, plain])
        ]
    return "{\n" + lines_of(entries) + "}"


def predict(subject: Subject) -> str:
    """Return the function that calls a restored Keras model with arrays by name."""
    call = subject.signature.expression()
    return f"def predict(inputs):\n    return restored({call}, training=False)\n"


def paragraphs(*parts: str) -> str:
    """Return code with one empty line between its non-empty parts, two before functions."""
    text = ""
    for part in filter(None, parts):
        gap = "" if not text else "\n\n" if part.startswith("def ") else "\n"
        text += gap + part
    return text


def lines_of(lines: Iterable[str]) -> str:
    """Return lines, each ended."""
    return "".join(line + "\n" for line in lines)


def usable(subject: Subject, registered: Loader, mapped: Loader) -> tuple[Loader, ...]:
    """Return the loaders that make sense for the model's custom objects.

    The mapping only if there are any, the imports only if each of them registers itself.
    """
    if not subject.facts.custom_objects:
        return (registered,)
    if not all(item.registered for item in subject.facts.custom_objects):
        return (mapped,)
    return (registered, mapped)
