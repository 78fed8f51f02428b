"""A day of an author and a reviewer, in a repository of its own, as the README shows it.

`python tests/test_session.py` prints the session for the README.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "artifactbuild")

MODEL = """\
import keras


def make_iris() -> keras.Model:
    inputs = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")(inputs)
    outputs = keras.layers.Dense(3, activation="softmax", name="species")(hidden)
    return keras.Model(inputs, outputs)
"""


class Session:
    """A terminal: what was typed, and what it answered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def type(self, line: str, expected: int = 0) -> str:
        """Run a line; return what it says, figures that are not the session's made constant."""
        words = line.split()
        typed = [*COMMAND, *words[1:]] if words[0] == "artifactbuild" else ["sh", "-c", line]
        done = subprocess.run(typed, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stdout + done.stderr
        makes = words[0] == "artifactbuild" and words[1] in ("build", "init") and not expected
        answer = done.stdout if makes else done.stdout + done.stderr
        answer = re.sub(r"\b[0-9a-f]{7}\b(?=\))", "1f836ea", answer)
        self.said.append(f"$ {line}\n{answer}")
        return answer


def play(folder: Path) -> Session:
    """Play the session: from a function over a release to a change that a reviewer reads."""
    (folder / "model.py").write_text(MODEL, encoding="utf-8")
    (folder / ".gitignore").write_text("/artifacts/\n__pycache__/\n", encoding="utf-8")
    quiet = "git -c init.defaultBranch=main init -q && git config user.name A"
    subprocess.run(
        ["sh", "-c", f"{quiet} && git config user.email a@example.org"], cwd=folder, check=True
    )
    session = Session(folder)
    session.type("artifactbuild init model:make_iris --format keras --format weights")
    session.type("artifactbuild build")
    session.type("git add -A && git commit -qm 'Release iris v1' && git switch -qc wider")
    session.type("sed -i 's/Dense(16/Dense(32/' model.py")
    session.type("artifactbuild plan --exit-code", expected=1)
    session.type("artifactbuild build", expected=1)
    session.type("artifactbuild bump")
    session.type("artifactbuild plan --exit-code", expected=2)
    session.type("artifactbuild build")
    session.type("artifactbuild diff --markdown")
    session.type("git diff -U0 model.artifact.lock")
    return session


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return play(tmp_path_factory.mktemp("session"))


def answer(session: Session, line: str, nth: int = 0) -> str:
    found = [said for said in session.said if said.startswith(f"$ {line}\n")]
    return found[nth].partition("\n")[2]


def test_manifest_of_init_builds_as_it_stands(session: Session) -> None:
    built = answer(session, "artifactbuild build").splitlines()
    assert [line.split()[:2] for line in built[1:3]] == [
        ["keras", "published"],
        ["weights", "published"],
    ]


def test_changed_layer_is_refused_with_the_way_out(session: Session) -> None:
    assert answer(session, "artifactbuild plan --exit-code").startswith(
        "iris v1: released, and changed since then (`artifactbuild relock model.artifact.yaml` or "
        "`artifactbuild bump model.artifact.yaml`)\n"
    )
    assert answer(session, "artifactbuild build", 1) == (
        "model.artifact.yaml:12:10: iris v1 was released from other inputs: model.py changed\n"
        "    version: v1\n"
        "             ^ run `artifactbuild relock model.artifact.yaml` if the model is still the "
        "same, else `artifactbuild bump model.artifact.yaml`\n"
        "1 problem\n"
    )


def test_bumped_version_is_to_be_built(session: Session) -> None:
    assert answer(session, "artifactbuild plan --exit-code", 1).startswith(
        "iris v2: 2 to build (`artifactbuild build model.artifact.yaml`)\n"
    )


def test_diff_names_exactly_that_layer(session: Session) -> None:
    text = answer(session, "artifactbuild diff --markdown")
    first, _, rest = text.partition("\n")
    assert first.startswith(
        "**`iris` v1 → v2**: 1 layer changed, contract unchanged, outputs moved by at most "
    )
    assert first.endswith("; proven by 14 checks")
    rows = [line for line in rest.splitlines() if line.startswith("| changed")]
    assert rows == [
        "| changed | `hidden` | `Dense` | `units 16 → 32`, `output (None, 16) → (None, 32)`, "
        "`parameters 80 → 160` |"
    ]
    assert "- resized by it: `species`\n" in rest


def test_lock_changes_in_the_lines_of_what_changed(session: Session) -> None:
    """`species` takes 32 values where it took 16, so its weights are others, too."""
    lines = answer(session, "git diff -U0 model.artifact.lock").splitlines()
    added = [line[1:].strip() for line in lines if re.match(r"\+ ", line)]
    told = [
        re.sub(r'^\{"name": "(\w+)".*', r"\1", line).split('"')[1:2] or [line] for line in added
    ]
    names = [re.match(r'\{"name": "(\w+)"', line) for line in added]
    assert [found[1] for found in names if found] == ["hidden", "species"]
    assert {word[0] for word in told} >= {"version", "created_at", "totals", "model.py"}
    assert not any(line.startswith('{"format"') for line in added), "neither a check nor a measure"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        print("".join(play(Path(scratch)).said))
