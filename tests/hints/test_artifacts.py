"""Hints on what was published, on its lock and on its statements are followed, on kept records."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.problems import Refusal
from artifactbuild.release import record
from artifactbuild.release.store import Store
from artifactbuild.site import folder as pages
from tests.hints.following import follow, obey
from tests.release import kept
from tests.reproduction.projects import committed, git

FOLDER = "artifacts/dense/tflite/v1"
MANIFEST = "dense/model.artifact.yaml"
LOCK = "dense/model.artifact.lock"

Say = Callable[..., str]


@pytest.fixture
def root(project: Path) -> Path:
    return kept.lay_out(project)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command that fails; return what it says."""

    def said(*arguments: str) -> str:
        assert run(arguments) == 1
        return capsys.readouterr().err

    return said


def damage(path: str, content: bytes) -> None:
    os.chmod(path, 0o644)
    Path(path).write_bytes(content)


def test_lock_that_is_no_lock_is_restored_by_git(root: Path, refused: Say) -> None:
    committed("released")
    damage(LOCK, b"[]")
    follow(
        refused("check"),
        "restore it with `git checkout`, or remove it and run `artifactbuild build`",
    )
    git("checkout", LOCK)
    assert run(["check"]) == 0


def test_locks_of_two_branches_are_not_merged_by_hand(root: Path, refused: Say) -> None:
    committed("released")
    text = Path(LOCK).read_text()
    for branch, number in (("one", "1"), ("two", "2")):
        git("checkout", "-q", "-b", branch, "main")
        Path(LOCK).write_text(text.replace('"1970-', f'"197{number}-'))
        committed(branch)
    assert subprocess.run(["git", "merge", "-q", "one"], capture_output=True).returncode
    (shown,) = follow(
        refused("check"),
        "a lock is not merged by hand: take one side (`git checkout --theirs {}`), then "
        "`artifactbuild plan` says whether to build or to bump",
    )
    git("checkout", "--theirs", shown)
    assert obey("artifactbuild plan") == 0


def test_moment_of_a_lock_that_was_edited_is_restored_by_git(root: Path) -> None:
    committed("released")
    good = Path(LOCK).read_text()
    Path(LOCK).write_text(good.replace('"created_at": "', '"created_at": "about '))
    (moment,) = re.findall('"created_at": "(.*)"', Path(LOCK).read_text())
    with pytest.raises(Refusal) as found:
        record.epoch(moment)
    follow(str(found.value), "restore the lock with `git checkout`")
    git("checkout", LOCK)
    (moment,) = re.findall('"created_at": "(.*)"', Path(LOCK).read_text())
    assert record.epoch(moment) == 0


def test_epoch_is_that_of_the_last_commit(root: Path) -> None:
    committed("released")
    with pytest.raises(Refusal) as found:
        record.created_at({"SOURCE_DATE_EPOCH": "today"}, None)
    hint = "unset it, or write `SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`"
    follow(str(found.value), hint)
    told = "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)"
    shell = subprocess.run(["sh", "-c", f'{told}; echo "$SOURCE_DATE_EPOCH"'], capture_output=True)
    assert record.created_at({"SOURCE_DATE_EPOCH": shell.stdout.decode().strip()}, None)
    assert record.created_at({}, None)


@pytest.mark.parametrize("name", ["model.tflite", "MODEL_CARD.md"])
def test_artifact_is_restored(root: Path, refused: Say, name: str) -> None:
    good = Path(FOLDER, name).read_bytes()
    Path(LOCK).unlink()
    damage(f"{FOLDER}/{name}", good + b" ")
    said = refused("verify", FOLDER)
    if name == "model.tflite":
        follow(said, "restore the artifact: it is not what the {} says")
    else:
        follow(said, "restore it from where it was published, or build it again")
    damage(f"{FOLDER}/{name}", good)
    assert run(["verify", FOLDER]) == 0


def test_link_in_an_artifact_is_replaced_by_a_copy(root: Path, refused: Say) -> None:
    payload = Path(FOLDER, "model.tflite")
    payload.rename("elsewhere.tflite")
    payload.symlink_to(Path("elsewhere.tflite").absolute())
    follow(
        refused("verify", FOLDER),
        "an artifact is made of plain files; copy it out of the store that it was published to",
    )
    payload.unlink()
    shutil.copyfile("elsewhere.tflite", payload)
    assert run(["verify", FOLDER]) == 0


