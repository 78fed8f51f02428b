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


def mapped(subject: Subject) -> tuple[str, str, str]:
    """Return imports, the mapping, and the argument of a load with `custom_objects`."""
    mapping = f"custom_objects = {custom_objects(subject)}\n"
    return imports_by_name(subject), mapping, f", custom_objects=custom_objects{trust(subject)}"


def own(subject: Subject) -> tuple[str, str, str]:
    """Return the same three for the simplest load that works: by registration if it can be."""
    if all(item.registered for item in subject.facts.custom_objects):
        return imports_of_declared(subject), "", trust(subject)
    return mapped(subject)


def trust(subject: Subject) -> str:
    """Return the argument without which Keras runs no bytecode, if the model has any."""
    return ", safe_mode=False" if subject.facts.lambdas else ""


def predict(subject: Subject) -> str:
    """Return the function that calls a restored Keras model with arrays by name."""
    call = subject.signature.expression()
    return f"def predict(inputs):\n    return restored({call}, training=False)\n"


def call_of_factory(subject: Subject) -> str:
    """Return the call that makes the architecture."""
    manifest = subject.manifest
    arguments = ", ".join(f"{key}={value!r}" for key, value in manifest.kwargs.items())
    return f"{manifest.factory.attribute}({arguments})"


def built(subject: Subject) -> str:
    """Return the call that makes a model create its weights, if it takes one."""
    if subject.unbuilt and subject.facts.architecture.kind == "sequential":
        return f"restored.build({list(subject.signature.inputs[0].shape)})\n"
    if subject.facts.architecture.kind != "subclassed":
        return ""
    zeros = ", ".join(
        f'"{t.name}": tf.zeros({[size or 1 for size in t.shape]}, "{t.dtype}")'
        for t in subject.signature.inputs
    )
    return f"inputs = {{{zeros}}}\nrestored({subject.signature.expression()}, training=False)\n"


def ours(subject: Subject, restores: tuple[str, ...], *, into: bool = False) -> Loader:
    """Return our own loader: into the factory's architecture, or with the custom objects."""
    if into:
        factory = subject.manifest.factory
        imports = f"from {factory.module} import {factory.attribute}\n"
        build = built(subject)
        imports = ("import tensorflow as tf\n" if "tf." in build else "") + imports
        load = (
            f"restored = {call_of_factory(subject)}\n{build}"
            'artifactbuild.load(".", weights_into=restored)\n'
        )
    else:
        imports, mapping, argument = own(subject)
        argument = argument.replace("safe_mode=False", "allow_lambda=True")
        load = f'{mapping}restored = artifactbuild.load("."{argument})\n'
    return Loader(
        name="artifactbuild",
        summary="artifactbuild, which checks the digests first and gives back all that there is",
        code=paragraphs("import artifactbuild\n" + imports, load, predict(subject)),
        against="eager",
        restores=restores,
        resumes=subject.model.compiled and set(restores) >= {"seed", "optimizer"},
        declared=into or all(item.registered for item in subject.facts.custom_objects),
    )


def put_seeds(values: str) -> str:
    """Return the lines that give a restored model's seed generators their states."""
    return (
        "weights = {id(variable) for variable in restored.weights}\n"
        "seeds = [variable for variable in restored.variables if id(variable) not in weights]\n"
        f"for variable, value in zip(seeds, {values}, strict=True):\n"
        "    variable.assign(value)\n"
    )


def merges_lora(subject: Subject) -> bool:
    """Tell whether Keras would merge LoRA weights into their kernels: the sum stays, they go."""
    return any(getattr(layer, "lora_enabled", False) for layer in subject.model._flatten_layers())


def has_seeds(subject: Subject) -> bool:
    """Tell whether the model holds seed generators, whose states Keras' own files leave out."""
    return any(variable.role == "seed" for variable in subject.facts.variables)


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
