"""The pages as HTML: whole, linked, escaped, readable, and the same every time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from artifactbuild.manifest.model import Tensor
from artifactbuild.release import digest
from artifactbuild.release.store import Store
from artifactbuild.resources import templates
from artifactbuild.site import pages, shelf
from artifactbuild.site.shelf import Disagreement, Wanted
from tests.site.markup import Markup, parse
from tests.site.records import (
    HARM,
    architecture,
    chain,
    harmful,
    layer,
    made,
    publish,
)

FOLDER_NAME = '<img src=x onerror=alert(1)>"&\u202e'
STYLE = (templates() / "site" / "style.css").read_text(encoding="utf-8")


def render(root: Path, **drift: tuple[Disagreement, ...]) -> dict[str, bytes]:
    return pages.render(shelf.read([Wanted(store=Store(root=root))], drift))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """Render models of every sort, those that mean harm among them."""
    nested = layer("encoder", "x", kind="Functional", layers=chain(3))
    root = publish(
        tmp_path_factory.mktemp("artifacts"),
        made("small"),
        made("small", "h5", resumable=False),
        made("small", version="v2", architecture=architecture(chain(4)), stochastic=True),
        made("long", architecture=architecture(chain(200))),
        made("nested", architecture=architecture((layer("x", kind="InputLayer"), nested))),
        made("loose", architecture=architecture(tuple(layer(n) for n in "abc"), outputs=())),
        made("bare", checks=(), variables=(), loaders=(), measures=(), files={}, training={}),
        made("index"),
        made("Index"),
        harmful("harm", 'x"y'),
        replace(harmful(FOLDER_NAME, version="<b>v2"), kwargs={HARM: f"other {HARM}"}),
        replace(
            harmful(FOLDER_NAME),
            input_signature=(Tensor(name="x", shape=(None,), dtype=HARM),),
        ),
        card=HARM,
    )
    drift = {
        "small": (),
        "new": (Disagreement(name="not-locked", sentence="v1 was never built", error=False),),
        "nested": (Disagreement(name=HARM, sentence=HARM, error=True),),
    }
    return render(root, **drift)


@pytest.fixture(scope="module")
def parsed(site: Mapping[str, bytes]) -> dict[str, Markup]:
    return {path: parse(page) for path, page in site.items()}


def test_every_page_is_whole(parsed: dict[str, Markup]) -> None:
    assert len(parsed) == 13
    for path, page in parsed.items():
        assert page.faults == [], path
        assert len(page.ids) == len(set(page.ids)), path


def test_every_link_leads_to_a_page_and_a_place_on_it(parsed: dict[str, Markup]) -> None:
    for path, page in parsed.items():
        for link in page.links:
            if link == "data:,":
                continue
            file, _, fragment = link.partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            assert target in parsed, f"{path}: {link}"
            assert not fragment or fragment in parsed[target].ids, f"{path}: {link}"


def test_every_page_can_be_reached_from_the_index(parsed: dict[str, Markup]) -> None:
    reached, ahead = {"index.html"}, ["index.html"]
    for path in ahead:
        for link in parsed[path].links:
            file = os.path.normpath(os.path.join(os.path.dirname(path), link.partition("#")[0]))
            if file in parsed and file not in reached:
                reached.add(file)
                ahead.append(file)
    assert reached == set(parsed)


def test_nothing_in_a_record_becomes_markup(
    site: Mapping[str, bytes], parsed: dict[str, Markup]
) -> None:
    for path, page in parsed.items():
        assert page.tags.count("script") == page.tags.count("style") == 1, path
        assert "img" not in page.tags, path
        assert not [a for _, a, _ in page.attributes if a.startswith("on") or a == "style"], path
        assert "\u202e".encode() not in site[path], path
        assert b"\0" not in site[path], path
        assert "{{ 7 * 7 }}" in page.text or HARM[:8] not in page.text, path
    text = parsed["harm/index.html"].text
    assert HARM.replace("\u202e\x00", r"\u202e\x00") in text
    assert "javascript:alert(1)" not in parsed["harm/index.html"].links


def test_only_our_own_style_and_script_may_run(site: Mapping[str, bytes]) -> None:
    policy = re.search(rb'Content-Security-Policy" content="([^"]+)"', site["index.html"])
    assert policy is not None
    rules = dict(part.split(" ", 1) for part in policy[1].decode().split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "&#39;none&#39;"
    assert rules["img-src"] == "data:"
    for name in ("style-src", "script-src"):
        assert re.fullmatch(r"&#39;sha256-[A-Za-z0-9+/=]{44}&#39;", rules[name])


def test_reports_what_a_screen_reader_needs(parsed: dict[str, Markup]) -> None:
    for path, page in parsed.items():
        assert page.values("html", "lang") == ["en"], path
        assert page.tags.count("h1") == page.tags.count("main") == 1, path
        levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
        assert all(b - a <= 1 for a, b in pairwise(levels)), path
        assert page.tags.count("th") == len(page.values("th", "scope")), path
        drawn = page.values("svg", "role") + page.values("svg", "aria-hidden")
        assert page.tags.count("svg") == len(drawn), path
        named = page.values("svg", "aria-label") + page.values("svg", "aria-labelledby")
        assert len(named) == page.values("svg", "role").count("img"), path
        assert sorted(page.values("label", "for")) == sorted(
            page.values("input", "id") + page.values("select", "id")
        ), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "sheet", "faint", "box", "tint"])
def test_text_stands_out(scheme: str, ground: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[scheme == "dark"]))
    for ink in ("ink", "soft", "link", "good", "warn", "bad"):
        assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for line in ("box-line", "plot"):
        assert _contrast(colours[line], colours[ground]) >= 3 or ground in ("faint", "tint"), line


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, by WCAG 2.2."""
    lights = sorted(_light(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _light(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_index_tells_how_each_model_stands(parsed: dict[str, Markup]) -> None:
    states = parsed["index.html"].values("tr", "data-state")
    names = sorted(["small", "long", "nested", "loose", "bare", "index", "Index", "harm", "new"])
    told = dict(zip(sorted([*names, FOLDER_NAME]), states, strict=True))
    assert (told["small"], told["new"], told["long"]) == ("good", "drift", "unknown")
    assert "not-locked: v1 was never built" in parsed["index.html"].text
    assert "not-locked: v1 was never built" in parsed["new/index.html"].text


def test_newest_version_tells_what_changed(parsed: dict[str, Markup]) -> None:
    text = " ".join(parsed["small/index.html"].text.split())
    assert "Since v1: 1 layer added" in text
    assert "added" in text
    assert "parameters 144 → 216" in text
    assert "who loads h5 finds nothing" in text
    assert "answers differently each time" in text
    assert "The first that is published here." in text


def test_long_models_are_folded_and_still_told_in_full(parsed: dict[str, Markup]) -> None:
    page = parsed["long/index.html"]
    assert page.values("g", "class").count("folded") > 20
    assert len(page.values("g", "class")) <= 60
    assert all(f"dense_{place}" in page.text for place in range(1, 200))


def test_a_nested_model_is_folded_into_details(parsed: dict[str, Markup]) -> None:
    page = parsed["nested/index.html"]
    assert "Inside encoder: Functional of 3 layers" in page.text
    assert {"graph-title", "graph-1-title"} <= set(page.ids)


def test_a_model_whose_wiring_is_not_known_says_so(parsed: dict[str, Markup]) -> None:
    page = parsed["loose/index.html"]
    assert "How the layers are wired is written in Python and not known here" in page.text
    assert "arrow" not in page.values("path", "class")


def test_an_empty_store_has_an_index(tmp_path: Path) -> None:
    page = parse(render(tmp_path)["index.html"])
    assert "nothing is published" in page.text


def test_the_same_bytes_whatever_the_process_is_like(tmp_path: Path) -> None:
    other = made(version="v2", environment=dict.fromkeys("abcdefgh", "1"))
    root = publish(tmp_path / "artifacts", made(), other, harmful("h"))
    found = []
    for seed, zone, locale in (("1", "UTC", "C.UTF-8"), ("2", "Asia/Tokyo", "de_DE.UTF-8")):
        target = tmp_path / seed
        subprocess.run(
            [sys.executable, "-m", "artifactbuild", "site", str(root), "--output", str(target)],
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale},
        )
        found.append(digest.of_folder(target))
    assert found[0] == found[1]
    marker = json.loads((tmp_path / "1" / ".artifactbuild-site.json").read_text())
    assert str(tmp_path) not in (tmp_path / "1" / "index.html").read_text()
    assert sorted(marker["files"]) == [
        "h/index.html",
        "index.html",
        "small/index.html",
        "small/v1.html",
    ]
