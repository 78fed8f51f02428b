"""What disagrees in many manifests by one cause is told once, not once for each.

A text that `check` says of one manifest may hold blocks: a disagreement that others may share, told
only when all texts are together. Imports nothing, so that the fast path can use it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEAD, _MORE = "    ", "     "
"""How the first line of a block begins, and each of the others; no row of a table begins so."""

MARK = "\n" + _HEAD
GOOD = " is good"
WHAT, COUNT, MANIFESTS = "{what}", "{count}", "{manifests}"

_SAFE = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_"
)  # what a shell takes as it stands


class Group:
    """Causes of one kind that the same manifests share, by their places in the list."""

    __slots__ = ("causes", "key", "members")

    def __init__(self, key: str, causes: list[str], members: list[int]) -> None:
        self.key = key
        self.causes = causes
        self.members = members


def groups(found: Sequence[tuple[str, Sequence[str]]]) -> tuple[list[Group], list[list[str]]]:
    """Group the causes that several share, of each its key and causes; return what is left, too.

    Causes with one key whose members are the same are one group.
    """
    members: dict[tuple[str, str], list[int]] = {}
    for place, (key, causes) in enumerate(found):
        for cause in causes:
            members.setdefault((key, cause), []).append(place)
    merged: dict[tuple[str, str], Group] = {}
    for (key, cause), places in members.items():
        if len(places) > 1:
            group = merged.setdefault((key, str(places)), Group(key, [], places))
            group.causes.append(cause)
    left = [[cause for cause in causes if len(members[key, cause]) == 1] for key, causes in found]
    return list(merged.values()), left


def block(
    name: str, one: str, repair: str, many: str, command: str, file: str, *causes: str
) -> list[str]:
    """Return the lines of a block.

    `one` and `many` are its sentences for one manifest and for several, `repair` and `command` the
    commands.
    """
    others = (one, repair, many, command, file, *causes)
    return [_HEAD + name, *(_MORE + each for each in others)]


def told(texts: Sequence[str], arguments: Sequence[str]) -> str:
    """Return what is said of all manifests; what several share stands at the end, once.

    `arguments` are the paths that were given; they stand for all manifests in a command.
    """
    if not any(MARK in text for text in texts):
        return "".join(texts)
    own: list[list[str]] = []
    blocks: list[tuple[int, list[str]]] = []
    for place, text in enumerate(texts):
        lines, found = _parsed(text)
        own.append(lines)
        blocks += [(place, each) for each in found]
    shared, left = groups([("\n".join((b[0], b[3], b[4])), b[6:]) for _, b in blocks])
    for (place, each), causes in zip(blocks, left, strict=True):
        if causes:
            sentence = each[1].replace(WHAT, "; ".join(causes))
            own[place].append(f"  {each[0]}  {sentence}  `{each[2]}`")
    own = [lines for lines in own if len(lines) > 1 or lines[0].endswith(GOOD)]
    ends = [line for group in shared for line in _ends(group, blocks, texts, arguments)]
    return "".join(f"{line}\n" for lines in (*own, ends) for line in lines)


def _ends(
    group: Group,
    blocks: Sequence[tuple[int, Sequence[str]]],
    texts: Sequence[str],
    arguments: Sequence[str],
) -> Iterator[str]:
    """Yield a line for a group, one for each of its causes where the command names it."""
    name, many, command = group.key.split("\n")
    files = [blocks[member][1][5] for member in group.members]
    sentence = many.replace(COUNT, str(len(files)))
    repair = filled(command, files, len(files) == len(texts), arguments)
    for what in group.causes if WHAT in command else ["; ".join(group.causes)]:
        yield f"{name}  {sentence.replace(WHAT, what)}  `{repair.replace(WHAT, what)}`"


def filled(command: str, files: Sequence[str], are_all: bool, arguments: Sequence[str]) -> str:
    """Name manifests in a command: as they were asked about, if they are all, else each.

    `files` are quoted.
    """
    names = [quoted(each) for each in arguments] if are_all else files
    return command.replace(MANIFESTS, " ".join(names)).rstrip()


def quoted(path: str) -> str:
    """Return a path as a shell takes it."""
    if path and _SAFE.issuperset(path):
        return path
    return "'" + path.replace("'", "'\"'\"'") + "'"


def _parsed(text: str) -> tuple[list[str], list[list[str]]]:
    """Return the lines of a text, and its blocks; the first line is never of a block."""
    first, *rest = text.split("\n")[:-1]
    lines = [first]
    blocks: list[list[str]] = []
    for line in rest:
        if line.startswith(_MORE):
            blocks[-1].append(line[len(_MORE) :])
        elif line.startswith(_HEAD):
            blocks.append([line[len(_HEAD) :]])
        else:
            lines.append(line)
    return lines, blocks
