"""Strict YAML: bytes to plain data, and where each piece of it stands."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import yaml

from artifactbuild.manifest import scalars, versions
from artifactbuild.problems import Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
REPLACEMENT = "\ufffd"
FIRST = "remove it, and `artifactbuild init MODULE:FACTORY` writes a first manifest"
NAME_IT = "write a name of letters, digits and '_' instead"

Where = tuple[str | int, ...]
Position = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file says, where it says it, and what is wrong with it as YAML."""

    file: str
    text: str
    data: Any
    problems: tuple[Problem, ...] = ()
    keys: Mapping[Where, Position]
    values: Mapping[Where, Position]
    plain: Mapping[Where, str]
    reported: frozenset[Where] = frozenset()

    def problem(
        self, where: Where, message: str, hint: str = "", *, at: Literal["value", "key"] = "value"
    ) -> Problem:
        """Locate a problem at a path, or at the nearest parent that the file has."""
        line, column = self._position(where, at)
        return _problem(self.file, self.text, (line, column), message, hint)

    def data_at(self, where: Where) -> Any:
        """Give the data at a path."""
        found = self.data
        for part in where:
            found = found[part]
        return found

    def _position(self, where: Where, at: str) -> Position:
        if at == "key" and where in self.keys:
            return self.keys[where]
        while where and where not in self.values:
            where = where[:-1]
        return self.values.get(where, (1, 1))


def read(raw: bytes, file: str) -> Document:
    """Read a manifest's bytes; `data` is None where the reading had to end early."""
    if len(raw) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES} bytes"
        return _unread(file, Problem(file=file, message=message, hint="split it up"))
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return _unread(file, _bad_byte(file, raw, error.start))
    return _Reader(file, text).read()


class _Ended(Exception):
    """The reading cannot go on; its problem is already noted."""


