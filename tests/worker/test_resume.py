"""Going on with training, to the bit, with every kind of state that an optimizer can have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release import record

SLOW = pytest.mark.slow
SAMPLE = Path(__file__).parents[1] / "samples" / "trained"
FORMATS = {
    "savedmodel": "{}",
    "keras": "{}",
    "h5": "{}",
    "weights": "{optimizer: true}",
    "weights_h5": "{optimizer: true}",
}
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]

SEEDS = "state.assign(state.seed_variables(model), seeds)"

KINDS = [
    "adam",
    "adamw_schedule_clipping",
    "sgd_momentum",
    "ema",
    "gradient_accumulation",
    "mixed_float16",
    "never_trained",
]


def written(manifest: Path, kind: str, formats: dict[str, str]) -> Path:
    lines = "".join(f"  {name}: {options}\n" for name, options in formats.items())
    text = manifest.read_text().replace("KIND", kind).replace("FORMATS\n", lines)
    manifest.write_text(text)
    return manifest


OPTIMIZERS = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
]
"""Every optimizer of Keras but the wrapper for loss scaling, which `mixed_float16` tries."""


REFUSED = {"Adafactor": "h5"}
"""Keras cannot write this optimizer's state there: it names two variables alike."""


@pytest.mark.parametrize("kind", [*KINDS, *(pytest.param(o, marks=SLOW) for o in OPTIMIZERS)])
def test_training_goes_on_from_every_format(copied: Copy, build: Build, kind: str) -> None:
    formats = {name: how for name, how in FORMATS.items() if name != REFUSED.get(kind)}
    build(written(copied(SAMPLE), kind, formats))
    for name in formats:
        made = record.read(Path("artifacts") / "trained" / name / "v1")
        resumed = [c for c in made.checks if c.compared == "3 training steps"]
        assert {check.loader for check in resumed} >= {"artifactbuild"}
        assert all(check.passed and check.count == len(made.variables) for check in resumed)
        assert made.resumable, made.resumable_why


def test_weights_alone_are_not_resumable_and_say_so(copied: Copy, build: Build) -> None:
    build(written(copied(SAMPLE), "adam", {"weights": "{}"}))
    made = record.read(Path("artifacts/trained/weights/v1"))
    assert not made.resumable
    assert made.resumable_why == "weights does not hold the optimizer's state"
    card = Path("artifacts/trained/weights/v1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "**Training can go on from here: no.** Weights does not hold" in card


def test_not_compiled_is_not_resumable_and_says_so(copied: Copy, build: Build) -> None:
    build(written(copied(SAMPLE), "not_compiled", {"keras": "{}"}))
    made = record.read(Path("artifacts/trained/keras/v1"))
    assert (made.resumable, made.resumable_why) == (False, "the model is not compiled")


@pytest.mark.parametrize(
    ("role", "broken"),
    [
        ("seed", "state.assign(state.seed_variables(model), [[9, 9]])"),
        (
            "optimizer",
            f"{SEEDS}\n    state.assign(state.optimizer_variables(model)[:1], [7])",
        ),
    ],
)
def test_lost_state_is_noticed(
    copied: Copy, project: Path, monkeypatch: pytest.MonkeyPatch, role: str, broken: str
) -> None:
    """A loader that puts back something else fails: the check can fail."""
    from artifactbuild import pipeline
    from artifactbuild.job import job
    from artifactbuild.manifest.load import load
    from artifactbuild.worker.server import Server

    package = project.parent / "mutant" / "artifactbuild"
    _mutate(package, SEEDS, broken)
    monkeypatch.setattr("artifactbuild.worker.server.PACKAGE", str(package.parent))
    manifest = written(copied(SAMPLE), "adam", {"keras": "{}"})
    with Server() as server, pytest.raises(Refusal) as refused:
        pipeline.build(job(load(manifest), None), server, lambda text: None)
    (problem,) = refused.value.problems
    assert problem.message.startswith(
        f"keras fails validation by 'artifactbuild': {role} variables against model: 1 of "
    )


def _mutate(package: Path, before: str, after: str) -> None:
    import shutil

    import artifactbuild

    shutil.copytree(Path(artifactbuild.__file__).parent, package)
    for name in ("schemas", "templates"):
        shutil.copytree(Path(artifactbuild.__file__).parents[1] / name, package.parent / name)
    path = package / "worker" / "formats" / "keras.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
