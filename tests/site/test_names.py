from __future__ import annotations

import pytest

from artifactbuild.site.names import page_of, slug


@pytest.mark.parametrize("name", ["my_model", "digits", "a.b-c", "_x", "v1", "1.0.0"])
def test_plain_names_are_kept(name: str) -> None:
    assert slug(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "index", "INDEX", "..", "../../x", "a/b", "a b", "ä", "a" * 101, "a\0", "\ud800", "x~y"],
)
def test_other_names_are_made_safe(name: str) -> None:
    made = slug(name)
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-~")
    assert "~" in made
    assert 17 <= len(made) <= 57


def test_no_two_names_share_a_file() -> None:
    names = [
        "A",
        "a",
        "Ä",
        "ä",
        "a b",
        "a-b",
        "a/b",
        "index",
        "Index",
        "index.html",
        slug("A").replace("~", "-"),
    ]
    assert len({slug(name) for name in names}) == len(names)


def test_newest_version_is_the_index_of_its_model() -> None:
    assert page_of("m") == "m/index.html"
    assert page_of("m", "v1") == "m/v1.html"
    assert page_of("m", "index").startswith("m/index~")


def test_model_is_not_named_like_the_page_of_all_models() -> None:
    assert page_of("index.html").startswith("index-html~"), "index.html is a file next to it"
