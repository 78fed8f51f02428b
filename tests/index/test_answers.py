"""The index: an answer stands while everything it came from is as it was, and no longer."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import contents
from artifactbuild.index import answers
from artifactbuild.index.answers import COARSE, TICK, Answer, Index
from artifactbuild.index.entries import Place
from artifactbuild.index.location import file_of
from artifactbuild.release import fingerprint

ANSWER = Answer(
    model="m",
    version="v1",
    plan={"steps": []},
    summary="nothing to build, 1 kept",
    annotations=[],
    drift=[],
    committed=[],
    checks={"keras": 3},
)
SAID = {"check": "m v1 is good\n", "plan": "nothing to build, 1 kept\n"}
MANIFEST = "manifests/m/model.artifact.yaml"
LOCK = "manifests/m/model.artifact.lock"
MODULE = "manifests/m/model.py"
VERSION = "artifacts/m/keras/v1"
PAYLOAD = f"{VERSION}/model.keras"
INNER = f"{VERSION}/variables/index"

Change = Callable[[Path], None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose one manifest is remembered as up to date."""
    folder = tmp_path / "project"
    for name in (MANIFEST, LOCK, MODULE, PAYLOAD, INNER, "shared/other.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {path.name}\n")
    (folder / "manifests/m/linked.py").symlink_to("../../shared/other.py")
    settle()
    remember(folder)
    assert stands(folder)
    return folder


def settle() -> None:
    time.sleep(4 * TICK / 1e9)


def place(project: Path) -> Place:
    return Place(str(project), str(project / "artifacts"), str(project))


def index_of(folder: Path) -> Path:
    file = file_of(str(folder / "artifacts"), str(folder))
    assert file is not None
    return Path(file)


def opened(folder: Path) -> Index:
    return Index(str(folder / "artifacts"), str(index_of(folder)), fingerprint.glance())


def remember(folder: Path, name: str = "m") -> None:
    own, root = folder / "manifests" / name, folder / "artifacts"
    index = opened(folder)
    index.begin()
    beside = [".", "model.artifact.yaml", "model.artifact.lock", "model.py", "linked.py"]
    watched = [
        contents.files(str(own), beside, ["weights.h5"]),
        contents.tree(str(root / "m" / "keras" / "v1"), {}),
    ]
    index.remember(place(folder), str(own / "model.artifact.yaml"), ANSWER, SAID, watched)
    index.save()


def stands(folder: Path) -> bool:
    """Ask a fresh index, as the next command does; it saves what it learns."""
    index = opened(folder)
    found = index.answer(place(folder), str(folder / MANIFEST))
    index.save()
    assert found in (None, ANSWER)
    return found is not None


def stored(folder: Path) -> bytes:
    return index_of(folder).read_bytes()


def swapped(text: str) -> str:
    return text.replace("content", "CONTENT")


