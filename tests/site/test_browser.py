"""The pages in a real Chromium, from `file://`: quiet, reachable, readable on a phone.

Skips, visibly, where no Chromium is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from artifactbuild.release.store import Store
from artifactbuild.site import folder, pages, shelf
from artifactbuild.site.shelf import Disagreement, Wanted
from tests import chromium
from tests.site.records import architecture, chain, harmful, layer, made, publish

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium is installed")

SIZES = {"desk": (1280, 800), "phone": (390, 844)}

REACHED = """(() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  if (at === document.body) return "";
  const seen = style.outlineStyle !== "none" && box.width > 0 && box.height > 0 &&
    box.bottom > 0 && box.top < innerHeight;
  return [at.tagName, at.id || at.getAttribute("href") || at.textContent.slice(0, 20), seen];
})()"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inner = layer("encoder", "x", kind="Functional", layers=chain(3))
    wide = tuple(layer(f"branch_{place}", "x") for place in range(30))
    root = publish(
        tmp_path_factory.mktemp("artifacts"),
        made("small"),
        made("small", version="v2", architecture=architecture(chain(4))),
        made("nested", architecture=architecture((layer("x", kind="InputLayer"), inner))),
        made("wide", "h5", architecture=architecture((layer("x", kind="InputLayer"), *wide))),
        harmful("harm", 'x"y'),
    )
    path = "artifacts/" + "a_long_name/" * 12
    stale = Disagreement(name="card-stale", sentence=f"another card than {path}", error=False)
    drift = {"small": (), "nested": (stale,) * 5, "wide": (replace(stale, error=True),)}
    place = tmp_path_factory.mktemp("site") / "pages"
    folder.write(pages.render(shelf.read([Wanted(store=Store(root=root))], drift)), place)
    return place


@pytest.fixture(scope="module")
def page() -> Iterator[chromium.Page]:
    with chromium.page() as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(page: chromium.Page) -> Iterator[None]:
    """See to it that no page says anything on the console or asks for anything but files."""
    page.said.clear()
    page.asked.clear()
    page.scripts(allowed=True)
    page.look(*SIZES["desk"])
    yield
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:///", "data:,"))] == []


def every_page(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_the_window(
    site: Path, page: chromium.Page, size: str, dark: bool
) -> None:
    width, height = SIZES[size]
    page.look(width, height, dark=dark)
    for path in every_page(site):
        page.open(path)
        page.ask("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.ask("document.documentElement.scrollWidth") <= width, path
        assert page.ask("innerWidth") == width, path
        ground = page.ask("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 22, 25)" if dark else "rgb(250, 250, 248)")


def test_all_is_reached_by_the_tabulator_and_seen(site: Path, page: chromium.Page) -> None:
    for path in (site / "index.html", site / "small" / "index.html", site / "wide" / "index.html"):
        page.open(path)
        wanted = page.ask(
            "[...document.querySelectorAll('a, summary, button, input, select, [tabindex=\"0\"]')]"
            ".filter((each) => each.checkVisibility() && each.offsetParent !== null).length"
        )
        reached = []
        for _ in range(wanted + 5):
            page.tab()
            found = page.ask(REACHED)
            if not found:
                break
            reached.append(tuple(found))
        assert reached[0][:2] == ("A", "#main")
        assert [each for each in reached if not each[2]] == []
        assert len(reached) >= wanted, path


def test_every_link_leads_somewhere(site: Path, page: chromium.Page) -> None:
    for path in every_page(site):
        page.open(path)
        for url in page.ask("[...document.links].map((each) => each.href)"):
            file, _, fragment = url.partition("#")
            target = Path(file.removeprefix("file://").replace("%22", '"'))
            assert target.is_file(), f"{path}: {url}"
            if fragment and target == path:
                assert page.ask(f"document.getElementById('{fragment}') !== null"), url


def test_finding_on_the_index(site: Path, page: chromium.Page) -> None:
    page.open(site / "index.html")
    find = """((words, format, state) => {
      const form = document.querySelector("form.find");
      Object.assign(form.elements.words, { value: words });
      Object.assign(form.elements.format, { value: format });
      Object.assign(form.elements.state, { value: state });
      form.dispatchEvent(new Event("input"));
      const rows = [...document.querySelectorAll("tr[data-words]")].filter((row) => !row.hidden);
      const names = rows.map((row) => row.cells[0].textContent).join();
      return [names, form.querySelector("output").textContent];
    })"""
    assert page.ask(f'{find}("", "", "")') == ["harm,nested,small,wide", "4 of 4 shown"]
    assert page.ask(f'{find}("SMA v2", "", "")') == ["small", "1 of 4 shown"]
    assert page.ask(f'{find}("functional", "", "")') == ["nested", "1 of 4 shown"]
    assert page.ask(f'{find}("", "h5", "")') == ["wide", "1 of 4 shown"]
    assert page.ask(f'{find}("", "", "good")') == ["small", "1 of 4 shown"]
    assert page.ask(f'{find}("nothing like it", "", "")') == ["", "0 of 4 shown"]


def test_a_snippet_is_copied(site: Path, page: chromium.Page) -> None:
    page.open(site / "small" / "index.html")
    said = page.ask("""(async () => {
      const copied = [];
      navigator.clipboard.writeText = async (text) => { copied.push(text); };
      const button = document.querySelector(".code button");
      button.click();
      await new Promise((done) => setTimeout(done, 50));
      return [button.getAttribute("aria-label"), button.textContent, ...copied];
    })()""")
    assert said == ["Copy: keras, keras", "Copied", "import keras\n"]


def test_without_scripts_all_is_there_but_the_form(site: Path, page: chromium.Page) -> None:
    page.open(site / "index.html")
    assert page.ask("!document.querySelector('form.find').hidden")
    page.scripts(allowed=False)
    page.open(site / "index.html")
    assert page.ask("document.querySelector('form.find').hidden")
    assert page.ask("document.querySelectorAll('tr[data-words]').length") == 4
    page.open(site / "small" / "index.html")
    assert page.ask("document.querySelectorAll('.code button').length") == 0


def test_harm_stays_text(site: Path, page: chromium.Page) -> None:
    page.open(site / "harm" / "index.html")
    assert page.ask("document.images.length + document.scripts.length") == 1
    assert page.ask("document.body.innerText.includes('<script>alert(1)</script>')")
    page.ask("document.body.insertAdjacentHTML('beforeend', '<b onclick=\"window.hit = 1\">x</b>')")
    page.ask("document.body.lastChild.click()")
    assert page.ask("window.hit === undefined"), "the policy lets inline handlers run"
    page.said.clear()


def test_what_is_printed_is_not_cut(site: Path, page: chromium.Page) -> None:
    page.look(*SIZES["desk"], print=True)
    page.open(site / "small" / "index.html")
    cut = "getComputedStyle(document.querySelector('.tall')).maxHeight"
    assert page.ask(cut) == "none"
    assert page.ask("getComputedStyle(document.querySelector('nav.here')).display") == "none"
