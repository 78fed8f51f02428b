"""What several manifests share is told once."""

from __future__ import annotations

import shlex

import pytest

from artifactbuild import causes

MANY = "{what} since {count} versions were released"


def text(file: str, *own: str, found: tuple[str, ...] = (), kind: str = "grown") -> str:
    block = causes.block(
        kind, "{what} since v1", f"relock {file}", MANY, "relock {manifests}", file, *found
    )
    lines = [f"{file}: is good", *own, *(block if found else [])]
    return "".join(f"{line}\n" for line in lines)


def test_texts_without_blocks_are_left_alone() -> None:
    texts = ["a: x is good\n  row  one\n", "b: y is good\n"]
    assert causes.told(texts, []) == "".join(texts)


def test_causes_that_the_same_manifests_share_are_one_line() -> None:
    texts = [text("a", found=("numpy", "keras")), text("b", "  row", found=("numpy", "keras"))]
    assert causes.told(texts, []) == (
        "a: is good\nb: is good\n  row\n"
        "grown  numpy; keras since 2 versions were released  `relock`\n"
    )


def test_cause_of_one_alone_stays_with_it() -> None:
    texts = [text("a", found=("numpy",)), text("b", found=("numpy", "onnx")), text("c")]
    assert causes.told(texts, ["."]) == (
        "a: is good\nb: is good\n  grown  onnx since v1  `relock b`\nc: is good\n"
        "grown  numpy since 2 versions were released  `relock a b`\n"
    )


def test_kinds_are_told_apart() -> None:
    texts = [text("a", found=("numpy",)), text("b", found=("numpy",), kind="gone")]
    assert "versions" not in causes.told(texts, [])


def test_title_that_nothing_follows_is_left_out() -> None:
    texts = [text(file, found=("numpy",)).replace(": is good", ": is bad") for file in "ab"]
    assert causes.told(texts, []) == ("grown  numpy since 2 versions were released  `relock`\n")


@pytest.mark.parametrize("path", ["", "a b", "it's", "plain/path-1.yaml", "ä", "$(x)"])
def test_paths_are_quoted_as_by_the_standard_library(path: str) -> None:
    assert causes.quoted(path) == shlex.quote(path)
