"""Exit 0 means whole: a damaged version is named by `plan`, `build`, `check` and `verify`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.index.answers import TICK
from artifactbuild.release import digest, sources
from artifactbuild.release.store import Store
from tests.release import kept

Change = Callable[[Path], object]
Say = Callable[..., tuple[int, str, str]]

MANIFEST = "dense/model.artifact.yaml"
REPAIR = f"artifactbuild build --repair {MANIFEST}"
KERAS = Path("artifacts/dense/keras/v1")
VERBS = (("plan", "--exit-code"), ("build",), ("check",), ("verify",))


@pytest.fixture
def version(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a published version whose answers the index has."""
    monkeypatch.setattr("artifactbuild.index.answers.TICK", TICK // 100)
    kept.lay_out(project)
    for path in KERAS.iterdir():
        path.chmod(0o444)
    assert run(["build"]) == run(["check"]) == run(["plan", "--exit-code"]) == 0
    return project / KERAS


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(list(arguments))
        return (code, *capsys.readouterr())

    return said


def flip(path: Path) -> None:
    """Flip one bit; size, mode and time of content stay."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.unlink()
    path.write_text(text.replace(before, after, 1))


def replace_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replaced(path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        make(path)

    return replaced


def to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


DAMAGE: dict[str, tuple[Change, str, str]] = {
    "payload deleted": (
        lambda f: (f / "model.keras").unlink(),
        "model.keras is missing",
        f"artifact-missing: {KERAS}/model.keras is in the lock of v1, and gone",
    ),
    "record edited": (
        lambda f: edit(f / "metadata.json", '"notes": "', '"notes": "More. '),
        "metadata.json changed",
        f"artifact-changed: {KERAS}/metadata.json has other bytes than the lock of v1 names",
    ),
    "environment in the record edited": (
        lambda f: edit(f / "metadata.json", '"system": "', '"system": "Not'),
        "metadata.json changed",
        f"artifact-changed: {KERAS}/metadata.json has other bytes than the lock of v1 names",
    ),
    "version of artifactbuild in the record edited": (
        lambda f: edit(f / "metadata.json", '"artifactbuild": "', '"artifactbuild": "9'),
        "metadata.json changed",
        f"artifact-changed: {KERAS}/metadata.json has other bytes than the lock of v1 names",
    ),
    "card edited": (
        lambda f: edit(f / "MODEL_CARD.md", "# dense", "# Dense"),
        "MODEL_CARD.md changed",
        f"artifact-changed: {KERAS}/MODEL_CARD.md has other bytes than the lock of v1 names",
    ),
    "bit flipped in the payload": (
        lambda f: flip(f / "model.keras"),
        "model.keras changed",
        f"artifact-changed: {KERAS}/model.keras has other bytes than the lock of v1 names",
    ),
    "bit flipped in the reference": (
        lambda f: flip(f / "reference.npz"),
        "reference.npz changed",
        f"artifact-changed: {KERAS}/reference.npz has other bytes than the lock of v1 names",
    ),
    "file added": (
        lambda f: (f / "more.txt").touch(),
        "more.txt was added",
        f"artifact-extra: {KERAS}/more.txt is not in the lock of v1",
    ),
    "hidden file added": (
        lambda f: (f / ".more").touch(),
        ".more was added",
        f"artifact-extra: {KERAS}/.more is not in the lock of v1",
    ),
    "record deleted": (
        lambda f: (f / "metadata.json").unlink(),
        "metadata.json is missing",
        f"artifact-missing: {KERAS}/metadata.json is in the lock of v1, and gone",
    ),
    "record of another version of ours": (
        lambda f: edit(f / "metadata.json", '"record_version": 1', '"record_version": 9'),
        "metadata.json: record_version is 9, this artifactbuild reads 1",
        f"artifact-unreadable: {KERAS}/metadata.json: record_version is 9, this artifactbuild "
        "reads 1",
    ),
    "payload a pipe": (
        lambda f: replace_by(os.mkfifo)(f / "model.keras"),
        "model.keras: is a named pipe",
        f"artifact-unreadable: {KERAS}/model.keras: is a named pipe",
    ),
    "payload a link to nowhere": (
        lambda f: replace_by(to_nowhere)(f / "model.keras"),
        "model.keras: is a link that leads nowhere",
        f"artifact-unreadable: {KERAS}/model.keras: is a link that leads nowhere",
    ),
    "payload a folder": (
        lambda f: replace_by(Path.mkdir)(f / "model.keras"),
        "model.keras is missing",
        f"artifact-missing: {KERAS}/model.keras is in the lock of v1, and gone",
    ),
    "folder emptied": (
        lambda f: replace_by(Path.mkdir)(f),
        "MODEL_CARD.md is missing; metadata.json is missing; model.keras is missing; "
        "reference.npz is missing",
        f"artifact-missing: {KERAS}/model.keras is in the lock of v1, and gone",
    ),
    "folder a file": (
        lambda f: replace_by(Path.touch)(f),
        "is a file, expected a folder",
        f"artifact-unreadable: {KERAS}: is a file, expected a folder",
    ),
    "folder a link to nowhere": (
        lambda f: replace_by(to_nowhere)(f),
        "is a link that leads nowhere, expected a folder",
        f"artifact-unreadable: {KERAS}: is a link that leads nowhere, expected a folder",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_by_every_verb(version: Path, say: Say, name: str) -> None:
    change, reason, drift = DAMAGE[name]
    change(version)
    code, out, _ = say("plan", "--exit-code")
    assert code == 1
    assert out.splitlines()[0] == f"dense v1: 1 damaged, 6 kept (`{REPAIR}`)"
    assert f"  keras       damaged  {reason}\n" in out
    assert say("plan")[0] == 0
    code, _, err = say("build")
    assert (code, err.splitlines()[0].partition(": ")[2]) == (1, f"{KERAS} is damaged: {reason}")
    assert err.splitlines()[2].strip() == f"^ run `{REPAIR}`"
    code, _, err = say("check")
    assert code == 1
    assert drift in err
    assert f"^ `{REPAIR}`" in err
    code, _, err = say("verify")
    assert code == 1
    assert str(KERAS) in err
    assert f"run `{REPAIR}`" in err or "symbolic link" in err
    assert say("check", "--committed")[0] == 0


def test_every_answer_as_json_and_for_github_names_it(version: Path, say: Say) -> None:
    DAMAGE["payload deleted"][0](version)
    (step,) = [
        s for s in json.loads(say("plan", "--json")[1])[0]["steps"] if s["format"] == "keras"
    ]
    assert (step["action"], step["reason"]) == ("damaged", "model.keras is missing")
    assert say("plan", "--format", "github")[1] == (
        f"::error file={MANIFEST},line=6,col=23::{KERAS} is damaged: model.keras is missing%0A"
        f"run `{REPAIR}`\n"
    )
    (problem,) = json.loads(say("build", "--json")[1])["problems"]
    assert problem["message"] == f"{KERAS} is damaged: model.keras is missing"


def test_what_nobody_damaged_is_kept(version: Path, say: Say) -> None:
    """Looks that differ, a link to the version, links to the right bytes: all is there, whole."""
    (version / "model.keras").chmod(0o644)
    elsewhere = version.parents[2] / "elsewhere"
    version.rename(elsewhere)
    version.symlink_to(elsewhere)
    (elsewhere / "reference.npz").rename(elsewhere.with_name("reference.npz"))
    (elsewhere / "reference.npz").symlink_to("../reference.npz")
    assert say("plan", "--exit-code")[:2] == (
        0,
        "dense v1: nothing to build, 7 kept\n"
        + "".join(
            f"  {format:10}  keep  up to date\n"
            for format in ("savedmodel", "keras", "h5", "weights", "weights_h5", "tflite", "onnx")
        ),
    )
    assert say("build")[0] == say("check")[0] == 0


def test_version_that_no_lock_has_must_agree_with_its_record(version: Path, say: Say) -> None:
    Path("dense/model.artifact.lock").unlink()
    assert say("plan", "--exit-code")[0] == 0
    DAMAGE["bit flipped in the payload"][0](version)
    code, out, _ = say("plan", "--exit-code")
    assert (code, out.splitlines()[0]) == (1, "dense v1: 1 damaged, 6 kept")
    for arguments in (("build",), ("build", "--repair")):
        code, _, err = say(*arguments)
        assert code == 1
        assert f"{KERAS} is damaged: model.keras changed" in err
        assert (
            f"^ no lock says what it held: restore dense/model.artifact.lock, or move {KERAS} "
            f"elsewhere and run `artifactbuild build {MANIFEST}`"
        ) in err
    assert (
        f"{KERAS} is damaged, and no lock says what it held: model.keras changed"
        in (say("check")[2])
    )
    assert f"`rm -rf {KERAS} && artifactbuild build {MANIFEST}`" in say("check")[2]


def test_record_and_card_that_no_lock_has_must_agree(version: Path, say: Say) -> None:
    Path("dense/model.artifact.lock").unlink()
    DAMAGE["record edited"][0](version)
    assert "metadata.json: does not agree with MODEL_CARD.md" in say("check")[2]


def test_version_that_was_copied_to_another_place_is_damaged(version: Path, say: Say) -> None:
    Path("dense/model.artifact.lock").unlink()
    shutil.rmtree(version)
    shutil.copytree(version.parents[1] / "h5" / "v1", version)
    said = "metadata.json: is dense@v1/h5, but its folder is the place of dense@v1/keras"
    assert said in say("plan")[1]


def test_damage_and_changed_inputs_are_both_named(version: Path, say: Say) -> None:
    DAMAGE["payload deleted"][0](version)
    Path("dense/model.py").write_text(Path("dense/model.py").read_text() + "more = 1\n")
    for arguments in (("build",), ("build", "--repair")):
        code, _, err = say(*arguments)
        assert code == 1
        assert (
            f"{KERAS} is damaged: model.keras is missing; v1 was released from other inputs, too\n"
        ) in err
        assert f"^ undo the changes, then run `{REPAIR}`\n" in err
        assert "dense v1 was released from other inputs: model.py changed\n" in err


def test_damage_of_other_versions_and_models_stops_nothing(version: Path, say: Say) -> None:
    for name in ("dense/keras/v0", "another/keras/v1", "another/h5/v1"):
        folder = Path("artifacts", name)
        folder.mkdir(parents=True)
        (folder / "metadata.json").write_bytes(b"\0")
    dropped = Path("artifacts/dense/h5/v1/metadata.json")
    edit(Path(MANIFEST), "keras, h5,", "keras,")
    dropped.write_bytes(b"\0")
    assert say("plan", "--exit-code")[0] == say("build")[0] == say("check")[0] == 0


def test_folder_that_a_builder_is_moving_in_is_not_damaged(version: Path, say: Say) -> None:
    DAMAGE["record deleted"][0](version)
    claim = version.with_name(".v1.claim")
    claim.touch()
    assert "  keras       build  in the lock, not in the store\n" in say("plan")[1]
    claim.unlink()
    assert "  keras       damaged  metadata.json is missing\n" in say("plan")[1]


def test_store_that_was_named_is_named_in_the_repair(
    version: Path, say: Say, tmp_path: Path
) -> None:
    place = tmp_path / "a store"
    shutil.copytree("artifacts", place)
    (place / "dense/keras/v1/model.keras").unlink()
    assert f"^ run `{REPAIR} --artifacts '{place}'`" in say("build", "--artifacts", str(place))[2]
    assert Store(root=place).has("dense", "keras", "v1")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("keras/v1/model.keras", "model.keras: "), ("keras/v1", ""), ("keras", "")],
)
def test_what_may_not_be_read_is_damaged(
    version: Path, name: str, reason: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "artifactbuild", "plan", "--exit-code"]
    if os.geteuid() == 0:  # nothing is unreadable for root, unless it gives that right away
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv, to be root without its rights")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    path = Path("artifacts/dense", name)
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        path.chmod(mode)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"  keras       damaged  {reason}cannot be read: permission denied\n" in done.stdout
    assert "  h5          keep     up to date\n" in done.stdout


def test_records_of_one_version_with_digests_of_two_kinds(version: Path, say: Say) -> None:
    """A format that joined a version of an older artifactbuild, and a lock that is gone."""
    Path("dense/model.artifact.lock").unlink()
    model = Path("dense/model.py")
    old, new = digest.of_file(model), sources.of_file(model)
    for name in ("metadata.json", "MODEL_CARD.md"):
        edit(version / name, old, new)
    assert say("plan", "--exit-code")[0] == 0
    assert "source-changed" not in "".join(say("check")[1:])
    text = model.read_text()
    model.write_text(text + "more = 1\n")
    assert say("plan")[1].count("v1 was released from other inputs: model.py changed") == 7
    assert "source-changed: model.py changed since v1" in say("check")[2]
