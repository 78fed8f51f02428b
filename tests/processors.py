"""Runs a command where /proc/cpuinfo tells of a different processor; Linux, root only.

    subprocess.run([*told(tmp_path, without=["avx512_bf16"]), *COMMAND, "build"], cwd=project)

The file is mounted over /proc/cpuinfo in a namespace that the command and what it starts live in;
nothing outside sees it. It changes what is read there and nothing else: the kernels stay those of
the real processor (`tests.with_settings` changes them). artifactbuild reads the file in its own
process. Its workers live in namespaces with a /proc of their own, so code in a worker reads the
real one.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

CPUINFO = Path("/proc/cpuinfo")
_MOUNT = 'mount --bind "$0" /proc/cpuinfo && exec "$@"'


def told(folder: Path, *, without: Sequence[str] = (), also: Sequence[str] = ()) -> list[str]:
    """Return the beginning of a command line; skip the test where nothing can be mounted.

    `without` are flags that the processor is told not to have, `also` such as it is told to have.
    """
    file = folder / "cpuinfo"
    file.write_text(_changed(CPUINFO.read_text(), without, also))
    command = [shutil.which("unshare") or "unshare", "--mount", "sh", "-c", _MOUNT, str(file)]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"needs `unshare`: {error}")
    if tried.returncode:
        pytest.skip(f"needs a mount over /proc/cpuinfo: {tried.stderr.strip()}")
    return command


def _changed(text: str, without: Sequence[str], also: Sequence[str]) -> str:
    """Return the file with other flags, one line for each processor as before."""
    return "".join(_line(line, without, also) for line in text.splitlines(keepends=True))


def _line(line: str, without: Sequence[str], also: Sequence[str]) -> str:
    name, colon, flags = line.partition(":")
    if name.strip() not in ("flags", "Features"):
        return line
    kept = [flag for flag in flags.split() if flag not in without]
    return f"{name}{colon} {' '.join([*kept, *(flag for flag in also if flag not in kept)])}\n"
