"""Named files and modules are looked at, never run."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from artifactbuild.manifest import files
from artifactbuild.manifest.model import Manifest
from artifactbuild.problems import Problem
from tests.manifest.manifests import HEAD, case, document

MODULE = "raise SystemExit('was run')\ndef make_model(): ...\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A manifest's folder inside a project, with a module that must not run."""
    found = tmp_path / "project" / "models"
    found.mkdir(parents=True)
    (found / "model.py").write_text(MODULE)
    return found


def problems(folder: Path, rest: str = "", **parts: str) -> list[Problem]:
    """Give the problems that a manifest in the folder earns."""
    found = document(rest, **parts)
    manifest = Manifest.from_data(found.data)
    return list(files.check(manifest, found, folder=folder, project=folder.parent))


def said(folder: Path, rest: str = "", **parts: str) -> list[str]:
    """Give their messages."""
    return [each.message for each in problems(folder, rest, **parts)]


def factory(folder: Path, target: str) -> list[str]:
    """Give the messages that a factory earns."""
    return said(folder, head=HEAD.replace("model:make_model", target))


def reference(folder: Path, signature: str = "", **arrays: np.ndarray) -> list[str]:
    """Give the messages that a reference file with the arrays earns."""
    np.savez(folder / "rows.npz", **arrays)  # type: ignore[arg-type]
    parts = {"signature": signature} if signature else {}
    return said(folder, reference=case("file: rows.npz"), **parts)


def declared(dtype: str, shape: str = "[null, 4]") -> str:
    """Declare one input `x`."""
    return f"input_signature: [{{name: x, shape: {shape}, dtype: {dtype}}}]\n"


def test_module_is_found_and_not_run(folder: Path) -> None:
    assert said(folder) == []
    assert "model" not in sys.modules


@pytest.mark.parametrize(
    "body",
    [
        "def make_model(): ...",
        "async def make_model(): ...",
        "class make_model: ...",
        "make_model = lambda: 1",
        "make_model: object = print",
        "a, (make_model, b) = 1, (2, 3)",
        "from somewhere import make_model",
        "from somewhere import other as make_model",
        "import make_model.inner",
        "if True:\n    def make_model(): ...",
        "try:\n    x = 1\nexcept ImportError:\n    make_model = None",
        "with open('x') as make_model: ...",
        "from somewhere import *",
        "def __getattr__(name): ...",
    ],
)
def test_names_that_a_module_defines(body: str, folder: Path) -> None:
    (folder / "model.py").write_text(body)
    assert said(folder) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "def other():\n    def make_model(): ...",
        "class Other:\n    def make_model(self): ...",
        "import somewhere.make_model",
        "print(make_model)",
        "x = [make_model for make_model in y]",
    ],
)
def test_names_that_a_module_does_not_define(body: str, folder: Path) -> None:
    (folder / "model.py").write_text(body)
    assert said(folder) == ["module 'model' defines no 'make_model'"]


@pytest.mark.parametrize(
    ("body", "offered"),
    [
        ("import keras\nfrom a import b\ndef other(): ...\nclass Layer: ...", "Layer, other"),
        ("from .resnet import resnet", "resnet"),
        ("import os as _os", "nothing"),
    ],
)
def test_what_is_imported_is_offered_only_if_there_is_nothing_else(
    body: str, offered: str, folder: Path
) -> None:
    (folder / "model.py").write_text(body)
    assert [problem.hint for problem in problems(folder)] == [f"it defines: {offered}"]


def test_modules_are_sought_in_folder_then_project_then_path(folder: Path) -> None:
    (folder.parent / "model.py").write_text("")
    assert said(folder) == []
    (folder / "model.py").unlink()
    assert said(folder) == ["module 'model' defines no 'make_model'"]
    assert factory(folder, "json.decoder:JSONDecoder") == []
    assert factory(folder, "sys:exit") == []
    assert factory(folder, "json.decoder:make") == ["module 'json.decoder' defines no 'make'"]


def test_packages_are_walked_without_running_them(folder: Path) -> None:
    package = folder / "package" / "inner"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(MODULE)
    (package / "deep.py").write_text(MODULE)
    assert factory(folder, "package.inner:make_model") == []
    assert factory(folder, "package.inner.deep:make_model") == []
    assert factory(folder, "package.inner.depe:make_model") == [
        "no module named 'depe' in 'package.inner'"
    ]
    assert factory(folder, "package:make_model") == ["no module named '__init__' in 'package'"]
    assert factory(folder, "model.inner:make_model") == ["no module named 'inner' in 'model'"]


@pytest.mark.parametrize("source", [b"def f(:\n", b"\xff\xfe", b"x = '\n", b"x = 1\0\n"])
def test_source_that_is_no_python_is_named(source: bytes, folder: Path) -> None:
    (folder / "model.py").write_bytes(source)
    found = document()
    problems = files.check(
        Manifest.from_data(found.data), found, folder=folder, project=folder.parent
    )
    (problem,) = problems
    assert problem.file.endswith("model.py")
    assert problem.message.startswith("this is not valid Python: ")
    assert problem.hint == "repair it; it is named by f:4"


