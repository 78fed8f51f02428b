"""What lies in the current folder stands in for nothing, however Python is made to look there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from artifactbuild import searching
from artifactbuild.manifest import sources
from artifactbuild.worker.server import PACKAGE
from tests.release import kept

LIBRARIES = (
    *("click", "yaml", "jsonschema", "rich", "jinja2", "zlib", "json", "subprocess", "tempfile"),
    *("signal", "errno", "importlib/metadata", "typing", "dataclasses", "numpy", "keras"),
    *("tensorflow", "gc", "unicodedata", "shutil", "artifactbuild", "artifactbuild/cli"),
)
"""Modules that our command line imports, or would if it could, after its first line."""

BEFORE = ("re", "sitecustomize", "usercustomize", "encodings")
"""Modules that Python, or the script that pip writes, can import before our first line."""

SCRIPT = """\
import sys
from artifactbuild.entry import main
if __name__ == "__main__":
    sys.exit(main())
"""
"""What uv and a newer pip write as the console script; an older pip imports `re` first."""


@pytest.fixture
def armed(project: Path) -> Path:
    """Lay modules out in the current folder that say when they are imported; return the marker."""
    kept.lay_out(project)
    return project.parent / "marker"


def arm(project: Path, marker: Path, *names: str) -> None:
    for name in names:
        path = project / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(marker)!r}, 'a').write(__file__ + chr(10))\n")


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    known = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    command = [sys.executable, *arguments]
    environment = {**known, "PYTHONDONTWRITEBYTECODE": "1", **environ}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("path", [":src", "src:", ":", "src::other", ".", "{here}"])
@pytest.mark.parametrize("verb", ["check", "diff", "show"])
def test_console_script_imports_nothing_from_the_current_folder(
    armed: Path, project: Path, tmp_path: Path, path: str, verb: str
) -> None:
    script = tmp_path / "bin" / "artifactbuild"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    # The package is found before the current folder, as where it is installed for editing it is
    # found after: a folder `artifactbuild` there comes before our first line.
    names = [name for name in LIBRARIES if not name.startswith("artifactbuild")]
    arm(project, armed, *names)
    found = os.pathsep.join([path.format(here=project)])
    done = python(str(script), verb, PYTHONPATH=found)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1), done.stderr
    assert not armed.exists(), armed.read_text()


def test_module_imports_nothing_from_the_current_folder(armed: Path, project: Path) -> None:
    arm(project, armed, *(n for n in LIBRARIES if not n.startswith("artifactbuild")))
    for path in ("", ":src"):
        done = python("-m", "artifactbuild", "check", PYTHONPATH=path)
        assert done.returncode in (0, 1), done.stderr
        assert not armed.exists(), armed.read_text()


def test_isolated_python_imports_nothing_from_the_current_folder(
    armed: Path, project: Path
) -> None:
    arm(project, armed, *LIBRARIES, *BEFORE)
    done = python("-I", "-m", "artifactbuild", "check", PYTHONPATH=":src")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dense/model.artifact.yaml: dense v1 is good\n")
    assert not armed.exists(), armed.read_text()


@pytest.mark.parametrize(
    ("name", "path"), [("sitecustomize", ":src"), ("re", ":src"), ("artifactbuild", "")]
)
def test_control_python_itself_runs_what_comes_before_our_first_line(
    armed: Path, project: Path, tmp_path: Path, name: str, path: str
) -> None:
    arm(project, armed, name)
    (tmp_path / "script").write_text(f"import re\n{SCRIPT}")
    start = ["-m", "artifactbuild"] if name == "artifactbuild" else [str(tmp_path / "script")]
    python(*start, "check", PYTHONPATH=path)
    assert armed.exists(), "the README says so"


def test_library_is_what_comes_first(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here, library = os.getcwd(), os.path.dirname(os.__file__)
    linked = tmp_path / "link"
    linked.symlink_to(here)
    assert searching.without_here(["", here, str(linked), "/src", library, "/site", here]) == [
        *("/src", library, "/site", here)
    ]
    assert searching.without_here(["/bin", ""]) == ["/bin"]


def test_deleted_current_folder_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert searching.without_here(["/src"]) == ["/src"]


def test_folders_that_pythonpath_names_serve_factories(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", ":src:.:")
    monkeypatch.setattr(sys, "path", ["/usr/lib"])
    assert searching.modules() == [str(project / "src"), str(project), "/usr/lib"]
    (project / "src").mkdir()
    (project / "src" / "shop.py").write_text("")
    assert sources.locate("shop", [project / "models"]) == project / "src" / "shop.py"


def test_worker_gets_no_empty_entry(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from artifactbuild.worker import sandbox, server

    for given, expected in ((":src:", [PACKAGE, str(project / "src")]), ("", [PACKAGE])):
        monkeypatch.setenv("PYTHONPATH", given)
        for environment in (server._environment("/scratch"), sandbox._environment(project)):
            assert environment["PYTHONPATH"] == os.pathsep.join(expected)


def test_program_in_the_current_folder_is_not_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "git").write_text("#!/bin/sh\n")
    (project / "git").chmod(0o755)
    found = searching.program("git")
    assert found is not None
    monkeypatch.setenv("PATH", f":.:{os.path.dirname(found)}")
    assert searching.program("git") == found
    monkeypatch.setenv("PATH", ":.")
    assert searching.program("git") is None
