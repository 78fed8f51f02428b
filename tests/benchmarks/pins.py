"""What the pinned settings cost: the same builds with one of them changed, in CPU time.

    python -m tests.benchmarks.pins [ROUNDS]

Builds the two models of this repository, and `digits` once more trained in its factory. Prints a
Markdown table: CPU time relative to the pinned build (the least of all rounds each), and how many
payload files came out with other bytes.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.release import record
from artifactbuild.worker import settings
from artifactbuild.worker.server import Server

ROOT = Path(__file__).parents[2]
MODELS = ("my_model", "digits", "digits_trained")
OURS = (record.FILE, record.CARD, record.REFERENCE)

UNPIN = """\
import os
import sys


def unpin():
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        from artifactbuild.worker import runtime

        {code}


os.register_at_fork(after_in_child=unpin)
"""
"""A `sitecustomize` for the workers: changes what they pin before they do."""

TRAINED = """\
import pathlib

import numpy as np

import model

ROWS = pathlib.Path(__file__).parent / "reference" / "evaluation.npz"


def make_model():
    made = model.make_model()
    rows = np.load(ROWS)
    made.fit(rows["image"], rows["targets"], batch_size=32, epochs=20, verbose=0)
    return made
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The pins with one of them changed: in the workers' environment, and in their code."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    code: str = "pass"


def _threads(count: int) -> Setting:
    names = ("OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")
    text = str(count) if count else f"{len(os.sched_getaffinity(0))}, by default"
    environment = dict.fromkeys(names, str(count) if count else "")
    return Setting(
        name=f"threads {text}", environment=environment, code=f"runtime.THREADS = {count}"
    )


SETTINGS = (
    Setting(name="as pinned"),
    Setting(
        name="op determinism off",
        environment={"TF_DETERMINISTIC_OPS": "0"},
        code="tf.config.experimental.enable_op_determinism = lambda: None",
    ),
    Setting(name="oneDNN off", environment={"TF_ENABLE_ONEDNN_OPTS": "0"}),
    _threads(0),
    _threads(1),
)


def main(rounds: int) -> None:
    """Measure and print."""
    seconds: dict[tuple[str, str], float] = {}
    files: dict[tuple[str, str], Mapping[str, str]] = {}
    for _ in range(rounds):
        for setting in SETTINGS:
            for model in MODELS:
                key = setting.name, model
                spent, files[key] = _measured(setting, model)
                seconds[key] = min(spent, seconds.get(key, spent))
                print(*key, f"{spent:.1f}", file=sys.stderr, flush=True)
    print(f"| setting | {' | '.join(MODELS)} |")
    print(f"| --- {'| ---: ' * len(MODELS)}|")
    pinned = SETTINGS[0].name
    for setting in SETTINGS:
        cells = []
        for model in MODELS:
            before, after = files[pinned, model], files[setting.name, model]
            other = sum(before[name] != after[name] for name in before)
            ratio = seconds[setting.name, model] / seconds[pinned, model]
            cells.append(f"{ratio:.2f}×, {other} of {len(before)} files differ")
        print(f"| {setting.name} | {' | '.join(cells)} |")
    print(", ".join(f"{model} as pinned {seconds[pinned, model]:.1f} s" for model in MODELS))


def _measured(setting: Setting, model: str) -> tuple[float, Mapping[str, str]]:
    """Build a model; return the CPU time of all its processes, and its payload's digests."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = _project(model, Path(folder))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with _changed(setting, Path(folder)), Server() as server:
            outcome = pipeline.build(job(load(manifest), None), server, lambda text: None).outcome
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = {
            f"{result.format}/{name}": file.sha256
            for result in outcome.results
            for name, file in record.read(Path(result.folder)).files.items()
            if name not in OURS
        }
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, found


def _project(model: str, folder: Path) -> Path:
    source = model.removesuffix("_trained")
    target = folder / "project"
    shutil.copytree(ROOT / "manifests" / source, target, ignore=shutil.ignore_patterns("*.lock"))
    (target / "pyproject.toml").touch()
    manifest = target / "model.artifact.yaml"
    if model != source:
        (target / "trained.py").write_text(TRAINED, encoding="utf-8")
        text = manifest.read_text(encoding="utf-8").replace(
            "model:make_model", "trained:make_model"
        )
        start, end = text.index("weights:"), text.index("formats:")
        manifest.write_text(text[:start] + text[end:], encoding="utf-8")
    return manifest


@contextmanager
def _changed(setting: Setting, folder: Path) -> Iterator[None]:
    (folder / "sitecustomize.py").write_text(UNPIN.format(code=setting.code), encoding="utf-8")
    pinned, path = dict(settings.PINNED), os.environ.get("PYTHONPATH")
    for name, value in setting.environment.items():
        settings.PINNED[name] = value
        if not value:
            del settings.PINNED[name]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [path])])
    try:
        yield
    finally:
        settings.PINNED.clear()
        settings.PINNED.update(pinned)
        os.environ["PYTHONPATH"] = path or ""


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
