"""What every worker is pinned to, whatever the caller's environment says."""

from __future__ import annotations

THREADS = 2
"""How many threads TensorFlow gets everywhere: the number of threads changes trained bits."""

MMAP_THRESHOLD = 1 << 25
TRIM_THRESHOLD = 1 << 28
"""Bytes of memory that C code frees: larger blocks go back at once, so much in all is kept."""

PINNED = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "GLIBC_TUNABLES": f"glibc.malloc.mmap_threshold={MMAP_THRESHOLD}"
    f":glibc.malloc.trim_threshold={TRIM_THRESHOLD}",
    "KERAS_BACKEND": "tensorflow",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": str(THREADS),
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TF_CPP_MIN_LOG_LEVEL": "1",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_NUM_INTEROP_THREADS": str(THREADS),
    "TF_NUM_INTRAOP_THREADS": str(THREADS),
    "TZ": "UTC",
}
"""Set before the interpreter starts, since Python and TensorFlow read them only then."""

RECORDED = {"onednn": "on", "op_determinism": "on", "threads": str(THREADS)}
"""The pins that change numbers, as the record and the lock tell them."""

NATIVE, PORTABLE = "native", "portable"
"""Kernels of the best that the processor has, or of what any with AVX2 and FMA has."""

LIMIT = ("sse4_2", "avx", "avx2", "fma")
"""The instruction sets that kernels are chosen by when they are `portable`."""

_ABOVE = (
    *("X86_V4", "AVX512_ICL", "AVX512_SPR"),
    *("AVX512F", "AVX512CD", "AVX512_KNL", "AVX512_KNM", "AVX512_SKX", "AVX512_CLX", "AVX512_CNL"),
)
"""What NumPy must not choose kernels by: its names since 2.4, and before; it ignores the others."""

_LIMITED = {
    "NPY_DISABLE_CPU_FEATURES": ",".join(_ABOVE),
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}


def pins(processor: str) -> dict[str, str]:
    """Return what the workers of a manifest are pinned to."""
    return {**PINNED, **_LIMITED} if processor == PORTABLE else dict(PINNED)


def recorded(processor: str) -> dict[str, str]:
    """Return what the record and the lock tell of those pins.

    The instruction sets are those that kernels are chosen by, wherever it is built. What else of a
    processor may change numbers then is its maker's.
    """
    if processor != PORTABLE:
        return RECORDED
    return {
        **RECORDED,
        "instruction_set_limit": "avx2",
        "instruction_sets": " ".join(LIMIT),
    }


DROPPED = (
    *("PYTHON", "TF_", "TF2_", "XLA_", "KERAS_", "LC_", "LANG"),
    *("OMP_", "MKL_", "KMP_", "OPENBLAS_", "GOTO_", "BLIS_"),
    *("ONEDNN_", "DNNL_", "NPY_", "GLIBC_TUNABLES"),
)
"""Beginnings of variables that no worker sees: those of threads, and of the kernels chosen."""

KEPT = frozenset({"PYTHONPATH", "PYTHONHOME"})

OWN = frozenset({"PWD", "OLDPWD", "SHLVL", "_", "PYTHONUSERBASE", "GIT_CONFIG_GLOBAL"})
"""Variables that say where a worker runs, and nothing about what it makes."""


def is_fixed(name: str) -> bool:
    """Tell whether a worker has its own value of a variable, whatever the caller's environment."""
    return name in PINNED or name in KEPT or name in OWN or name.startswith(DROPPED)
