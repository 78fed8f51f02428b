"""Each supported combination of Python and libraries installs, builds, proves and builds again.

    python tests/matrix.py                          # all combinations; a Markdown table at the end
    python tests/matrix.py 3.10-lowest 3.13-tf2.21  # some of them
    python tests/matrix.py --tests 'tests/kinds tests/worker/formats' 3.11-tf2.18

Needs `uv` on the PATH. Pythons are those on the PATH and of pyenv; others are up to uv. For each
combination:

1. a virtual environment of its own gets the project for editing, with the extra `dev`; `lowest`
   takes of all that pyproject.toml names the lowest version that it allows;
2. both models of `manifests/` are built from a copy without locks, outside of the repository;
3. a second `build` finds everything up to date, and `check` finds nothing wrong;
4. `reproduce` builds both again in other processes, and every file must be the same;
5. the sources of `tests/release/python_source_vectors.py` have the digests that they have there;
6. the tests of `--tests` pass, if there are any;
7. payloads are compared with those of the committed locks. They may differ: the table says it.

Ends with 1 if 1 to 6 fail anywhere, and goes on with the others before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("manifests/*/model.artifact.lock"))
FACTS = ("MODEL_CARD.md", "metadata.json", "reference.npz")
"""What a version has beside its payload."""

AT_A_TIME = 2
"""How many combinations are tried at a time: what one waits for, another works in."""

LIBRARIES = ("tensorflow", "keras", "numpy", "protobuf", "h5py")
TENSORFLOWS = {
    "3.10": ("2.18", "2.21"),
    "3.11": ("2.18", "2.19", "2.20", "2.21"),
    "3.12": ("2.18", "2.21"),
    "3.13": ("2.20", "2.21"),
}
LOWEST = "lowest"


class Failed(Exception):
    """A step of a combination that did not do what it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A Python, and what is asked of its TensorFlow: a minor version, or `lowest`."""

    python: str
    tensorflow: str

    @property
    def name(self) -> str:
        """Return '3.10-lowest' or '3.10-tf2.18'."""
        return f"{self.python}-{'' if self.tensorflow == LOWEST else 'tf'}{self.tensorflow}"

    @property
    def wanted(self) -> list[str]:
        """Return what uv is asked for, beside the project."""
        if self.tensorflow == LOWEST:
            return ["--resolution", "lowest-direct"]
        return [f"tensorflow=={self.tensorflow}.*"]


COMBINATIONS = {
    each.name: each
    for python, versions in TENSORFLOWS.items()
    for each in (Combination(python=python, tensorflow=v) for v in (LOWEST, *versions))
}


def main() -> None:
    """Run the combinations that are asked for, and print the table."""
    given = _given()
    with tempfile.TemporaryDirectory(prefix="artifactbuild-matrix-") as folder:
        names = given.combinations or list(COMBINATIONS)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            rows = list(pool.map(lambda name: _done(name, Path(folder), given.tests), names))
    print(_table(rows))
    sys.exit(any(row[-1] != "passed" for row in rows))


def _done(name: str, folder: Path, tests: str) -> list[str]:
    """Do everything for a combination by its name; say how it ended, and leave nothing."""
    began = time.monotonic()
    row = _row(COMBINATIONS[name], folder / name, tests.split())
    print(f"{name}: {row[-1]} ({time.monotonic() - began:.0f} s)", flush=True)
    shutil.rmtree(folder / name, ignore_errors=True)
    return row


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "combinations", nargs="*", metavar="COMBINATION", help=", ".join(COMBINATIONS)
    )
    parser.add_argument("--tests", default="", help="what pytest is given, in one argument")
    given = parser.parse_args()
    unknown = [name for name in given.combinations if name not in COMBINATIONS]
    if unknown:
        parser.error(f"{unknown[0]!r} is none of {', '.join(COMBINATIONS)}")
    return given


def _row(combination: Combination, folder: Path, tests: list[str]) -> list[str]:
    """Do everything for a combination; return its line of the table."""
    found = [combination.python, *("?" for _ in LIBRARIES), "?"]
    try:
        python = _installed(combination, folder)
        found = _built(python, folder)
        _run([python, "-m", "tests.release.python_source_vectors"], ROOT)
        if tests:
            _run([python, "-m", "pytest", "-q", *tests], ROOT)
    except Failed as failed:
        print(failed, flush=True)
        return [*found, "FAILED"]
    return [*found, "passed"]


def _installed(combination: Combination, folder: Path) -> str:
    """Make the virtual environment; return its interpreter."""
    python = str(folder / "venv" / "bin" / "python")
    _run(["uv", "venv", "-q", "--python", _interpreter(combination.python), folder / "venv"])
    install = ["uv", "pip", "install", "-q", "--python", python]
    _run([*install, *combination.wanted, "-e", f"{ROOT}[dev]"])
    return python


def _interpreter(version: str) -> str:
    """Return the interpreter that pyenv has of a version, else the version, for uv to find."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = sorted(versions.glob(f"{version}.*/bin/python"))
    return str(found[-1]) if found else version


def _built(python: str, folder: Path) -> list[str]:
    """Build, build again, check and reproduce; return the versions, and what differs."""
    work = folder / "work"
    shutil.copytree(
        ROOT / "manifests",
        work / "manifests",
        ignore=shutil.ignore_patterns("*.lock", "__pycache__"),
    )
    (work / "pyproject.toml").touch()
    artifacts = ("--artifacts", str(folder / "artifacts"))
    tool = [python, "-m", "artifactbuild"]
    _run([*tool, "build", *artifacts], work)
    steps = [
        step
        for plan in _answer([*tool, "plan", "--json", *artifacts], work)
        for step in plan["steps"]
    ]
    if not steps or any(step["action"] != "keep" for step in steps):
        raise Failed(f"the second build would do more: {steps}")
    _run([*tool, "check", *artifacts], work)
    _run([*tool, "reproduce", *artifacts], work)
    locks = [json.loads((work / lock.relative_to(ROOT)).read_bytes()) for lock in LOCKS]
    environment = locks[0]["environment"]
    return [environment["python"], *(environment[name] for name in LIBRARIES), _differing(locks)]


def _differing(locks: list[dict[str, Any]]) -> str:
    """Say which payloads, and which reference outputs, are not those of the committed locks."""
    found = [
        name for own, lock in zip(locks, LOCKS, strict=True) for name in _differences(own, lock)
    ]
    return ", ".join(found) or "none"


def _differences(own: dict[str, Any], lock: Path) -> Iterator[str]:
    released = json.loads(lock.read_bytes())["artifacts"]
    outputs = False
    for name, artifact in own["artifacts"].items():
        before, now = released[name]["files"], artifact["files"]
        files = sorted(set(before) | set(now))
        if any(before.get(file) != now.get(file) for file in files if file not in FACTS):
            yield f"{own['model']}/{name}"
        outputs |= before["reference.npz"] != now["reference.npz"]
    if outputs:
        yield f"{own['model']}'s reference outputs"


def _answer(command: list[Any], folder: Path) -> Any:
    return json.loads(_run(command, folder))


def _run(command: list[Any], folder: Path = ROOT) -> str:
    """Run a command to its end; return what it wrote to standard output."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
        raise Failed(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{said}")
    return done.stdout


def _table(rows: list[list[str]]) -> str:
    titles = ["Python", "TensorFlow", "Keras", "NumPy", "protobuf", "h5py"]
    heads = [*titles, "differs from the committed locks", "result"]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
