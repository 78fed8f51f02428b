"""Every string of every file that we own, through every verb that reads it and every output.

The fields come from the nouns themselves, so that a new one is tried as soon as it is there.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifactbuild.cli import run
from artifactbuild.data import decode
from artifactbuild.release import digest
from artifactbuild.release.lock import Lock
from artifactbuild.release.record import Record
from tests import outputs
from tests.fuzz import mutations
from tests.fuzz.ground import RICH, Broken, Ground, judge, laid_out, put_record

STEER = "\x1b]0;x\x07\x1b[2J\r\n::stop-commands::pwn\n##[add-mask]x\u202e\u200b\u2028\x9b\U000e0041"
MARKUP = (
    "\n\n# Approved @org/owners\n\n![i](//e.x/i.png)[l](http://e.x) <img src=x onerror=a()> "
    '`@team` | a | b \\|<b> http://e.x www.e.x "]\n```\n</script><script>a()</script> *em* _em_'
)
LONG = "long @org <b> " * 80_000
PAYLOADS = {"steer": STEER, "markup": MARKUP, "long": LONG}

RECORD = ["artifacts/dense/keras/v1"]
LOCK, MANIFEST = "dense/model.artifact.lock", "dense/model.artifact.yaml"
VERBS = [
    *(["check"], ["check", "--json"], ["check", "--format", "github"]),
    *(["plan"], ["plan", "--json"], ["plan", "--format", "github"]),
    *(["show"], ["show", "--json"]),
    *(["card"], ["card", "--json"]),
    *(["diff", "artifacts/dense/h5/v1", *RECORD], ["diff", *RECORD, LOCK, "--markdown"]),
    *(["diff", LOCK, MANIFEST], ["diff", LOCK, MANIFEST, "--markdown"], ["diff", *RECORD, LOCK]),
    *(["diff", *RECORD, "artifacts/dense/h5/v1", "--markdown"], ["diff", LOCK, *RECORD, "--json"]),
    ["site", "artifacts", "dense", "--output", "pages"],
    *(["verify"], ["verify", "--json"], ["verify", *RECORD]),
]


@pytest.fixture
def at(project: Path) -> Ground:
    return laid_out(project)


def hostile(data: Any, text: str, kept: frozenset[str]) -> Any:
    """Return data with a text in the place of every string but those, keys included."""
    if isinstance(data, str):
        return data if data in kept else text
    if isinstance(data, Mapping):
        return {_key(k, text, kept, i): hostile(v, text, kept) for i, (k, v) in _numbered(data)}
    return [hostile(each, text, kept) for each in data] if isinstance(data, list) else data


def _numbered(data: Mapping[str, Any]) -> Iterator[tuple[int, tuple[str, Any]]]:
    return iter(enumerate(data.items()))


def _key(key: str, text: str, kept: frozenset[str], index: int) -> str:
    return key if key in kept else f"{text}{index}"


def filled(hint: Any, text: str) -> Any:
    """Return data for a type with something in every field: one text in every string."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return filled(next(a for a in arguments if a is not type(None)), text)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        known = {f.name: hints[f.name] for f in dataclasses.fields(hint)}
        return {n: [] if h == tuple[hint, ...] else filled(h, text) for n, h in known.items()}
    if origin is tuple:
        return [filled(arguments[0], text)]
    if origin is not None and issubclass(origin, Mapping):
        return {text: filled(arguments[1], text)}
    return text if hint in (str, Any) else hint(1)


def strings(data: Any) -> int:
    if isinstance(data, str):
        return 1
    inner = [*data, *data.values()] if isinstance(data, dict) else data
    return sum(map(strings, inner)) if isinstance(inner, list) else 0


def names_of(noun: Any) -> frozenset[str]:
    """Return the names of the fields of a noun and of the nouns in it."""
    found: set[str] = set()
    pending = [noun]
    while pending:
        hint = pending.pop()
        pending += typing.get_args(hint)
        if dataclasses.is_dataclass(hint) and not found >= {
            f.name for f in dataclasses.fields(hint)
        }:
            found |= {f.name for f in dataclasses.fields(hint)}
            pending += typing.get_type_hints(hint).values()
    return frozenset(found)


