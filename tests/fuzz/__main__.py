"""Fuzz for as long as wanted: `python -m tests.fuzz --cases 20000 manifests`."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.cases import DRAWS, KINDS, Draw, try_case
from tests.fuzz.ground import Broken, laid_out


def main() -> None:
    """Run cases of one kind, or of all, and print how many ran and how long the longest took."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="|".join(KINDS))
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no case after so long")
    asked = parser.parse_args()
    for kind in asked.kinds:
        with tempfile.TemporaryDirectory() as folder:
            _run(kind, asked.cases, asked.seed, 60 * asked.minutes, Path(folder))


def _run(kind: str, cases: int, start: int, seconds: float, folder: Path) -> None:
    (folder / "pyproject.toml").touch()
    os.chdir(folder)
    at, ran, longest = laid_out(folder), 0, 0.0
    broken_by: dict[str, tuple[Draw, str]] = {}

    last = time.perf_counter() + seconds

    @seed(start)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(DRAWS)
    def every(draw: Draw) -> None:
        nonlocal ran, longest
        began = time.perf_counter()
        if began > last:
            return
        try:
            try_case(at, kind, draw)
        except Broken as broken:
            broken_by.setdefault(str(broken).strip().splitlines()[-1][:200], (draw, str(broken)))
        ran, longest = ran + 1, max(longest, time.perf_counter() - began)

    began = time.perf_counter()
    every()
    spent = time.perf_counter() - began
    for draw, said in broken_by.values():
        print(f"{draw}\n{said}\n")
    found = f"{len(broken_by)} ways to break"
    print(f"{kind}: {ran} cases in {spent:.0f} s, the longest {longest:.2f} s: {found}")


if __name__ == "__main__":
    main()
