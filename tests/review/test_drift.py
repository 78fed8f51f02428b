"""Every kind of drift, made on a real release and found by its name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild import examining, pipeline
from artifactbuild.cli import run
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.release import card, environment
from artifactbuild.release.digest import of_bytes, of_file
from artifactbuild.review import drift, kinds
from artifactbuild.review.kinds import KINDS
from artifactbuild.worker.server import Server
from tests.review.test_locked import OF_GIT

Told = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- drift: begin -->\n", "<!-- drift: end -->\n"

MANIFEST = """\
schema_version: 1
name: dense
version: v1
factory: model:make_model
formats: [keras, h5]
card: {template: card.md.j2}
reference_inputs:
  - name: rows
    x: {normal: true, shape: [8, 4]}
"""


@pytest.fixture(scope="module")
def released(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a project once."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "pyproject.toml").touch()
    shutil.copy(ROOT / "tests" / "samples" / "dense" / "model.py", folder)
    (folder / "card.md.j2").write_text("{{ model_name }}\n")
    (folder / "model.artifact.yaml").write_text(MANIFEST)
    pipeline.build(job(load(folder / "model.artifact.yaml"), None), server, lambda text: None)
    return folder


@pytest.fixture
def here(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a copy of the released project."""
    folder = tmp_path / "project"
    shutil.copytree(released, folder)
    monkeypatch.chdir(folder)
    return folder


def found(folder: Path, **options: bool) -> list[tuple[str, str, str]]:
    work = job(load(folder / "model.artifact.yaml"), None)
    return [(each.name, each.sentence, each.repair) for each in drift.find(work, **options)]


def edits(*changes: Callable[[Path], object]) -> Callable[[Path], None]:
    def edited(folder: Path) -> None:
        for change in changes:
            change(folder)

    return edited


def edit(file: str, before: str, after: str) -> Callable[[Path], None]:
    def edited(folder: Path) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.chmod(0o644)
        path.write_text(text.replace(before, after), encoding="utf-8")

    return edited


def manifest(before: str, after: str) -> Callable[[Path], None]:
    return edit("model.artifact.yaml", before, after)


