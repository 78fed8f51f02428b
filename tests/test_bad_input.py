"""Odd files, names and settings: a located problem or an answer, never a traceback."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from artifactbuild.cli import run
from artifactbuild.problems import Refusal
from artifactbuild.release import card, record
from tests.fuzz import mutations
from tests.fuzz.ground import RICH, Ground, judge, laid_out, put_record

VERBS = [
    *(["check"], ["check", "--json"], ["plan"], ["show"], ["card"], ["verify"], ["bump"]),
    ["diff", "dense/model.artifact.lock", "dense/model.artifact.yaml"],
    ["diff", "artifacts/dense/h5/v1", "artifacts/dense/keras/v1"],
    ["site", "artifacts", "dense", "--output", "pages"],
]

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n" % 0


@pytest.fixture
def at(project: Path) -> Ground:
    return laid_out(project)


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("other-link"))
    path.with_name("other-link").symlink_to(path)


ODD: Mapping[str, Callable[[Path], object]] = {
    "empty": _bytes(b""),
    "LFS pointer": _bytes(LFS),
    "NULs": _bytes(b"\0" * 5000),
    "not UTF-8": _bytes(b"\xff\xfe\x00a"),
    "a list": _bytes(b"[]"),
    "a number": _bytes(b"1" * 5000),
    "nested": _bytes(b"[" * 100_000),
    "many digits": _bytes(b'{"schema_version": %s}' % (b"9" * 10_000)),
    "folder": lambda path: path.mkdir(),
    "broken link": lambda path: path.symlink_to("nowhere"),
    "loop of links": _loop,
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "gone": lambda path: None,
}

FILES = {
    "manifest": "dense/model.artifact.yaml",
    "lock": "dense/model.artifact.lock",
    "record": "artifacts/dense/keras/v1/metadata.json",
    "card": "artifacts/dense/keras/v1/MODEL_CARD.md",
    "reference": "artifacts/dense/keras/v1/reference.npz",
    "payload": "artifacts/dense/keras/v1/model.keras",
    "statement": "artifacts/dense/keras/v1.intoto.json",
    "module": "dense/model.py",
    "weights": "dense/w.h5",
    "rows": "dense/rows.npz",
    "template": "dense/card.md.j2",
    "store": "artifacts",
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("file", FILES)
def test_odd_file(at: Ground, file: str, odd: str) -> None:
    path = at.project / FILES[file]
    if file in ("weights", "rows"):
        at.place.write_bytes(mutations.text_of(RICH))
    if file == "template":
        named = {**at.manifest, "card": {"template": "card.md.j2"}}
        at.place.write_bytes(mutations.text_of(named))
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    ODD[odd](path)
    # A template is the project's own Markdown.
    judge([["check"], ["card", "--json"]] if file == "template" else VERBS, at.project)


PATHS = [
    ("weights", "path"),
    ("assets", 0),
    ("evaluate", "file"),
    ("formats", "tflite", "calibration"),
    ("reference_inputs", 2, "file"),
    ("card", "template"),
]
NAMES = [
    "a\0b",
    "x" * 300,
    "x/" * 3000,
    "\ud800",
    ".",
    "..",
    "/",
    "//",
    "~",
    "C:\\x",
    "",
    " ",
    "loop",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("where", PATHS, ids=lambda where: where[0])
def test_odd_path_in_a_manifest(
    at: Ground, where: tuple[Any, ...], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _loop(at.place.parent / "loop")
    data = mutations.changed({**RICH, "card": {}}, [])
    inner = data
    for part in where[:-1]:
        inner = inner[part]
    inner[where[-1]] = name
    at.place.write_bytes(mutations.text_of(data))
    judge([["check"], ["plan", "--json"], ["verify"]], at.project)
    assert run(["check"]) == 1
    assert "dense/model.artifact.yaml:1:" in capsys.readouterr().err


def test_nul_in_a_path_leaves_the_other_manifests_their_answer(
    at: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    at.place.write_text(at.place.read_text().replace('"seed"', '"assets": ["a\\u0000b"], "seed"'))
    other = at.project / "other"
    other.mkdir()
    (other / "model.artifact.yaml").write_text("{}")
    assert run(["check"]) == 1
    err = capsys.readouterr().err
    assert r"'a\x00b' is no usable path" in err
    assert "other/model.artifact.yaml:1:1: missing key 'factory'" in err


def test_card_of_a_record_that_is_none_is_located(at: Ground) -> None:
    put_record(at, mutations.text_of({**at.record, "checks": {}}))
    with pytest.raises(Refusal) as raised:
        card.render_file(at.folder / record.FILE, card.card_template())
    assert str(raised.value).endswith(
        "metadata.json: not a record: $.checks: expected list, found dict\n"
        "    restore it from where it was published, or build it again"
    )


def test_record_with_wires_that_lead_nowhere_has_a_card(at: Ground) -> None:
    made = mutations.changed(at.record, [])
    made["architecture"]["layers"][1]["inputs"] = ["nobody"]
    made["architecture"]["outputs"] = ["nobody"]
    put_record(at, mutations.text_of(made))
    assert run(["card", "--format", "keras"]) == 0


@pytest.mark.parametrize(
    "value", ["", " ", "/dev/null", "/dev/zero/x", "x" * 5000, "\udcff", "a\nb", "loop", "dense"]
)
def test_odd_root(at: Ground, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _loop(at.project / "loop")
    monkeypatch.setenv("ARTIFACTBUILD_ARTIFACTS", value)
    judge(VERBS[:6], at.project)
    monkeypatch.delenv("ARTIFACTBUILD_ARTIFACTS")
    judge([[*verb, "--artifacts", value] for verb in VERBS[:6] if value], at.project)


@pytest.mark.parametrize(
    "value", ["", " 1", "-1", "1.5", "1e3", "٣", "²", "9" * 13, "9" * 5000, "253402300800", "today"]
)
def test_odd_epoch(value: str) -> None:
    with pytest.raises(Refusal, match="expected seconds from 1970 to the year 9999"):
        record.created_at({"SOURCE_DATE_EPOCH": value}, None)


def test_last_second_that_has_a_date() -> None:
    moment = record.created_at({"SOURCE_DATE_EPOCH": "253402300799"}, None)
    assert moment == "9999-12-31T23:59:59Z"
    assert record.epoch(moment) == 253402300799


@pytest.mark.parametrize("moment", ["", "10000-01-01T00:00:00Z", "2026-02-31T00:00:00Z", "\0"])
def test_odd_moment_in_a_lock(moment: str) -> None:
    with pytest.raises(Refusal, match="expected a moment such as 2026-01-31T12:00:00Z"):
        record.epoch(moment)


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "a\nb", "\udcff", "loop", "/dev/zero"])
def test_odd_argument(at: Ground, name: str) -> None:
    _loop(at.project / "loop")
    lock = f"dense/model.artifact.lock/{name}"
    words = [name, f"./{name}", f"dense/{name}", f"HEAD:{name}", f"{name}:dense", lock]
    judge([[verb[0], word] for verb in VERBS[:8] for word in words], at.project)
    judge([["diff", word, "dense/model.artifact.lock"] for word in words], at.project)
    judge([["site", word, "--output", "pages"] for word in words], at.project)


def test_sources_of_a_lock_that_no_filesystem_holds(at: Ground) -> None:
    lock = mutations.changed(at.lock, [])
    lock["inputs"]["sources"] |= {"x" * 300: "0" * 64, "a\0b": "0" * 64, "..": "0" * 64}
    at.place.with_suffix(".lock").write_bytes(mutations.text_of(lock))
    judge(VERBS, at.project)
