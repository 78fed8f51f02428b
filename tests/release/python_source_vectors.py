"""Digests of Python sources that must be the same on every Python.

`python -m tests.release.python_source_vectors` compares them on any Python, without pytest.
"""

from __future__ import annotations

import sys

from artifactbuild.release import python_source

BASE = b"def f(a):\n    '''Add.   \n\n    # one\n    '''\n    return a + 1\n\n\nx = f(1)\n"

SAME: dict[str, tuple[bytes, ...]] = {
    "comments, blank lines and white space at the end": (
        BASE,
        b"\n# a comment\n\n" + BASE.replace(b"x = f(1)\n", b"x = f(1)  # it's \"quoted\n# end"),
        BASE.replace(b"\n\n\nx", b"\nx"),
        BASE.replace(b"a + 1\n", b"a + 1 \t\f\n   \n        # type: ignore\n\f\n"),
        BASE.rstrip(b"\n"),
        b"\xef\xbb\xbf" + BASE,
    ),
    "line endings": (BASE, BASE.replace(b"\n", b"\r\n"), BASE.replace(b"\n", b"\r")),
    "line endings in strings": (b"x = '''a\n'''\n", b"x = '''a\r\n'''\r\n", b"x = '''a\r'''\r"),
    "in brackets": (b"x = [\n1,\n2]\n", b"x = [ # one\n\n1,  \n\n # two\n2]\n"),
    "nothing": (b"", b"\n", b"# only a comment", b"  \n\f\n", b"\xef\xbb\xbf"),
    "a comment that ends in a backslash": (b"x = 1\ny = 2\n", b"x = 1 # a \\\ny = 2\n"),
    "a blank line after a backslash": (b"x = 1 \\\n\n-y\n", b"x = 1 \\\n   # c\n-y\n"),
    "a cookie stays, other comments go": (
        b"# coding: latin-1\nx = '\xe9'\n",
        b"# coding: latin-1  \n# \xe9\nx = '\xe9'  # \xe9\n",
        b"#!/usr/bin/python\n# coding: latin-1\nx = '\xe9'\n",
    ),
    "strings that only look like others": (
        b"x = 1 if'#'else\"#\"\ny = 0xf if'{'else'}'\n",
        b"x = 1 if'#'else\"#\" # '\n\ny = 0xf if'{'else'}'  # \"\n",
    ),
    "identifiers that are no prefixes": (
        "é = 1\nmatch é:\n    case'{':\n        pass\n".encode(),
        "é = 1 # é\nmatch é:\n\n    case'{':  # '\n        pass\n".encode(),
    ),
}
"""Sources that give the same code, whose digests are the same."""

DIFFERENT: tuple[bytes, ...] = (
    b"x = 1 \\\n-y\n",
    b"x = 1 \\\n\n-y\n",
    b"if x:\n    y = 1\nz = 2\n",
    b"if x:\n    y = 1\n    z = 2\n",
    b"if x:\n\ty = 1\n\tz = 2\n",
    b"x = '''a \n'''\n",
    b"x = '''a\n'''\n",
    b"x = '''a\n\n'''\n",
    b"x = '''a # b\n'''\n",
    b"x = 'a#b'\n",
    b"x = 'a#c'\n",
    b"x = f'a#b'\n",
    b"x = f'''{a} \n# b\n'''\n",
    b"x = f'''{a}\n# b\n'''\n",
    b"x = f'''{a}\n'''\n",
    b"x = f'{a}{{#}}' # }\n",
    b"x = f'{a}{{ #}}' # }\n",
    b"x = f'{a!r:>{w}} #'\n",
    b"x = f'{a!r:>{w}}  #'\n",
    b"x = f'{a = }'\n",
    b"x = f'{a  = }'\n",
    b"x = rf'\\{a}#'\n",
    b"x = f'\\N{NUMBER SIGN}#'\n",
    b"x = f'{\"#\"}'\n",
    b"x = f'{\"# \"}'\n",
    b"x = f'{f\"{a} \"} '\n",
    b"x = f'{f\"{a}\"} '\n",
    b"x = r'\\'  ' # '\n",
    b"x = rb'\\\\' # '\n",
    b"x = Rb'#'\n",
    b"x = u'#'\n",
    b"x = 'a' '#' f'#' b''\n",
    b"x = (y := 1); z = 2\n",
    b"@d  # c\ndef f(): 'doc'\n",
    b"@d\ndef f(): 'doc '\n",
    b"# coding: utf-8\nx = 1\n",
    b"# coding: latin-1\nx = 1\n",
    b"x = 1\n",
    b"x = 1\n  \\\n\ny = 2\n",
)
"""Sources of which no two have the same digest."""