def test_misplaced_artifact_is_moved_to_its_place(root: Path, refused: Say) -> None:
    there = Path("artifacts/dense/tflite/v2")
    Path(FOLDER).rename(there)
    (place,) = follow(
        refused("verify", str(there)),
        "it was moved or copied here: restore what belongs here, or move it to {} in an artifacts "
        "root; a copy for other use goes into a folder elsewhere that is not named after a format",
    )
    there.rename(root / place)
    assert run(["verify", str(root / place)]) == 0


def test_artifact_is_what_is_expected(root: Path, refused: Say) -> None:
    said = refused("verify", FOLDER, "--expect", "dense@v2")
    _, other = follow(said, "use the artifact of {}, or expect {}")
    assert run(["verify", FOLDER, "--expect", other]) == 0


def test_key_is_made_and_exported_as_the_hints_say(root: Path, refused: Say) -> None:
    pytest.importorskip("model_signing")
    Path("key.pem").write_text("no key")
    make = "make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`"
    follow(refused("attest", FOLDER, "--key", "key.pem"), make)
    subprocess.run(shlex.split(make.split("`")[1]), check=True, capture_output=True)
    assert run(["attest", FOLDER, "--key", "key.pem"]) == 0
    Path("key.pub").write_text("no key")
    export = "export one with `openssl ec -in key.pem -pubout -out key.pub`"
    follow(refused("verify", FOLDER, "--public-key", "key.pub"), export)
    subprocess.run(shlex.split(export.split("`")[1]), check=True, capture_output=True)
    assert run(["verify", FOLDER, "--public-key", "key.pub"]) == 0


@pytest.fixture
def key(root: Path) -> str:
    """Sign the artifact; return the key."""
    pytest.importorskip("model_signing")
    made = "openssl ecparam -name prime256v1 -genkey -noout -out key.pem"
    subprocess.run(shlex.split(made), check=True, capture_output=True)
    assert run(["attest", FOLDER, "--key", "key.pem"]) == 0
    return "key.pem"


def test_missing_statement_is_signed_again(key: str, refused: Say) -> None:
    Path(f"{FOLDER}.intoto.jsonl").unlink()
    (folder,) = follow(
        refused("verify", FOLDER),
        "restore it, or sign again: `artifactbuild attest --key KEY {}`",
    )
    assert obey(f"artifactbuild attest --key {key} {folder}") == 0
    assert run(["verify", FOLDER]) == 0


def test_statement_that_is_not_the_signed_one_is_signed_again(key: str, refused: Say) -> None:
    path = Path(f"{FOLDER}.intoto.json")
    damage(str(path), path.read_bytes().replace(b"slsa", b"slsb"))
    (folder,) = follow(
        refused("verify", FOLDER),
        "sign again, if you trust it: `artifactbuild attest --key KEY {}`",
    )
    assert obey(f"artifactbuild attest --key {key} {folder}") == 0
    assert run(["verify", FOLDER]) == 0


@pytest.mark.parametrize("way", ["sign", "remove"])
def test_signed_statement_gives_way_to_a_signed_one_or_is_removed(
    key: str, refused: Say, way: str
) -> None:
    asked = ["attest", FOLDER, "--builder", "https://example.com/ci"]
    said = refused(*asked)
    (name,) = follow(said, "sign again with --key, or remove it and {} first")
    if way == "remove":
        Path(said.partition(": ")[0]).unlink()
        Path(FOLDER).with_name(name).unlink()
    assert run([*asked, "--key", key] if way == "sign" else asked) == 0
    assert run(["verify", FOLDER]) == 0


def test_folder_in_the_place_of_a_statement_is_moved(root: Path, refused: Say) -> None:
    there = Path(f"{FOLDER}.intoto.json")
    there.mkdir()
    follow(
        refused("attest", FOLDER),
        "move it elsewhere; a version of this name can only be read and verified",
    )
    there.rename("elsewhere")
    assert run(["attest", FOLDER]) == 0


def test_what_is_in_the_way_of_a_version_is_moved(root: Path) -> None:
    store, there = Store(root=root), root / "dense" / "keras" / "v2"
    there.mkdir()
    with pytest.raises(Refusal) as found:
        store.refuse_obstacles("dense", "keras", "v2")
    follow(str(found.value), "look at it, then remove it or move it elsewhere")
    there.rename("elsewhere")
    store.refuse_obstacles("dense", "keras", "v2")


