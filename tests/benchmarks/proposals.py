"""Every kind of model of the suite from its factory to `init` to `build`, unedited.

    python tests/benchmarks/proposals.py [NAME ...]

Prints a Markdown table: what was proposed and left out, or why nothing was, and what the build
said. Takes a quarter of an hour.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from artifactbuild import pipeline
from artifactbuild.job import job, store
from artifactbuild.manifest.load import load
from artifactbuild.manifest.model import Target, Tensor
from artifactbuild.manifest.placing import Wish, place
from artifactbuild.problems import Refusal
from artifactbuild.proposal import propose
from artifactbuild.worker.server import Server
from tests.kinds.nouns import Kind
from tests.kinds.prove import project
from tests.kinds.table import KINDS


def main(names: list[str]) -> None:
    """Print the table."""
    print("| kind | proposed | left out | build | seconds |\n| --- | --- | --- | --- | ---: |")
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        os.chdir(project(Path(folder, "project")))
        for kind in KINDS:
            if not names or kind.name in names:
                start = time.monotonic()
                row = _row(kind, server)
                print("|", " | ".join(row), f"| {time.monotonic() - start:.0f} |", flush=True)


def _row(kind: Kind, server: Server) -> tuple[str, str, str, str]:
    try:
        made = _proposed(kind, (), server)
    except Refusal as refusal:
        if "--input" not in str(refusal):
            return kind.name, "", "", _one_line(refusal)
        try:
            made = _proposed(kind, tuple(_tensor(each) for each in kind.inputs), server)
        except Refusal as again:
            return kind.name, "with --input", "", _one_line(again)
    try:
        pipeline.build(job(load(Path(made.manifest)), None), server, lambda text: None)
        built = "✓"
    except Refusal as refusal:
        built = f"**{_one_line(refusal)}**"
    return kind.name, ", ".join(made.formats), ", ".join(made.left_out), built


def _proposed(kind, inputs, server):
    wish = Wish(
        factory=Target(module=kind.module, attribute=f"make_{kind.name}"),
        name=None,
        folder=None,
        version="v1",
        seed=0,
        kwargs={},
        inputs=inputs,
        formats=(),
    )
    where = place(wish, Path.cwd())
    return propose(wish, where, store(where.project, None), server, lambda text: None)


def _tensor(each) -> Tensor:
    return Tensor(name=each.name, shape=each.shape, dtype=each.dtype)


def _one_line(refusal: Refusal) -> str:
    return "; ".join(problem.message for problem in refusal.problems)


if __name__ == "__main__":
    main(sys.argv[1:])
