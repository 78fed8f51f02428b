"""What of this machine and its libraries can change a model's numbers or an artifact's bytes."""

from __future__ import annotations

import functools
import platform
import re
import sys
from collections.abc import Iterable, Mapping

from artifactbuild import supported
from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.fingerprint import distributions

LIBRARIES = ("artifactbuild", "h5py", "keras", "numpy", "protobuf", "tensorflow")

OF_FORMATS = {"onnx": ("onnx", "onnxruntime", "tf2onnx"), "tflite": ("flatbuffers",)}
"""Libraries that only one format needs."""

KERAS_FLOORS = ((3, 12, 4), (3, 15, 1))
"""The first releases of Keras, of their minor versions, that load an untrusted file in safe mode.

Later ones of the last are good too; what lies between has known ways around it.
"""

INSTRUCTIONS = "instruction_sets"

MAKER = "processor_maker"
"""Who made the processor: reciprocals that instructions approximate are each maker's own."""

OF_MACHINE = (INSTRUCTIONS, MAKER, "machine")
"""What tells the machine, which can change numbers, and is no edit of anything."""

LEGACY = "TF_USE_LEGACY_KERAS"

INSTRUCTION_SETS = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "sve",
)
"""What TensorFlow and oneDNN choose their kernels by, as the kernel names it."""


def here(settings: Mapping[str, str], formats: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of Python and of the libraries, the machine, and what workers are set to.

    The libraries are those of every build and of the formats asked for. Nothing is imported to find
    a version.
    """
    extra = [name for each in formats for name in OF_FORMATS.get(each, ())]
    versions = {name: _version(name) for name in (*LIBRARIES, *extra)}
    machine = {
        INSTRUCTIONS: instruction_sets(),
        "machine": platform.machine(),
        MAKER: processor_maker(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    return dict(sorted({**versions, **machine, **settings}.items()))


@functools.cache
def _version(name: str) -> str:
    """Return the version of an installed library, as its folder of metadata is named."""
    wanted = re.compile(rf"{re.escape(name)}-([^-]+)\.dist-info", re.IGNORECASE)
    found = (wanted.fullmatch(each) for path in sys.path for each in distributions(path))
    return next((match[1] for match in found if match), None) or _told(name)


def _told(name: str) -> str:
    """Return the version that an unusual installation tells; its library is slow to import."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def hold_keras(version: str, environ: Mapping[str, str]) -> None:
    """Hold the Keras that is installed, and the one that is asked for, to what is safe to load by.

    Raises:
        Refusal: when it is too old, or legacy Keras is asked for, which runs any bytecode.
    """
    if environ.get(LEGACY, "0").lower() not in ("", "0", "false"):
        message = f"is {environ[LEGACY]!r}: legacy Keras runs the bytecode of any file it loads"
        raise Refusal(Problem(file=LEGACY, message=message, hint=f"run `unset {LEGACY}`"))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    older, newest = KERAS_FLOORS
    if numbers >= newest or (numbers[:2] == older[:2] and numbers >= older):
        return
    floors = " or ".join(".".join(map(str, floor)) for floor in reversed(KERAS_FLOORS))
    message = f"is {version}, expected {floors}, or newer: older ones run code of hostile files"
    wanted = "keras>=3.15.1" if sys.version_info >= (3, 11) else "keras>=3.12.4,<3.13"
    hint = f"run `pip install -U {wanted!r}`"
    raise Refusal(Problem(file="keras", message=message, hint=hint))


def hold_tensorflow(version: str) -> None:
    """Hold the TensorFlow that is installed to what was tested: pip lets people force another.

    Raises:
        Refusal: when it is older or newer. One of no known version is left to its import.
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not numbers or supported.is_between(numbers, supported.TENSORFLOW):
        return
    expected = supported.span(supported.TENSORFLOW)
    message = f"is {version}, expected {expected}: others were not tested"
    wanted = ",".join(_bounds(supported.TENSORFLOW))
    hint = f"run `pip install 'tensorflow{wanted}'`"
    raise Refusal(Problem(file="tensorflow", message=message, hint=hint))


def _bounds(span: supported.Span) -> tuple[str, str]:
    """Return what pip calls a span of minor versions: '>=2.18', '<2.22'."""
    (major, minor) = span[1]
    return f">={supported.named(span[0])}", f"<{supported.named((major, minor + 1))}"


def installed(library: str) -> str:
    """Return the version of a library that is installed, without importing it; 'none' without."""
    return _version(library)


def drift(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return 'tensorflow 2.21.0 → 2.22.0' for each entry of both that differs.

    What only one of them has is a library of a format that the other did not ask for.
    """
    names = sorted(set(before) & set(now))
    return tuple(_words(n, before[n], now[n]) for n in names if before[n] != now[n])


def library_drift(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the drift that an upgrade makes: not that of another machine, nor of artifactbuild.

    Another machine is no change to a version. What changes in artifactbuild has revisions.
    """
    return drift(of_libraries(before), of_libraries(now))


def of_libraries(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what tells the machine, and without artifactbuild itself."""
    left_out = {"artifactbuild", *OF_MACHINE}
    return {name: value for name, value in environment.items() if name not in left_out}


def _words(name: str, before: str, now: str) -> str:
    """Say what changed; of the instruction sets, which are many, those that came and went."""
    if name != INSTRUCTIONS:
        return f"{name} {before} → {now}"
    was, found = before.split(), now.split()
    signs = [
        *(f"+{each}" for each in found if each not in was),
        *(f"-{each}" for each in was if each not in found),
    ]
    return f"instruction sets {' '.join(signs)}"


@functools.cache
def instruction_sets() -> str:
    """Return the instruction sets of this processor, of those that kernels are chosen by."""
    line = _told_of_processor("flags", "Features")
    if line is None:
        return platform.processor()
    present = set(line.split())
    return " ".join(name for name in INSTRUCTION_SETS if name in present)


@functools.cache
def processor_maker() -> str:
    """Return who made this processor: approximate reciprocals are each maker's own."""
    return (_told_of_processor("vendor_id", "CPU implementer") or "unknown").strip()


def _told_of_processor(*names: str) -> str | None:
    """Return what the kernel says of the first processor under one of these names."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            line = next((line for line in file if line.startswith(names)), "")
    except OSError:
        return None
    return line.partition(":")[2]


def own_version() -> str:
    """Return the version of artifactbuild."""
    return _version("artifactbuild")


def is_own(made: Mapping[str, str]) -> bool:
    """Tell whether this version of artifactbuild made what has such an environment."""
    return made.get("artifactbuild") == own_version()