def edit(path: Path) -> None:
    """Write other bytes of the same size, and give the file its times back."""
    before = path.stat()
    path.write_text(swapped(path.read_text()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def replace_by_rename(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy2(path, other)
    edit(other)
    other.rename(path)


def swap_link(folder: Path) -> None:
    twin = folder / "shared" / "twin.py"
    shutil.copy2(folder / "shared" / "other.py", twin)
    edit(twin)
    link = folder / "manifests/m/linked.py"
    link.unlink()
    link.symlink_to("../../shared/twin.py")


CHANGES: dict[str, Change] = {
    "manifest edited, size and time kept": lambda f: edit(f / MANIFEST),
    "lock edited, size and time kept": lambda f: edit(f / LOCK),
    "source edited, size and time kept": lambda f: edit(f / MODULE),
    "payload damaged, size and time kept": lambda f: edit(f / PAYLOAD),
    "inner file damaged, size and time kept": lambda f: edit(f / INNER),
    "source replaced by a rename": lambda f: replace_by_rename(f / MODULE),
    "link led elsewhere": swap_link,
    "what a link leads to edited": lambda f: edit(f / "shared/other.py"),
    "lock gone": lambda f: (f / LOCK).unlink(),
    "payload gone": lambda f: (f / PAYLOAD).unlink(),
    "file added to the artifact": lambda f: (f / VERSION / "variables" / "extra").touch(),
    "hidden file added to the artifact": lambda f: (f / VERSION / ".extra").touch(),
    "artifact gone": lambda f: shutil.rmtree(f / VERSION),
    "payload made writable": lambda f: (f / PAYLOAD).chmod(0o600),
    "folder of the artifact closed": lambda f: (f / VERSION).chmod(0o700),
    "package in front of the module": lambda f: (f / "manifests/m/model").mkdir(),
    "absent file is there": lambda f: (f / "manifests/m/weights.h5").touch(),
    "manifest a folder": lambda f: ((f / MANIFEST).unlink(), (f / MANIFEST).mkdir())[-1],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_answer_falls(project: Path, change: Change) -> None:
    change(project)
    assert not stands(project)
    assert not stands(project)


def write_again(path: Path) -> None:
    text = path.read_text()
    path.unlink()
    path.write_text(text)


SAME: dict[str, Change] = {
    "touched": lambda f: (f / MODULE).touch(),
    "written again": lambda f: write_again(f / MODULE),
    "payload written again": lambda f: write_again(f / PAYLOAD),
    "hidden file beside the manifest": lambda f: (f / "manifests/m/.model.py.swp").touch(),
    "changed and back": lambda f: (edit(f / MODULE), write_again_lower(f / MODULE))[-1],
}


def write_again_lower(path: Path) -> None:
    path.write_text(path.read_text().replace("CONTENT", "content"))


@pytest.mark.parametrize("change", SAME.values(), ids=SAME.keys())
def test_answer_stands_where_only_looks_changed(
    project: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(project)
    with monkeypatch.context() as patched:
        patched.setattr(answers, "TICK", 10**12)  # this test may be slow
        change(project)
        assert stands(project)
    assert stored(project) == before, "what has not settled must be read again next time"
    settle()
    assert stands(project)
    assert stored(project) != before
    edit(project / MODULE)
    assert not stands(project)


def test_what_changed_a_moment_ago_is_not_remembered(project: Path) -> None:
    """A further change in the same tick of the clock could not be seen."""
    index_of(project).unlink()
    (project / MODULE).touch()
    remember(project)
    assert not index_of(project).exists()
    settle()
    remember(project)
    assert stands(project)


def test_what_changes_while_it_is_looked_into_is_not_remembered(project: Path) -> None:
    index_of(project).unlink()
    settle()
    index = opened(project)
    index.begin()
    settle()
    (project / MODULE).touch()
    own = project / "manifests/m"
    watched = [contents.files(str(own), ["model.py"])]
    index.remember(place(project), str(project / MANIFEST), ANSWER, SAID, watched)
    index.save()
    assert not stands(project)


def test_what_went_while_it_was_looked_into_is_not_remembered(project: Path) -> None:
    index_of(project).unlink()
    index = opened(project)
    index.begin()
    watched = [contents.files(str(project / "manifests/m"), ["model.py"])]
    (project / MODULE).unlink()
    index.remember(place(project), str(project / MANIFEST), ANSWER, SAID, watched)
    index.save()
    assert not stands(project)


def test_clock_that_went_back_keeps_nothing_that_is_in_the_future(project: Path) -> None:
    index_of(project).unlink()
    future = time.time_ns() + 3600 * 10**9
    os.utime(project / MODULE, ns=(future, future))
    settle()
    remember(project)
    assert not stands(project)


def test_edit_stamped_before_the_index_is_seen(project: Path) -> None:
    """The clock went back after the index was written."""
    past = time.time_ns() - 3600 * 10**9
    (project / MODULE).write_text(swapped((project / MODULE).read_text()))
    os.utime(project / MODULE, ns=(past, past))
    assert not stands(project)


@pytest.mark.parametrize("coarse", [(1, 0), (0, 1), (0, 0)])
def test_file_without_fractions_of_a_second_needs_longer_to_settle(
    project: Path, coarse: tuple[int, int]
) -> None:
    """Each file by its own filesystem, wherever the root lies."""
    index = opened(project)
    index._began = began = 1_000_000_000_000_000_007
    fine = began - COARSE - 7 + 5, began - COARSE - 7 + 5
    content, inode = (began - 7 - COARSE + 5 * each for each in coarse)
    assert index._settled([(1, *fine, 1, 1), None])
    assert not index._settled([(1, *fine, 1, 1), (1, content, inode, 1, 1)])
    later = content - 2 * COARSE, inode - 2 * COARSE
    assert index._settled([(1, *fine, 1, 1), (1, *later, 1, 1)])


def test_copy_of_a_checkout_answers_for_itself(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", project, copy], check=True)
    assert not stands(copy)
    settle()
    remember(copy)
    edit(project / MODULE)
    assert stands(copy)
    assert not stands(project)
    edit(copy / PAYLOAD)
    assert not stands(copy)


def test_other_project_in_the_same_root_is_another_manifest(project: Path) -> None:
    index = opened(project)
    root = str(project / "artifacts")
    assert index.answer(place(project), str(project / MANIFEST)) == ANSWER
    other = Place(str(project / "manifests"), root, str(Path.cwd()))
    assert index.answer(other, str(project / MANIFEST)) is None


def test_manifest_that_is_gone_leaves_the_index(project: Path) -> None:
    shutil.copytree(project / "manifests/m", project / "manifests/n", symlinks=True)
    settle()
    remember(project, "n")
    assert b"manifests/m/" in stored(project)
    shutil.rmtree(project / "manifests/m")
    settle()
    remember(project, "n")
    assert b"manifests/m/" not in stored(project)


@pytest.mark.parametrize("kept", [0, 1, 20, 31, 32, 33, 200, -1, -200])
def test_truncated_index_is_ignored(project: Path, kept: int) -> None:
    index_of(project).write_bytes(stored(project)[:kept])
    assert not stands(project)


def test_index_with_a_flipped_bit_is_ignored(project: Path) -> None:
    whole = stored(project)
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        index_of(project).write_bytes(damaged)
        assert not stands(project)


def test_index_of_another_version_is_ignored(project: Path) -> None:
    text = stored(project).replace(b"artifactbuild index 3", b"artifactbuild index 2")
    index_of(project).write_bytes(text)
    assert not stands(project)


def test_other_version_of_a_library_is_another_environment(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    (packages / "some-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(packages))
    remember(project)
    assert stands(project)
    (packages / "some-1.0.dist-info").rename(packages / "some-1.1.dist-info")
    assert not stands(project)


def test_other_code_of_our_own_is_another_environment(tmp_path: Path) -> None:
    package = Path(fingerprint.__file__).parents[1]
    for name in ("artifactbuild", "schemas", "templates"):
        shutil.copytree(package.parent / name, tmp_path / name)
    script = "from artifactbuild.release.fingerprint import glance; print(glance())"

    def glance() -> str:
        command = [sys.executable, "-c", script]
        shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return shown.stdout

    before = glance()
    assert glance() == before
    edit_any(tmp_path / "artifactbuild" / "plan.py")
    between = glance()
    assert between != before
    edit_any(tmp_path / "templates" / "MODEL_CARD.md.j2")
    assert glance() not in (before, between)


def edit_any(path: Path) -> None:
    path.write_text(path.read_text().replace("a", "b", 1))


def test_root_that_is_not_there_has_no_index(tmp_path: Path) -> None:
    index = opened(tmp_path)
    index.begin()
    index.remember(place(tmp_path), str(tmp_path / "m.yaml"), ANSWER, SAID, [])
    index.save()
    assert list(tmp_path.iterdir()) == []


def _write_often(folder: Path, count: int) -> None:
    for _ in range(count):
        index = opened(folder)
        index.begin()
        index._changed = True
        index.save()


def test_index_written_by_several_processes_is_always_whole(project: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_often, args=(project, 40)) for _ in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert stands(project)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert stands(project)
    assert [p.name for p in (project / "artifacts").iterdir()] == ["m"]
    assert [p.name for p in index_of(project).parent.glob(f"{index_of(project).name}.*")] == []
