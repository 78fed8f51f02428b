"""What of this machine and its libraries can change a model's numbers or an artifact's bytes."""

from __future__ import annotations

import functools
import platform
import re
import sys
from collections.abc import Iterable, Mapping

from artifactbuild.problems import Problem, Refusal
from artifactbuild.release.fingerprint import distributions

LIBRARIES = ("artifactbuild", "h5py", "keras", "numpy", "protobuf", "tensorflow")

OF_FORMATS = {"onnx": ("onnx", "onnxruntime", "tf2onnx"), "tflite": ("flatbuffers",)}
"""Libraries that only one format needs."""

KERAS_FLOORS = ((3, 12, 4), (3, 15, 1))
"""The first releases of Keras, of their minor versions, that load an untrusted file in safe mode.

Later ones of the last are good too; what lies between has known ways around it.
"""

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
        "instruction_sets": instruction_sets(),
        "machine": platform.machine(),
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
    hint = "run `pip install -U 'keras>=3.15.1'`"
    raise Refusal(Problem(file="keras", message=message, hint=hint))


def installed_keras() -> str:
    """Return the version of Keras that is installed, without importing it."""
    return _version("keras")


def drift(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return 'tensorflow 2.21.0 → 2.22.0' for each entry of both that differs.

    What only one of them has is a library of a format that the other did not ask for.
    """
    names = sorted(set(before) & set(now))
    return tuple(f"{n} {before[n]} → {now[n]}" for n in names if before[n] != now[n])


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
