"""Edits that follow a hint: made from its text where that says all, else written down with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from artifactbuild.problems import Problem

_COMMANDS = ("sha256sum",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a reader does who follows `hint`: replaces `old` by `new`, once, in `file`.

    Without a file it is the manifest; without an old text the new one is added at the end, or takes
    the place of all, if it is the whole file.
    """

    hint: str
    old: str = ""
    new: str = ""
    file: str = ""
    whole: bool = False

    def apply(self, manifest: Path) -> None:
        """Make the edit next to the manifest or in it."""
        path = manifest.parent / self.file if self.file else manifest
        if not self.old and not self.new:
            return
        path.parent.mkdir(exist_ok=True)
        path.touch()
        text = path.read_bytes().decode("utf-8", errors="surrogateescape")
        count = text.count(self.old) if self.old else 1
        assert count == 1, f"{path.name} has {self.old!r} {count} times"
        changed = text.replace(self.old, self.new) if self.old else text + self.new
        changed = self.new if self.whole else changed
        path.write_bytes(changed.encode("utf-8", errors="surrogateescape"))

    def follows(self) -> bool:
        """Tell if the edit uses a text that the hint quotes, or removes, where it says so."""
        if not self.old and not self.new:
            return True  # something other than a text is made anew
        if self.hint.startswith(("remove ", "look for ")):
            return not self.new or self.new in self.old
        quoted = named(self.hint)
        return not quoted or any(piece in self.old + self.new for piece in quoted)


def named(hint: str) -> list[str]:
    """Return the texts that a hint quotes, each up to where it leaves something open."""
    found = re.findall(r"`([^`]+)`", hint) or re.findall(r"(?<!\w)'([^']+)'(?!\w)", hint)
    pieces = [re.split(r"…|<|: *$", piece)[0].strip() for piece in found]
    return [piece for piece in pieces if piece and piece not in _COMMANDS]


def told(text: str) -> list[Problem]:
    """Return the problems that a text for people tells of, with their places and hints."""
    found = []
    for block in re.split(r"(?m)^(?=\S)", text):
        place = re.match(r"(.+?):(\d+):(\d+): (.*)", block)
        if place:
            hint = re.search(r"(?m)^ +\^ (.*)$", block)
            found.append(
                Problem(
                    file=place[1],
                    line=int(place[2]),
                    column=int(place[3]),
                    message=place[4],
                    hint=hint[1] if hint else "",
                )
            )
    return found


def by_machine(text: str, problem: Problem) -> str | None:
    """Return the manifest with the edit that the hint of a problem spells out, if it does."""
    if problem.line is None or problem.column is None:
        return None
    at = _offset(text, problem.line, problem.column)
    hint = problem.hint
    if found := re.match(r"did you mean '([^']+)'\?", hint):
        message = problem.message.rpartition(" defines no ")[2]
        word = re.findall(r"'([^']+)'", message)[0]
        start = text.index(word, at)
        return text[:start] + found[1] + text[start + len(word) :]
    if hint == "remove it" and problem.message.startswith("invisible character"):
        return text[:at] + text[at + 1 :]
    if found := re.fullmatch(r"add '(\w+: [^']+)'( \(.*\))?", hint):
        return text + f"{found[1]}\n" if (problem.line, problem.column) == (1, 1) else None
    if found := re.fullmatch(r"leave (\w+) out of `formats:`", hint):
        return re.sub(rf"(, {found[1]}\b|\b{found[1]}, )", "", text, count=1)
    if found := re.fullmatch(r"add `(custom_objects: [^`]+)`", hint):
        return text + f"{found[1]}\n"
    if found := re.fullmatch(r"add `(- [^`]+)`", hint):
        end = text.index("\n", at)
        start = text.rindex("\n", 0, at) + 1
        return f"{text[:end]}\n{text[start:at]}{found[1]}{text[end:]}".replace("- - ", "- ")
    if found := re.match(r"write `\w+: ([^`]+)`", hint):
        return _replaced(text, at, found[1])
    if found := re.fullmatch(r"write ('[^']+'):", hint):
        key = next(iter(re.findall(r"the key is (\S+),", problem.message)))
        return text[:at] + text[at:].replace(key, found[1], 1)
    if found := re.fullmatch(r"(?:.*, )?(?:write|for example) (?:(\w+): )?(\S.*)", hint):
        value = found[2].removesuffix(" without quotes")
        if found[1] or re.fullmatch(r"[\d.'\[\]]+", value):
            return _replaced(text, at, value)
    return None


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1


def _replaced(text: str, at: int, value: str) -> str | None:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    for node in _nodes(root):
        if node.start_mark.index == at and not isinstance(node, yaml.MappingNode):
            before = " " if text[:at].endswith(":") else ""
            return text[:at] + before + value + text[node.end_mark.index :]
    return None


def _nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    children: Sequence[yaml.Node] = ()
    if isinstance(node, yaml.MappingNode):
        children = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    for child in children:
        yield from _nodes(child)
    yield node
