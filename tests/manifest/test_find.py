"""Where manifests are looked for, and where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from artifactbuild.manifest.find import NAME, manifests
from artifactbuild.problems import Refusal


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_manifests_are_found_sorted_and_once(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a" / NAME), write(tmp_path / "b" / "c" / NAME)
    assert manifests([], str(tmp_path)) == (str(first), str(second))
    assert manifests(["b", f"a/{NAME}", ".", "b/../a"], str(tmp_path)) == (str(first), str(second))
    assert manifests([str(second)], str(tmp_path / "a")) == (str(second),)


@pytest.mark.parametrize("folder", [".hidden", "node_modules", "__pycache__", "artifacts", "env"])
def test_folders_of_others_are_skipped(folder: str, tmp_path: Path) -> None:
    write(tmp_path / folder / "deep" / NAME)
    if folder == "env":
        (tmp_path / folder / "pyvenv.cfg").touch()
    mine = write(tmp_path / "mine" / NAME)
    assert manifests([], str(tmp_path)) == (str(mine),)


def test_search_that_finds_nothing_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "models" / NAME)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refusal) as caught:
        manifests(["empty", "modles", "models"], str(tmp_path))
    assert str(caught.value) == (
        "empty: no manifest in this folder\n"
        "    a manifest is a file named model.artifact.yaml; `artifactbuild init` writes one\n"
        "modles: no such file or folder\n"
        "    did you mean 'models'?"
    )


def test_order_is_that_of_folders_not_of_letters(tmp_path: Path) -> None:
    """`-` sorts before `/`, and `a-b` after `a`."""
    paths = [write(tmp_path / name / NAME) for name in ("a", "a-b", "a/c")]
    assert manifests([], str(tmp_path)) == tuple(str(paths[i]) for i in (2, 0, 1))


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    mine = write(tmp_path / "mine" / NAME)
    (tmp_path / "mine" / "loop").symlink_to(tmp_path)
    assert manifests([], str(tmp_path)) == (str(mine),)
