"""`init` and `schema`, as users run them; `tests/test_proposal.py` has what is proposed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from artifactbuild.cli import run

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "tests" / "samples" / "dense" / "model.py").read_text(encoding="utf-8")


@pytest.fixture
def model(project: Path) -> Path:
    path = project / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


def test_init_says_what_it_runs_and_what_it_wrote(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["init", "model:make_model", "--kwargs", '{"units": 3}', "--name", "first"]
    assert run([*asked, "--format", "keras", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "formats": ["keras"],
        "left_out": {},
        "log": "",
        "manifest": "model.artifact.yaml",
        "model": "first",
        "schema": "schemas/model.artifact.schema.json",
    }
    assert err.splitlines()[0] == "running the factory 'model:make_model' once"
    assert "kwargs: {units: 3}\n" in Path("model.artifact.yaml").read_text(encoding="utf-8")
    assert run(["schema"]) == 0
    assert capsys.readouterr().out == Path("schemas/model.artifact.schema.json").read_text()
    assert run(["check"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model"], "'model' is not module:function, such as model:make_model"),
        (["model.py:make_model"], "'model.py:make_model' is a path: write model:make_model"),
        (
            ["manifests/first/model.py:make"],
            "'manifests/first/model.py:make' is a path: write model:make --folder manifests/first",
        ),
        (["shop/models.py"], "'shop/models.py' is a path: write shop.models:FUNCTION"),
        (["model:make_model", "--kwargs", "{"], "'{' is not JSON: "),
        (["model:make_model", "--kwargs", "[1]"], "'[1]' is no JSON object"),
        (["model:make_model", "--input", "x"], "'x' is not NAME:DTYPE:SHAPE"),
        (["model:make_model", "--input", "x:float32:a,b"], "'x:float32:a,b' is not NAME:DTYPE:SH"),
        (["model:make_model", "--format", "tf"], "'tf' is not one of 'savedmodel'"),
    ],
)
def test_wrong_usage_is_told_with_the_right_one(
    model: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (model.parent / "shop").mkdir()
    (model.parent / "shop" / "__init__.py").touch()
    assert run(["init", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_init_of_what_is_not_there_starts_no_tensorflow(model: Path) -> None:
    code = (
        "import sys\n"
        "from artifactbuild.cli import run\n"
        "from artifactbuild.worker import server\n"
        "server.Server.run = lambda *arguments: 1 / 0\n"
        "code = run(['init', 'model:make_modl'])\n"
        "found = [name for name in ('tensorflow', 'keras', 'numpy') if name in sys.modules]\n"
        "print(code, found)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "1 []\n"
    assert shown.stderr == (
        "model:make_modl: module 'model' defines no 'make_modl'\n"
        "    did you mean 'make_model'? it defines: make_model\n"
        "1 problem\n"
    )


def test_schema_is_printed_or_named(capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "schemas" / "model.artifact.schema.json"
    assert run(["schema"]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")
    assert run(["schema", "--path"]) == 0
    assert Path(capsys.readouterr().out.rstrip("\n")).samefile(file)