def test_paths_stay_inside_the_project(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.j2").touch()
    (folder.parent / "shared.j2").touch()
    (folder / "link.j2").symlink_to(tmp_path / "outside.j2")
    (folder / "loop.j2").symlink_to("loop.j2")
    assert said(folder, "card: {template: ../shared.j2}") == []
    for path in ("../../outside.j2", "link.j2", "../../nothing"):
        assert said(folder, f"card: {{template: {path}}}") == [f"{path!r} leads out of the project"]
    assert len(said(folder, "card: {template: loop.j2}")) == 1
    assert len(said(folder, f"card: {{template: {'x' * 900}}}")) == 1


def test_paths_name_regular_files(folder: Path) -> None:
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    assert said(folder, "card: {template: sub}") == ["'sub' is not a file"]
    assert said(folder, "card: {template: pipe}") == ["'pipe' is not a file"]
    assert said(folder, "card: {template: none}") == ["no file 'none'"]


def test_weights_have_the_digest_that_is_written(folder: Path) -> None:
    (folder / "w.h5").write_bytes(b"weights")
    found = hashlib.sha256(b"weights").hexdigest()
    assert said(folder, f"weights: {{path: w.h5, sha256: '{found}'}}") == []
    expected = "a" * 64
    assert said(folder, f"weights: {{path: w.h5, sha256: '{expected}'}}") == [
        f"'w.h5' has another digest: found {found}, expected {expected}"
    ]


@pytest.mark.parametrize(
    ("dtype", "array"),
    [
        ("float32", np.zeros((2, 4), np.float32)),
        ("float16", np.zeros((2, 4), np.float16)),
        ("uint8", np.zeros((2, 4), np.uint8)),
        ("int64", np.asfortranarray(np.zeros((2, 4), np.int64))),
        ("bool", np.zeros((2, 4), bool)),
        ("string", np.full((2, 4), b"abc")),
        ("string", np.full((2, 4), "abc")),
        ("bfloat16", np.zeros((2, 4), "V2")),
    ],
)
def test_arrays_of_the_declared_dtype_are_taken(
    dtype: str, array: np.ndarray, folder: Path
) -> None:
    assert reference(folder, declared(dtype), x=array) == []


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 4)), "holds 'x' as float64, expected float32"),
        (np.zeros((2, 4), ">f4"), "holds 'x' as float32 (big-endian), expected float32"),
        (np.full((2, 4), "a"), "holds 'x' as string, expected float32"),
        (np.full((2, 4), None), "holds 'x' as pickled or structured values"),
        (np.zeros((2, 4), [("a", "f4")]), "holds 'x' as pickled or structured values"),
        (np.zeros((2, 5), np.float32), "holds 'x' of shape [2, 5], expected [null, 4]"),
        (np.zeros(4, np.float32), "holds 'x' of shape [4], expected [null, 4]"),
        (np.zeros((0, 4), np.float32), "holds no rows in 'x'"),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray, message: str, folder: Path) -> None:
    assert reference(folder, x=array) == [f"'rows.npz' {message}"]


def test_arrays_are_exactly_the_declared_inputs(folder: Path) -> None:
    good = np.zeros((2, 4), np.float32)
    assert reference(folder, x=good, y=good) == ["'rows.npz' holds 'y', which is no input"]
    assert reference(folder, x=good, y=good[:1])[1:] == [
        "'rows.npz' holds different batch sizes: x 2, y 1"
    ]


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:100], lambda raw: raw.replace(b"NUMPY", b"NUMPX"), lambda raw: b""]
)
def test_damaged_archive_is_refused(damage: object, folder: Path) -> None:
    np.savez(folder / "rows.npz", x=np.zeros((2, 4), np.float32))
    raw = (folder / "rows.npz").read_bytes()
    (folder / "rows.npz").write_bytes(damage(raw))  # type: ignore[operator]
    (message,) = said(folder, reference=case("file: rows.npz"))
    assert message.startswith("'rows.npz' cannot be read: ")


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x93NUMPY\x01\x00\x04\x00{{{{", b"\x93NUMPY\x01\x00\x02\x00{}"]
)
def test_archive_of_other_things_is_refused(content: bytes, folder: Path) -> None:
    with zipfile.ZipFile(folder / "rows.npz", "w") as archive:
        archive.writestr("x.npy", content)
    (message,) = said(folder, reference=case("file: rows.npz"))
    assert message.startswith("'rows.npz' cannot be read: ")


def test_array_that_is_cut_short_is_refused(folder: Path) -> None:
    np.save(folder / "x.npy", np.zeros((2, 4), np.float32))
    with zipfile.ZipFile(folder / "rows.npz", "w") as archive:
        archive.writestr("x.npy", (folder / "x.npy").read_bytes()[:-1])
    assert said(folder, reference=case("file: rows.npz")) == [
        "'rows.npz' cannot be read: 'x.npy' is cut short"
    ]
