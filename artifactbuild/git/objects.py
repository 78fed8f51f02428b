"""Objects of a repository by their names: how large they are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from artifactbuild.git import running
from artifactbuild.git.place import Repository

FILE = "blob"


def sizes(repository: Repository, names: Iterable[str]) -> Mapping[str, int]:
    """Return the sizes of the objects that are there."""
    answer = repository.run("cat-file", "--batch-check", given=_lines(names))
    if answer.code:
        raise running.refusal(repository.top, ("cat-file",), answer)
    rows = [line.split(" ") for line in answer.out.decode().splitlines()]
    return {row[0]: int(row[2]) for row in rows if len(row) == len(("name", "kind", "size"))}


def contents(repository: Repository, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return the bytes of files that are there, by name; their sizes are known."""
    answer = repository.run("cat-file", "--batch", given=_lines(sizes))
    if answer.code:
        raise running.refusal(repository.top, ("cat-file",), answer)
    found, rest = {}, memoryview(answer.out)
    for name, size in sizes.items():
        start = len(f"{name} {FILE} {size}\n")
        found[name] = bytes(rest[start : start + size])
        rest = rest[start + size + 1 :]
    return found


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
