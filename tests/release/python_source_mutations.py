"""Mutations of Python sources: none may change its code and keep its normalized text.

`python -m tests.release.python_source_mutations [SECONDS]` runs on any Python, without pytest.
"""

from __future__ import annotations

import ast
import random
import sys
import sysconfig
import time
import warnings
from pathlib import Path

from artifactbuild.release import python_source

PIECES = [
    *("\n", "\r", "\r\n", "\n\n", " ", "  ", "\t", "\f", "\v", "\\", "\\\n", "\\\n\n", "\\ \n"),
    *("'", '"', "'''", '"""', "f'", 'f"', 'F"""', "rf'''", "b'", "rb'", "u'", "{", "}", "{{", "}}"),
    *(
        "#",
        "# a comment",
        "# it's",
        '# a "quote',
        "# {",
        "# coding: latin-1\n",
        "# coding: utf-8\n",
    ),
    *("(", ")", "[", "]", ":", ":=", ";", ",", "=", "!r", "\\{", "\\N{DIGIT ONE}", "x", "é", "if"),
    *("f'{x!r:>{w}}'", "f'''{\nx # y\n}'''", "f'{x:\n}'", "f'{a['b']}'", "rf'\\{x}'", "f'{x = }'"),
    *("\n    pass\n", "\n\n    # more\n", "if x:\n  y\n", "lambda: 0", "\ufeff", "\0", "t'{x}'"),
]

SMALL = [
    "x = 1 \\\n\n-y\n",
    "def f(a):\n    '''A docstring.   \n\n    More.\n    '''\n    return a  # what\n\n\n",
    "x = [\n\n 1, # one\n]\n",
    "if x:\n    y = f'{x}' 'a' f\"{'#'}\"\n# end",
    "x = f'''{a:{b}}  \n # no comment {c!r}\n'''\n",
    "# -*- coding: latin-1 -*-\nx = 'a'\n",
    "match x:\n    case 'a' | \"b\": pass\n    case _: z = 0xf if'a'else\"b\"\n",
    "@d\nclass A: x: int = 1; y = (x := 2)  ; # type: ignore\n",
]


def holds(content: bytes) -> bool:
    """Tell whether the normalized text of a source compiles to its code, or is none as it is."""
    try:
        text = python_source.normalized(content)
    except python_source.Unclear:
        return True
    return _code(content) == _code(text)


def mutated(text: str, chance: random.Random) -> str:
    """Return a text with some pieces put in, cut out, exchanged or moved."""
    for _ in range(chance.choice((1, 1, 2, 3, 4))):
        at = chance.randint(0, len(text))
        end = min(len(text), at + chance.choice((0, 0, 0, 1, 1, 2, 5, 20)))
        piece = chance.choice((*PIECES, text[at:end], ""))
        text = text[:at] + piece + text[end:]
    return text


def sources() -> list[str]:
    """Return small sources, and pieces of those of the standard library."""
    found = [*SMALL]
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if "site-packages" not in path.parts:
            text = path.read_bytes().decode("utf-8", "replace")
            found += [text] if len(text) < 3000 else _statements(text)
    return found


def _statements(text: str) -> list[str]:
    """Return some of the statements of a source with what stands before them."""
    parts = text.split("\n\n\n")
    return [part for part in parts if "'" in part and len(part) < 3000][:5]


def _code(source: bytes | str) -> str | None:
    try:
        return ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def main(seconds: float) -> int:
    """Mutate until the time is over; print what does not hold."""
    warnings.simplefilter("ignore")
    known, chance, end = sources(), random.Random(), time.monotonic() + seconds
    tried = sound = 0
    while time.monotonic() < end:
        text = mutated(chance.choice(known if chance.random() < 0.2 else SMALL), chance)
        content = text.encode("utf-8", "surrogatepass")
        tried += 1
        sound += _code(content) is not None
        if not holds(content):
            print(f"does not hold: {content!r}")
            return 1
    print(f"{sys.version.split()[0]}: {tried} mutations hold, {sound} of them compile")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20))
