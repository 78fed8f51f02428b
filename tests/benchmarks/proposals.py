"""Every kind of model of the suite from its factory to `init` to `build`, unedited.

    python tests/benchmarks/proposals.py [--format FORMAT ...] [NAME ...]

Prints a Markdown table: what was proposed and left out, or why nothing was, and what the build
said. With formats named, a model that one of them cannot hold is asked for all. Takes half an hour
with all formats.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from artifactbuild import pipeline
from artifactbuild.job import job, store
from artifactbuild.manifest.load import load
from artifactbuild.manifest.model import Target, Tensor
from artifactbuild.manifest.placing import Wish, place
from artifactbuild.problems import Refusal
from artifactbuild.proposal import Proposed, propose
from artifactbuild.worker.server import Server
from tests.kinds.nouns import Kind
from tests.kinds.prove import project
from tests.kinds.table import KINDS


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--format", action="append", default=[])
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    print("| kind | proposed | left out | build | seconds |\n| --- | --- | --- | --- | ---: |")
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        os.chdir(project(Path(folder, "project")))
        for kind in KINDS:
            if not asked.names or kind.name in asked.names:
                start = time.monotonic()
                row = _row(kind, tuple(asked.format), server)
                print("|", " | ".join(row), f"| {time.monotonic() - start:.0f} |", flush=True)


def _row(kind: Kind, formats: tuple[str, ...], server: Server) -> tuple[str, str, str, str]:
    try:
        made = _proposed(kind, formats, server)
    except Refusal as refusal:
        return kind.name, "", "", _one_line(refusal)
    try:
        pipeline.build(job(load(Path(made.manifest)), None), server, lambda text: None)
        built = "✓"
    except Refusal as refusal:
        built = f"**{_one_line(refusal)}**"
    return kind.name, ", ".join(made.formats), ", ".join(made.left_out), built


def _proposed(kind: Kind, formats: tuple[str, ...], server: Server) -> Proposed:
    """Propose a kind's manifest; its inputs are given, and all formats tried, only if need be."""
    given = tuple(Tensor(name=i.name, shape=i.shape, dtype=i.dtype) for i in kind.inputs)
    for inputs, wanted in (((), formats), (given, formats), (given, ())):
        wish = _wish(kind, inputs, wanted)
        where = place(wish, Path.cwd())
        try:
            own = store(where.project, None)
            return propose(wish, where, own, server, lambda text: None)
        except Refusal as refusal:
            last = refusal
            if "--input" not in str(refusal) and "--format" not in str(refusal) and not wanted:
                break
    raise last


def _wish(kind: Kind, inputs: tuple[Tensor, ...], formats: tuple[str, ...]) -> Wish:
    return Wish(
        factory=Target(module=kind.module, attribute=f"make_{kind.name}"),
        name=None,
        folder=None,
        version="v1",
        seed=0,
        kwargs={},
        inputs=inputs,
        formats=formats,
    )


def _one_line(refusal: Refusal) -> str:
    return "; ".join(problem.message for problem in refusal.problems)


if __name__ == "__main__":
    main()