class _Reader:
    """Builds plain data from PyYAML's lazy events, noting positions and problems."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        self.problems = list(_invisible_characters(file, text))
        self.clean = not self.problems
        self.keys: dict[Where, Position] = {}
        self.values: dict[Where, Position] = {}
        self.plain: dict[Where, str] = {}
        self.reported: set[Where] = set()
        self.events = _events(text)

    def read(self) -> Document:
        return Document(
            file=self.file,
            text=self.text,
            data=self._data(),
            problems=tuple(self.problems),
            keys=self.keys,
            values=self.values,
            plain=self.plain,
            reported=frozenset(self.reported),
        )

    def _data(self) -> Any:
        try:
            return self._document()
        except _Ended:
            pass
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self._note(where, f"not valid YAML: {error.problem}", _advice(error))
        except (yaml.YAMLError, ValueError, OverflowError):
            # PyYAML turns an escape beyond Unicode, "\UFFFFFFFF", into an exception of chr().
            last = max([*self.keys.values(), *self.values.values()], default=(1, 1))
            self._note(last, "not valid YAML: an escape or directive out of range from here on")
        return None

    def _document(self) -> Any:
        next(self.events)
        event = next(self.events)
        root = None if isinstance(event, yaml.StreamEndEvent) else next(self.events)
        if root is None or (isinstance(root, yaml.ScalarEvent) and root.value == ""):
            self._end((1, 1), "the file is empty", FIRST)
        if event.version or event.tags:
            self._note(_start(event), "YAML directives are not taken", "remove the '%' line")
        if not isinstance(root, yaml.MappingStartEvent):
            message = f"expected a mapping of keys at the top, found {_kind(root)}"
            self._end(_start(root), message, "begin with 'schema_version: 1', not indented")
        data = self._node(root, (), 1)
        next(self.events)
        following = next(self.events)
        if not isinstance(following, yaml.StreamEndEvent):
            hint = "remove it from here on: one file is one manifest"
            self._note(_start(following), "a second document begins here", hint)
        return data

    def _node(self, event: Any, where: Where, depth: int) -> Any:
        self.values.setdefault(where, _start(event))
        if isinstance(event, yaml.AliasEvent):
            return self._refuse(event, where, "alias", "write the value out")
        self._refuse_properties(event, where)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, where)
        if depth > MAX_DEPTH:
            self._end(_start(event), f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(where, depth)
        return self._mapping(where, depth)

    def _sequence(self, where: Where, depth: int) -> list[Any]:
        entries: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            entries.append(self._node(event, (*where, len(entries)), depth + 1))
        return entries

    def _mapping(self, where: Where, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, where, depth)
            name = key if key is not None else f"{_start(event)}"
            if name in entries:
                self._duplicate(event, (*where, name))
            self.keys.setdefault((*where, name), _start(event))
            value = self._node(next(self.events), (*where, name), depth + 1)
            if key is not None:
                entries.setdefault(key, value)
        return entries

    def _key(self, event: Any, where: Where, depth: int) -> str | None:
        aside = (*where, f"{_start(event)}?")
        if isinstance(event, yaml.ScalarEvent) and event.style is None and event.value == "<<":
            self._note(_start(event), "merge key '<<' is not taken", "write the keys out")
            return None
        count = len(self.problems)
        value = self._node(event, aside, depth + 1)
        self.values.pop(aside, None)
        if isinstance(value, str):
            if aside in self.reported:
                self.reported.add((*where, value))
            return value
        if len(self.problems) == count:
            found, hint = "a list or mapping", "write a plain key"
            if isinstance(event, yaml.ScalarEvent):
                found = event.value or "nothing"
                hint = f"write '{event.value}':" if _is_open(where) else NAME_IT
            self._note(_start(event), f"the key is {found}, expected a string", hint)
        return None

    def _duplicate(self, event: Any, where: Where) -> None:
        line = self.keys[where][0]
        message = f"duplicate key {where[-1]!r}, first on line {line}"
        self._note(_start(event), message, "keep one of the two")

    def _scalar(self, event: Any, where: Where) -> Any:
        value: str = event.value
        if REPLACEMENT in value and not self.clean:
            self.reported.add(where)
        if event.style is not None:
            self._refuse_escapes(event, where)
            return value
        self.plain.setdefault(where, value)
        try:
            return scalars.resolve(value)
        except scalars.Refused as refused:
            hint = versions.hint(value) if where == ("version",) else refused.hint
            self._note(_start(event), refused.message, hint)
            self.reported.add(where)
            return None

    def _refuse_escapes(self, event: Any, where: Where) -> None:
        found = next((c for c in event.value if c not in "\t\n\r" and scalars.invisible(c)), None)
        if found is not None:
            message = f"the string holds the invisible character U+{ord(found):04X}"
            self._note(_start(event), message, "remove its escape")
            self.reported.add(where)

    def _refuse_properties(self, event: Any, where: Where) -> None:
        if event.anchor is not None:
            self._refuse(event, where, "anchor", "remove it; a value is written where it is used")
        if event.tag is not None:
            self._refuse(event, where, "tag", "remove it; types follow from how values are written")

    def _refuse(self, event: Any, where: Where, what: str, hint: str) -> None:
        mark = {"alias": "*", "anchor": "&", "tag": "!"}[what]
        line, column = _start(event)
        rest = _line(self.text, line)[column - 1 :]
        word = re.search(re.escape(mark) + r"[^\s,\[\]{}]*", rest)
        offset = word.start() if word else 0
        shown = f" {word.group()!r}" if word else ""
        self._note((line, column + offset), f"{what}{shown} is not taken", hint)
        self.reported.add(where)

    def _note(self, position: Position, message: str, hint: str = "") -> None:
        self.problems.append(_problem(self.file, self.text, position, message, hint))

    def _end(self, position: Position, message: str, hint: str) -> NoReturn:
        self._note(position, message, hint)
        raise _Ended


def _events(text: str) -> Iterator[Any]:
    # Invisible characters are already problems; PyYAML would stop at the first.
    seen = "".join(REPLACEMENT if _refused(char) else char for char in text)
    yield from yaml.parse(seen, Loader=yaml.SafeLoader)


def _invisible_characters(file: str, text: str) -> Iterator[Problem]:
    for number, line in enumerate(_lines(text), 1):
        for index, char in enumerate(line):
            if _refused(char):
                message = f"invisible character U+{ord(char):04X}"
                yield _problem(file, text, (number, index + 1), message, "remove it")


def _refused(char: str) -> bool:
    return not (" " <= char <= "~") and char not in "\t\n\r" and scalars.invisible(char)


def _bad_byte(file: str, raw: bytes, start: int) -> Problem:
    before = _lines(raw[:start].decode("utf-8").removeprefix("\ufeff"))
    text = raw.decode("utf-8", errors="backslashreplace").removeprefix("\ufeff")
    position = (len(before), len(before[-1]) + 1)
    message = f"byte 0x{raw[start]:02x} is not UTF-8"
    return _problem(file, text, position, message, "save the file as UTF-8")


def _unread(file: str, problem: Problem) -> Document:
    return Document(
        file=file, text="", data=None, problems=(problem,), keys={}, values={}, plain={}
    )


def _problem(file: str, text: str, position: Position, message: str, hint: str) -> Problem:
    line, column = position
    source = _line(text, line)
    return Problem(file=file, message=message, hint=hint, line=line, column=column, source=source)


def _line(text: str, number: int) -> str:
    lines = _lines(text)
    return lines[number - 1] if number <= len(lines) else ""


@functools.lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def _advice(error: yaml.MarkedYAMLError) -> str:
    colon = str(error.problem).startswith("mapping values")
    return "quote a value that holds ': '" if colon else error.context or ""


def _is_open(where: Where) -> bool:
    """Tell if a mapping may have any text for its keys, not names alone."""
    inside_arguments = where[:1] == ("kwargs",) and len(where) > 1
    return inside_arguments or where[-1:] in (("loss",), ("metrics",), ("outputs",))


def _start(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _kind(event: Any) -> str:
    return "a list" if isinstance(event, yaml.SequenceStartEvent) else "a single value"
