"""Runs artifactbuild with other pins for its workers, to build as a different processor would.

    python -m tests.with_settings NAME=VALUE ... -- ARGUMENT ...
    python -m tests.with_settings ONEDNN_MAX_CPU_ISA=SSE41 -- build manifests/my_model

What a caller's environment says of oneDNN, NumPy or OpenBLAS never reaches a worker
(`settings.DROPPED`), so these variables are set among `settings.PINNED`, in this process alone.
`NAME=` takes a pin away. In a test:

    words = with_settings.command(ONEDNN_MAX_CPU_ISA="SSE41")
    subprocess.run([*words, "build"], cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT)})

- `ONEDNN_MAX_CPU_ISA` chooses the kernels of TensorFlow's convolutions and products of matrices:
  SSE41, AVX2 and AVX512_CORE train different bits. It limits, so it never exceeds the processor.
- `NPY_DISABLE_CPU_FEATURES` chooses NumPy's, `OPENBLAS_CORETYPE` those of `np.dot`.
- The pins are no part of what is recorded: the record and the lock still name the real processor.
  `tests.processors` fakes that. Nor does the index know them: give a fresh XDG_CACHE_HOME, or
  remove the artifacts, where an earlier run could have left "up to date".
"""

from __future__ import annotations

import sys

from artifactbuild import entry
from artifactbuild.worker import settings


def command(**pins: str) -> list[str]:
    """Return the beginning of a command line that takes the arguments of artifactbuild."""
    named = [f"{name}={value}" for name, value in pins.items()]
    return [sys.executable, "-m", "tests.with_settings", *named, "--"]


def _pin(words: list[str]) -> None:
    for word in words:
        name, _, value = word.partition("=")
        settings.PINNED[name] = value
        if not value:
            del settings.PINNED[name]


if __name__ == "__main__":
    divider = sys.argv.index("--")
    _pin(sys.argv[1:divider])
    del sys.argv[1 : divider + 1]
    entry.main()