def lock(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        path = folder / "model.artifact.lock"
        data = json.loads(path.read_text(encoding="utf-8"))
        change(data)
        path.write_text(json.dumps(data), encoding="utf-8")

    return changed


KERAS = "artifacts/dense/keras/v1"
REPAIR = "artifactbuild build --repair model.artifact.yaml"
BUILD = "artifactbuild build model.artifact.yaml"
BUMP = "artifactbuild bump model.artifact.yaml"
RELOCK = "artifactbuild relock model.artifact.yaml"


def impossible(folder: Path) -> None:
    (folder / "model.artifact.lock").unlink()
    shutil.rmtree(folder / "artifacts")
    signature = "input_signature:\n  - {name: x, shape: [null, 4], dtype: bfloat16}"
    manifest("[keras, h5]", f"[keras, onnx]\n{signature}")(folder)


def no_lock_and_no_payload(folder: Path) -> None:
    (folder / "model.artifact.lock").unlink()
    (folder / KERAS / "model.keras").unlink()


def other_line_endings(folder: Path) -> None:
    """Add a file to what was read, and give it the line endings of Windows."""
    read = {"rows.csv": of_bytes(b"1,2\n")}
    lock(lambda data: data["inputs"]["sources"].update(read))(folder)  # type: ignore[index]
    (folder / "rows.csv").write_bytes(b"1,2\r\n")


def another_payload(folder: Path) -> None:
    """Publish another payload, as another environment made it."""
    payload, path = folder / KERAS / "model.keras", folder / KERAS / "metadata.json"
    for each in (payload, path):
        each.chmod(0o644)
    payload.write_bytes(b"other")
    data = json.loads(path.read_text(encoding="utf-8"))
    data["files"]["model.keras"] = {"sha256": of_file(payload), "size": 5}
    data["environment"]["system"] = "Another"
    path.write_text(json.dumps(data), encoding="utf-8")


CASES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "manifest-changed": (
        manifest("name: rows", "name: lines"),
        "`reference_inputs` in the manifest changed since v1 was released",
        BUMP,
    ),
    "source-changed": (
        edit("model.py", "adam", "sgd"),
        "model.py changed since v1 was released",
        RELOCK,
    ),
    "source-line-endings": (
        other_line_endings,
        "rows.csv differs only in its line endings (CRLF here) since v1 was released",
        r"sed -i 's/\r$//' rows.csv",
    ),
    "source-missing": (
        lock(lambda data: data["inputs"]["sources"].update({"gone.py": "0"})),  # type: ignore[index]
        "gone.py, which v1 was made from, is gone",
        RELOCK,
    ),
    "source-new": (
        lock(lambda data: data["inputs"]["sources"].update({"pyproject.toml": "absent"})),  # type: ignore[index]
        "pyproject.toml is there now, and was not when v1 was released",
        RELOCK,
    ),
    "variable-changed": (
        lock(lambda data: data["inputs"].update(variables={"PATH": "unset"})),  # type: ignore[attr-defined]
        "the environment variable PATH changed since v1 was released",
        RELOCK,
    ),
    "distribution-changed": (
        lock(lambda data: data["inputs"].update(distributions={"pytest": "1.0"})),  # type: ignore[attr-defined]
        f"pytest 1.0 → {pytest.__version__} since v1 was released",
        RELOCK,
    ),
    "distribution-missing": (
        lock(lambda data: data["inputs"].update(distributions={"no-such-one": "1.0"})),  # type: ignore[attr-defined]
        "no-such-one, which v1 was made with, is not installed here",
        "pip install no-such-one",
    ),
    "options-changed": (
        manifest("[keras, h5]", "{keras: {tolerance: {atol: 1.0e-9}}, h5: {}}"),
        "the options of keras changed since v1 was released",
        BUMP,
    ),
    "tolerance-wider": (
        manifest("[keras, h5]", "{keras: {tolerance: {atol: 0.5}}, h5: {}}"),
        "the tolerance of keras (atol 1e-06 → 0.5) is wider than v1 was released with",
        BUMP,
    ),
    "text-changed": (
        edit("card.md.j2", "{{ model_name }}", "{{ model_name }} {{ version }}"),
        "`card.md.j2` changed since v1 was released: the next version tells it",
        BUMP,
    ),
    "version-lower": (
        manifest("version: v1", "version: v0"),
        "v0 comes before v1, which was released",
        "artifactbuild bump --to v2 model.artifact.yaml",
    ),
    "version-scheme": (
        manifest("version: v1", "version: 2"),
        "2 does not follow v1, which was released: neither comes first",
        "artifactbuild bump --to v2 model.artifact.yaml",
    ),
    "format-impossible": (
        impossible,
        "cannot be made: onnx cannot take bfloat16, as the input 'x' is",
        "edit model.artifact.yaml",
    ),
    "not-locked": (
        lambda folder: (folder / "model.artifact.lock").unlink(),
        "v1 was never built: there is no lock",
        BUILD,
    ),
    "lock-stale": (
        manifest("version: v1", "version: v2"),
        "v2 was never built: the lock is of v1",
        BUILD,
    ),
    "format-not-locked": (
        manifest("[keras, h5]", "[keras, h5, weights]"),
        "weights is asked for, and not in the lock of v1",
        BUILD,
    ),
    "format-dropped": (
        manifest("[keras, h5]", "[keras]"),
        "h5 was released in v1, and is not asked for any more",
        BUMP,
    ),
    "not-published": (
        lambda folder: shutil.rmtree(folder / "artifacts"),
        "the lock of v1 has keras, h5, and artifacts has not",
        BUILD,
    ),
    "published-not-locked": (
        lock(lambda data: data["artifacts"].pop("keras")),  # type: ignore[attr-defined]
        "artifacts has keras of v1, and the lock has not",
        BUILD,
    ),
    "artifact-missing": (
        lambda folder: (folder / KERAS / "model.keras").unlink(),
        f"{KERAS}/model.keras is in the lock of v1, and gone",
        REPAIR,
    ),
    "artifact-extra": (
        lambda folder: (folder / KERAS / "more.txt").touch(),
        f"{KERAS}/more.txt is not in the lock of v1",
        REPAIR,
    ),
    "artifact-changed": (
        edit(f"{KERAS}/metadata.json", '"record_version": 1', '"record_version":  1'),
        f"{KERAS}/metadata.json has other bytes than the lock of v1 names",
        REPAIR,
    ),
    "artifact-unreadable": (
        edit(f"{KERAS}/metadata.json", '"record_version": 1', '"record_version": 9'),
        f"{KERAS}/metadata.json: record_version is 9, this artifactbuild reads 1",
        REPAIR,
    ),
    "artifact-damaged": (
        no_lock_and_no_payload,
        f"{KERAS} is damaged, and no lock says what it held: model.keras is missing",
        f"rm -rf {KERAS} && artifactbuild build model.artifact.yaml",
    ),
    "artifact-unlike-lock": (
        another_payload,
        f"the payload of {KERAS} is not the one that the lock of v1 names",
        "artifactbuild reproduce model.artifact.yaml",
    ),
    "card-stale": (
        edits(
            edit("card.md.j2", "{{ model_name }}", "{{ model_name }} {{ version }}"),
            lock(lambda data: data["inputs"]["sources"].pop("card.md.j2")),  # type: ignore[index]
        ),
        f"the template now gives another card than {KERAS}/MODEL_CARD.md",
        BUMP,
    ),
    "environment-changed": (
        lock(lambda data: data["environment"].update(keras="9.9")),  # type: ignore[attr-defined]
        f"the environment changed (keras 9.9 → {environment.here({})['keras']}) since v1 was "
        "released: a rebuild may give other bytes",
        RELOCK,
    ),
    "writer-newer": (
        lock(lambda data: data["release"]["revisions"].update(h5=0)),  # type: ignore[index]
        "this artifactbuild writes h5 by revision 1, the lock's by revision 0: a rebuild may give "
        "other bytes",
        BUMP,
    ),
}


