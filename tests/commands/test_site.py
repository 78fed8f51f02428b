"""`site`, as users run it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.cli import run
from artifactbuild.pipeline import Outcome
from artifactbuild.site import folder
from tests.site.markup import parse
from tests.site.records import made, publish

DENSE = Path(__file__).parents[1] / "samples" / "dense"
Copy = Callable[[Path], Path]
Build = Callable[[Path], Outcome]


def text(path: str) -> str:
    return " ".join(parse(Path(path).read_bytes()).text.split())


def test_a_tree_is_shown_whole(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(project / "artifacts", made("a"), made("b"), made("b", version="v2"))
    assert run(["site", "artifacts", "--output", "out/pages"]) == 0
    assert capsys.readouterr().out == "out/pages/index.html: 2 models, 3 versions\n"
    assert run(["site", "artifacts", "--output", "out/pages"]) == 0
    assert capsys.readouterr().out == "out/pages/index.html: 2 models, 3 versions, unchanged\n"
    assert run(["site", "artifacts", "artifacts", "--output", "out/pages", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "changed": False,
        "index": "out/pages/index.html",
        "models": {"a": ["v1"], "b": ["v2", "v1"]},
    }
    assert "state" not in text("out/pages/index.html")


def test_a_manifest_shows_its_own_model_and_how_it_stands(
    copied: Copy,
    build: Build,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    manifest = copied(DENSE)
    publish(Path("artifacts"), made("stranger"))
    assert run(["site", "--output", "pages"]) == 0
    assert "nothing is published" in text("pages/index.html")
    assert "drift not-locked: v1 was never built: there is no lock" in text("pages/index.html")
    build(manifest)
    assert run(["site", "dense", "--output", "pages"]) == 0
    assert "as locked" in text("pages/dense/index.html")
    assert not Path("pages/stranger").exists()
    drawn = parse(Path("pages/dense/index.html").read_bytes()).values("svg", "class")
    assert (drawn.count("histogram"), drawn.count("error") > 8) == (1, True)
    Path("artifacts/dense/h5/v1/note.txt").touch()
    here = Path.cwd()
    monkeypatch.chdir(tmp_path)
    assert run(["site", str(manifest), "--output", "far"]) == 0
    told = "artifact-extra: artifacts/dense/h5/v1/note.txt is not in the lock of v1"
    assert told in text("far/index.html")
    assert str(here) not in Path("far/dense/index.html").read_text(encoding="utf-8")
    monkeypatch.chdir(here)
    lock = manifest.with_suffix(".lock")
    lock.write_text(lock.read_text().replace("2.21.0", "2.20.0"))
    assert run(["check", "--strict", "dense"]) == 1
    assert "environment-changed: the environment changed" in capsys.readouterr().err
    assert run(["site", "dense", "--output", "pages"]) == 0
    assert "environment-changed" not in text("pages/index.html")
    source = manifest.parent / "model.py"
    source.write_text(source.read_text() + "\nother = 1\n")
    assert run(["site", "dense", "artifacts", "--output", "pages"]) == 0
    told = "source-changed: model.py changed since v1 was released"
    assert told in text("pages/dense/index.html")
    assert "h5, keras, savedmodel, weights" in text("pages/dense/index.html")
    assert text("pages/index.html").count("no manifest given") == 2
    assert capsys.readouterr().out.splitlines()[-1] == "pages/index.html: 2 models, 2 versions"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["site"], 2, "Missing option '--output'"),
        (["site", "nowhere", "--output", "pages"], 1, "nowhere: no such file or folder"),
        (["site", "artifacts", "--output", "artifacts"], 1, "artifacts: was not made by"),
        (["site", ".", "--output", "pages"], 1, ".: no manifest in this folder"),
    ],
)
def test_what_is_refused(
    project: Path, arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(project / "artifacts", made("a"))
    assert run(arguments) == code
    assert said in capsys.readouterr().err
    assert not Path("pages").exists()
    assert not Path("artifacts", folder.MARKER).exists()


def test_a_bad_record_leaves_the_pages_as_they_were(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = publish(project / "artifacts", made("a"))
    assert run(["site", "artifacts", "--output", "pages"]) == 0
    before = Path("pages/index.html").read_bytes()
    (root / "a/keras/v1/metadata.json").write_text("{}")
    assert run(["site", "artifacts", "--output", "pages"]) == 1
    assert "record_version is None, this artifactbuild reads 1" in capsys.readouterr().err
    assert Path("pages/index.html").read_bytes() == before


def test_nothing_heavy_is_imported(project: Path) -> None:
    publish(project / "artifacts", made("a"))
    script = (
        "import sys; from artifactbuild.cli import run; "
        "code = run(['site', 'artifacts', '--output', 'pages']); "
        "heavy = {'tensorflow', 'keras', 'numpy', 'h5py'} & set(sys.modules); "
        "sys.exit(f'imported: {heavy}' if heavy else code)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