IDENTITY = {"model_name": "dense", "format": "keras", "version": "v1"}
LOCKED = frozenset(
    {"dense", "v1", "keras", "h5", "metadata.json", "MODEL_CARD.md", "reference.npz"}
)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("kept", [IDENTITY, {}], ids=["in its place", "of another"])
def test_every_field_of_a_record(at: Ground, payload: str, kept: Mapping[str, str]) -> None:
    text = PAYLOADS[payload]
    made = {**filled(Record, text), "record_version": 1, **kept}
    made["files"] = {**made["files"], "model.keras": {"sha256": text, "size": 1}}
    assert strings(made) > 90
    decode(Record, made)
    put_record(at, mutations.text_of(made))
    judge(VERBS, at.project)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_string_of_a_real_record(at: Ground, payload: str) -> None:
    kept = names_of(Record) | frozenset(IDENTITY.values()) | {"artifactbuild", "functional"}
    made = hostile(at.record, PAYLOADS[payload], kept)
    decode(Record, made)
    put_record(at, mutations.text_of(made))
    judge(VERBS, at.project)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_field_of_a_lock(at: Ground, payload: str) -> None:
    text = PAYLOADS[payload]
    made = {**filled(Lock, text), "lock_version": 1, "model": "dense", "version": "v1"}
    made["artifacts"] |= at.lock["artifacts"]
    decode(Lock, made)
    at.place.with_suffix(".lock").write_bytes(mutations.text_of(made))
    judge([*VERBS, ["build"], ["build", "--json"]], at.project)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("kept", [LOCKED, frozenset()], ids=["of the version", "of another"])
def test_every_string_of_a_real_lock(at: Ground, payload: str, kept: frozenset[str]) -> None:
    made = hostile(at.lock, PAYLOADS[payload], names_of(Lock) | kept)
    decode(Lock, made)
    at.place.with_suffix(".lock").write_bytes(mutations.text_of(made))
    judge(VERBS, at.project)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_string_of_a_manifest(at: Ground, payload: str) -> None:
    places = list(_leaves(RICH))
    assert len(places) > 25
    for number, (holder, key) in enumerate(places):
        before = holder[key]
        holder[key] = PAYLOADS[payload]
        try:
            at.place.write_bytes(mutations.text_of(RICH))
            judge([VERBS[number % 6], ["bump"], VERBS[6 + number % 8]], at.project)
        finally:
            holder[key] = before


