"""What of this machine and its libraries can change a model's numbers or an artifact's bytes."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

LIBRARIES = ("artifactbuild", "h5py", "keras", "numpy", "tensorflow")

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


def here() -> dict[str, str]:
    """Return the versions of Python and of the libraries, the system, and the instruction sets.

    Nothing is imported to find a version.
    """
    versions = {name: metadata.version(name) for name in LIBRARIES}
    machine = {
        "instruction_sets": _instruction_sets(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    return dict(sorted({**versions, **machine}.items()))


def drift(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return 'tensorflow 2.21.0 → 2.22.0' for each entry that differs."""
    names = sorted(set(before) | set(now))
    return tuple(
        f"{name} {before.get(name, 'none')} → {now.get(name, 'none')}"
        for name in names
        if before.get(name) != now.get(name)
    )


def _instruction_sets() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            line = next((line for line in file if line.startswith(("flags", "Features"))), "")
    except OSError:
        return platform.processor()
    present = set(line.partition(":")[2].split())
    return " ".join(name for name in INSTRUCTION_SETS if name in present)


def own_version() -> str:
    """Return the version of artifactbuild."""
    return metadata.version("artifactbuild")