def test_what_was_just_built_has_no_drift(here: Path) -> None:
    assert found(here) == []


@pytest.mark.parametrize("name", CASES)
def test_drift_is_found_by_its_name(here: Path, name: str) -> None:
    change, sentence, repair = CASES[name]
    change(here)
    assert (name, sentence, repair) in found(here)


def test_every_kind_of_drift_is_tried() -> None:
    assert {*CASES, *OF_GIT} == set(KINDS)


def test_template_that_changed_is_one_warning_at_its_line(here: Path, told: Told) -> None:
    CASES["text-changed"][0](here)
    assert told() == (
        0,
        "model.artifact.yaml: dense v1 is good\n"
        "  text-changed  `card.md.j2` changed since v1 was released: the next version tells it  "
        "`artifactbuild bump model.artifact.yaml`\n",
        "",
    )
    assert [name for name, _, _ in found(here)] == ["text-changed"]
    work = job(load(here / "model.artifact.yaml"), None)
    assert {step.action for step in examining.plan(examining.see(work)).steps} == {"keep"}


def test_nothing_but_the_drift_is_found(here: Path) -> None:
    CASES["source-changed"][0](here)
    assert [name for name, _, _ in found(here)] == ["source-changed"]


def test_committed_files_alone_can_be_checked(here: Path) -> None:
    CASES["artifact-unreadable"][0](here)
    assert found(here, artifacts=False) == []


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def check(*arguments: str) -> tuple[int, str, str]:
        code = run(["check", *arguments])
        return (code, *capsys.readouterr())

    return check


def test_error_is_located_and_ends_with_the_repair(here: Path, told: Told) -> None:
    CASES["source-changed"][0](here)
    assert told() == (
        1,
        "",
        "model.artifact.yaml:4:10: source-changed: model.py changed since v1 was released\n"
        "    factory: model:make_model\n"
        f"             ^ `{RELOCK}` if the model is still the same, else `{BUMP}`\n"
        "1 problem\n",
    )