def _leaves(data: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        if isinstance(data[key], str):
            yield data, key
        elif isinstance(data[key], (dict, list)):
            yield from _leaves(data[key])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_free_words_of_a_manifest_that_is_sound(at: Ground, payload: str) -> None:
    """Words that a manifest may hold: what it prints is not refused before it is shown."""
    words = " ".join(c for c in PAYLOADS[payload] if c.isprintable())[:3000]
    made = {
        **at.manifest,
        "kwargs": {"a": words},
        "metadata": {"notes": words, "data": {"k": words}},
    }
    at.place.write_bytes(mutations.text_of(made))
    judge([*VERBS, ["build"]], at.project)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_string_of_a_statement(at: Ground, payload: str) -> None:
    text = PAYLOADS[payload]
    assert run(["attest", *RECORD]) == 0
    path = at.folder.with_name("v1.intoto.json")
    said = json.loads(path.read_text())
    frame = frozenset(
        {"subject", "name", "digest", "sha256", "_type", "predicateType", "predicate"}
    )
    for kept in (frame, frozenset[str]()):
        path.write_bytes(mutations.text_of(hostile(said, text, kept)))
        judge(VERBS[-3:], at.project)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_in_a_reference(at: Ground, payload: str) -> None:
    text = PAYLOADS[payload].replace("\0", "")[:20_000]
    np.savez(at.place.parent / "rows.npz", **{text: np.zeros(2)})
    np.savez(at.folder / "reference.npz", **{f"{text}/inputs/{text}": np.zeros(2)})
    made = {**at.record}
    made["files"] = {
        name: {"sha256": each, "size": (at.folder / name).stat().st_size}
        for name, each in digest.of_folder(at.folder).items()
        if name not in ("metadata.json", "MODEL_CARD.md")
    }
    put_record(at, mutations.text_of(made))
    case = [{"name": "stored", "file": "rows.npz"}]
    at.place.write_bytes(mutations.text_of({**at.manifest, "reference_inputs": case}))
    judge(VERBS, at.project)


NAMES = [
    b"\x1b[2J\x1b]0;x\x07",
    b"a\n::stop-commands::pwn\n",
    "\u202eabc\u200b".encode(),
    b"\xff\xfe\x9b",
    b"<img src=x onerror=a()>@org",
    b"[bold]`|`##[add-mask]x",
    b"n" * 250,
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_of_files_and_folders(at: Ground, name: bytes) -> None:
    own = os.fsdecode(name)
    (at.folder / own).write_bytes(b"x")
    for place in (at.folder.parent / own, at.project / "artifacts" / own / "keras" / "v1"):
        place.mkdir(parents=True)
        (place / "metadata.json").write_bytes(mutations.text_of(at.record))
    inner = at.project / own
    inner.mkdir()
    (inner / "model.artifact.yaml").write_bytes(mutations.text_of({**at.manifest, "name": "x"}))
    (inner / "model.artifact.lock").write_bytes(mutations.text_of(at.lock))
    paths = [[], [own], [f"./{own}"], [f"{own}/no"], [f"artifacts/dense/keras/{own}"]]
    verbs = [["check"], ["plan"], ["show"], ["card"], ["diff"], ["verify"], ["build", "nothing"]]
    judge([[*verb, *path] for verb in verbs for path in paths], at.project)
    judge([[*verb, "--json", own] for verb in verbs[:3]], at.project)
    judge([["check", "--format", "github", own], ["plan", "--format", "github", own]], at.project)
    judge([["site", "artifacts", "--output", "pages"], ["bump", own]], at.project)


BRANCHES = ["<img-src=x>@org/owners", "`x`|a|", "\u202emain\u200b", "##]add-mask]", "é-ü"]


@pytest.mark.parametrize("branch", BRANCHES, ids=range(len(BRANCHES)))
def test_names_in_git(at: Ground, branch: str) -> None:
    own = os.fsdecode(b"\xff\x1b[2J\n::stop-commands::x")
    (at.project / own).mkdir()
    (at.project / own / "model.artifact.yaml").write_bytes(
        mutations.text_of({**at.manifest, "name": "x"})
    )
    identity = ["-c", "user.name=x", "-c", "user.email=x@e.x", "-c", "init.defaultBranch=main"]

    def git(*arguments: str) -> None:
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("add", "dense", os.fsencode(own).decode("utf-8", "surrogateescape"))
    git("commit", "-qm", "\x1b[2J")
    git("branch", branch)
    git("tag", "v1")
    changed = {**at.manifest, "seed": 2, "version": "v2"}
    at.place.write_bytes(mutations.text_of(changed))
    for side in (branch, "main", f"{branch}:dense/model.artifact.yaml", f"{branch}:no\x1b", "no\n"):
        ways: list[list[str]] = [[], ["--markdown"], ["--json"]]
        judge([["diff", side, *way] for way in ways], at.project)


def test_branch_whose_name_is_not_utf8(at: Ground) -> None:
    """git gives the name of the remote's branch as it is."""
    name = os.fsdecode(b"refs/remotes/origin/\xff\xe2\x80\xae")
    for command in (
        ["init", "-q", "-b", "x"],
        ["add", "dense"],
        ["-c", "user.name=x", "-c", "user.email=x@e.x", "commit", "-qm", "x"],
        ["update-ref", name, "HEAD"],
        ["symbolic-ref", "refs/remotes/origin/HEAD", name],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True)
    at.place.write_bytes(mutations.text_of({**at.manifest, "seed": 2}))
    judge([["diff"], ["diff", "--markdown"], ["diff", "--json"]], at.project)


def test_the_judge_sees_what_is_raw(at: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the gate, the walk fails: by characters in text, by markup in Markdown."""
    made = hostile(at.lock, STEER, names_of(Lock) | LOCKED)
    at.place.with_suffix(".lock").write_bytes(mutations.text_of(made))
    raw: Callable[..., str] = lambda text, *_: text  # noqa: E731
    monkeypatch.setattr("artifactbuild.visible.line", raw)
    monkeypatch.setattr("artifactbuild.visible.visible", raw)
    monkeypatch.setattr("artifactbuild.visible.document", raw)
    with pytest.raises(Broken, match="holds U\\+001B"):
        judge([["check"]], at.project)
    assert outputs.markdown_faults(MARKUP)