UNCLEAR: tuple[bytes, ...] = (
    b"x = 1 \\",
    b"x = 1 \\\n",
    b"x = 1 \\ \n-y\n",
    b"x = 1 \\ # c\n-y\n",
    b"x = 'a\n",
    b"x = '''a\n",
    b"x = f'{a\n",
    b"x = f'{a}}'\n",
    b"x = f'{(a}'\n",
    b"x = f'''{a:\n}'''\n",
    b"x = 1\0\n",
    b"x = '\xff'\n",
    b"x = 1 # \xed\xa0\x80\n",
    b"# coding: koi8-r\nx = 1\n",
    b"# coding: no-such\nx = 1\n",
    b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
)
"""What is no Python, or is not read for sure: the bytes count."""

SINCE_3_12: tuple[bytes, ...] = (
    b"x = f'{a['#']}' # ' }\n",
    b"x = f'{a # ' }\n}'\n",
    b"x = f'{'\\n'}{f'{f'{1}'}'}'\n",
)
"""F-strings that Python reads since 3.12; the digests are the same before."""

DIGESTS: dict[str, str] = {
    "comments, blank lines and white space at the end": (
        "6908c880141401f6a9a76ef595183204b897568571b21eebaaaa3e7f28888341"
    ),
    "line endings": ("6908c880141401f6a9a76ef595183204b897568571b21eebaaaa3e7f28888341"),
    "line endings in strings": ("b47ee6d3202ad51de64a37b4909547da1cf8b42638b22ae4451eb65249ced51c"),
    "in brackets": ("3d28ea4a67a6b864a939f044545332acc3ac61c3451e984d698a7f33b2c8a82d"),
    "nothing": ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    "a comment that ends in a backslash": (
        "8353afe579a16d27abc038055bf713459ba6ef418c65b143b526a09dd529e500"
    ),
    "a blank line after a backslash": (
        "e1e51d49aa258317c778a31fc8d643519cd165ad8c6bf776bba2487616600ff5"
    ),
    "a cookie stays, other comments go": (
        "73cc9d5d4e3e90ad8adb570df130a6ef728845943d793ba27d699e6a38c612c0"
    ),
    "strings that only look like others": (
        "23dd286faf982073e2b0406c6eaff9c92310c172a5f4bac6d009e9c7be66447b"
    ),
    "identifiers that are no prefixes": (
        "01a1754b19f5ac2e03b8ec5a89437e111b9bfe2c2a2dc1939306e3209903d3a7"
    ),
    "all others": ("11ada603f6af0a223ed7ce2fa9a5e2d0240866d1dc5d1e1b1d18f23cd3a271dd"),
}
"""A digest for each group of `SAME`, and one over those of all others."""


def found() -> dict[str, str]:
    """Return the digests as this Python makes them."""
    same = {name: _digest(sources[0]) for name, sources in SAME.items()}
    others = "".join(_digest(source) for source in (*DIFFERENT, *SINCE_3_12))
    return {**same, "all others": _digest(f"'{others}'".encode())}


def faults() -> list[str]:
    """Return what is not as it must be."""
    return [
        *(
            f"{name}: {s!r}"
            for name, each in SAME.items()
            for s in each
            if _digest(s) != _digest(each[0])
        ),
        *(f"is read: {source!r}" for source in UNCLEAR if _digest(source)),
        *(f"is not read: {s!r}" for s in (*DIFFERENT, *SINCE_3_12) if not _digest(s)),
        *(
            ["two sources have one digest"]
            if len({*map(_digest, DIFFERENT)}) < len(DIFFERENT)
            else []
        ),
        *(
            f"{name} has {digest}"
            for name, digest in found().items()
            if DIGESTS.get(name) != digest
        ),
    ]


def _digest(source: bytes) -> str:
    return python_source.digest(source) or ""


def main() -> int:
    """Print what is not as it must be."""
    wrong = faults()
    print("\n".join(wrong) or f"Python {sys.version.split()[0]}: all digests are as they must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