def test_what_is_only_told_is_an_error_when_strict(here: Path, told: Told) -> None:
    CASES["lock-stale"][0](here)
    code, out, err = told()
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "model.artifact.yaml: dense v2 is good",
        "  lock-stale  v2 was never built: the lock is of v1  "
        "`artifactbuild build model.artifact.yaml`",
    ]
    code, out, err = told("--strict")
    assert (code, out) == (1, "")
    assert "lock-stale: v2 was never built" in err


def test_annotations_for_github_have_file_line_and_column(here: Path, told: Told) -> None:
    CASES["source-changed"][0](here)
    CASES["not-published"][0](here)
    assert told("--format", "github") == (
        1,
        "::notice file=model.artifact.yaml,line=3,col=10::not-published: the lock of v1 has "
        "keras, h5, and artifacts has not%0A`artifactbuild build model.artifact.yaml`\n"
        "::error file=model.artifact.yaml,line=4,col=10::source-changed: model.py changed since v1 "
        f"was released%0A`{RELOCK}` if the model is still the same, else `{BUMP}`\n",
        "",
    )


def test_answer_as_json_names_all_drift(here: Path, told: Told) -> None:
    CASES["source-changed"][0](here)
    CASES["not-published"][0](here)
    code, out, _ = told("--json")
    (answer,) = json.loads(out)["manifests"]
    assert code == 1
    assert [(each["name"], each["error"]) for each in answer["drift"]] == [
        ("source-changed", True),
        ("not-published", False),
    ]


def test_readme_lists_every_kind(update_golden: bool) -> None:
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    expected = before + BEGIN + "\n" + table() + "\n" + END + after
    if update_golden:
        path.write_text(expected, encoding="utf-8")
    assert text == expected or update_golden


def table() -> str:
    rows = ["| drift | what it says | what repairs it | |", "| --- | --- | --- | --- |"]
    for name, kind in KINDS.items():
        sentence = re.sub(r"`?\{(\w+)\}`?", r"*\1*", kind.sentence)
        commands = [*([kinds.RELOCK] if kind.relock else []), kind.repair]
        repair = " or ".join(f"`{_in_capitals(command)}`" for command in commands)
        told = "told, error with `--locked`" if kind.locked else "told"
        rows.append(f"| `{name}` | {sentence} | {repair} | {'error' if kind.error else told} |")
    return "\n".join(rows) + "\n"


def _in_capitals(command: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), command)


@pytest.fixture
def rendered(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[Path]]:
    """Build with our own template; return what finds drift, and tells which cards it rendered."""
    shutil.copy(ROOT / "tests" / "samples" / "dense" / "model.py", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    text = MANIFEST.replace("card: {template: card.md.j2}\n", "").replace("[keras, h5]", "[keras]")
    (tmp_path / "model.artifact.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    pipeline.build(job(load(tmp_path / "model.artifact.yaml"), None), server, lambda text: None)
    render = card.render_file

    def noted() -> list[Path]:
        seen: list[Path] = []

        def counted(metadata: Path, template: Path) -> str:
            seen.append(metadata)
            return render(metadata, template)

        monkeypatch.setattr(card, "render_file", counted)
        assert "card-stale" not in [name for name, _, _ in found(tmp_path)]
        return seen

    return noted


def test_card_that_the_lock_has_is_not_rendered_again(rendered: Callable[[], list[Path]]) -> None:
    assert rendered() == []


def test_card_is_rendered_again_by_another_version_of_us(
    rendered: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "own_version", lambda: "9")
    assert len(rendered()) == 1


def test_card_that_the_lock_does_not_have_is_damaged_not_stale(
    rendered: Callable[[], list[Path]], tmp_path: Path
) -> None:
    del rendered
    edit(f"{KERAS}/MODEL_CARD.md", "# dense", "# Dense")(tmp_path)
    assert [name for name, _, _ in found(tmp_path)] == ["artifact-changed"]