def test_artifacts_go_to_another_folder(project: Path) -> None:
    (project / "artifacts").touch()
    with pytest.raises(Refusal) as found:
        Store(root=project / "artifacts").refuse_obstacles("dense", "keras", "v1")
    follow(str(found.value), "name another folder with --artifacts or ARTIFACTBUILD_ARTIFACTS")
    Store(root=project / "other").refuse_obstacles("dense", "keras", "v1")


def test_pages_go_to_another_folder(root: Path, refused: Say) -> None:
    Path("thesis").mkdir()
    Path("thesis/thesis.tex").touch()
    follow(
        refused("site", "--output", "thesis"),
        "name another folder with --output, or remove this one yourself",
    )
    assert run(["site", "--output", "pages"]) == 0
    shutil.rmtree("thesis")
    assert run(["site", "--output", "thesis"]) == 0


def test_pages_that_cannot_be_written_go_elsewhere(root: Path) -> None:
    Path("file").touch()
    with pytest.raises(Refusal) as found:
        pages.write({"index.html": b"one"}, Path("file/site"))
    follow(str(found.value), "name another with --output")
    assert pages.write({"index.html": b"one"}, Path("other/site"))


def test_version_that_was_renamed_moves_back_for_the_pages(root: Path, refused: Say) -> None:
    there = Path("artifacts/dense/tflite/v2")
    Path(FOLDER).rename(there)
    said = refused("site", "--output", "pages")
    follow(said, "a version is not renamed: move the folder to the place that its record names")
    (place,) = re.findall("is the record of '(.*)', and", said)
    there.rename(root / place)
    assert run(["site", "--output", "pages"]) == 0


def test_two_trees_with_one_model_are_rendered_apart(root: Path, refused: Say) -> None:
    shutil.copytree(root, "more")
    trees = ["artifacts", "more"]
    follow(refused("site", *trees, "--output", "pages"), "render the two trees to two folders")
    for tree in trees:
        assert run(["site", tree, "--output", f"pages-{tree}"]) == 0


@pytest.mark.parametrize(
    ("template", "better"), [("{{ nothing }}\n", "{{ model_name }}\n")], ids=["unknown"]
)
def test_template_sees_the_keys_of_the_record(
    root: Path, refused: Say, template: str, better: str
) -> None:
    text = Path(MANIFEST).read_text()
    Path(MANIFEST).write_text(text + "card: {template: card.md.j2}\n")
    Path("dense/card.md.j2").write_text(template)
    follow(refused("card"), "a template sees the keys of metadata.json")
    Path("dense/card.md.j2").write_text(better)
    assert run(["card"]) == 0


def test_template_that_repeats_is_taken_out(root: Path, refused: Say) -> None:
    text = Path(MANIFEST).read_text()
    Path(MANIFEST).write_text(text + "card: {template: card.md.j2}\n")
    loop = "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}"
    Path("dense/card.md.j2").write_text(loop + "\n")
    follow(refused("card"), "take out what loops or repeats")
    Path("dense/card.md.j2").write_text("{{ model_name }}\n")
    assert run(["card"]) == 0


def test_legacy_keras_is_unset(root: Path, refused: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    shutil.rmtree(FOLDER)
    follow(refused("build"), "run `unset TF_USE_LEGACY_KERAS`")
    monkeypatch.delenv("TF_USE_LEGACY_KERAS")
    assert run(["plan"]) == 0


@pytest.mark.parametrize("name", ["", "dense"])
def test_link_out_of_the_project_is_removed_or_named(
    root: Path, tmp_path: Path, refused: Say, name: str
) -> None:
    outside = tmp_path / "outside"
    Path(root, name).rename(outside)
    Path(root, name).symlink_to(outside)
    shutil.rmtree(outside / FOLDER.removeprefix(f"artifacts/{name}".rstrip("/") + "/"))
    said = refused("build")
    if name:
        follow(said, "remove the link, or name another place for all artifacts by `--artifacts`")
        (root / name).unlink()
        outside.rename(root / name)
        assert run(["plan", "--exit-code"]) == 2
    else:
        (place,) = follow(said, "remove the link, or name the place: `--artifacts {}`")
        assert run(["plan", "--exit-code", "--artifacts", place]) == 2
