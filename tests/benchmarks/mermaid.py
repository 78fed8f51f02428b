"""The diagrams of cards, drawn by Mermaid itself in a headless Chromium.

    npm install --prefix /tmp/mermaid mermaid
    python tests/benchmarks/mermaid.py --mermaid /tmp/mermaid --out /tmp/diagrams \\
        [--network ResNet50 ...] CARD.md ...

Prints one line for each diagram: the boxes that Mermaid drew, the picture's file; fails when one
does not render. `--network` names networks of keras.applications. Needs `chromium` on the path.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = """<!doctype html><meta charset="utf-8"><title>waiting</title>
<body style="margin: 16px; background: white"><pre class="source" hidden>{source}</pre>
<div id="place"></div><script src="{script}"></script><script>
mermaid.initialize({{startOnLoad: false, securityLevel: "strict"}});
const source = document.querySelector(".source").textContent;
mermaid.render("drawn", source).then((made) => {{
  document.getElementById("place").innerHTML = made.svg;
  document.title = "drawn " + document.querySelectorAll(".node").length;
}}, (error) => {{ document.title = "failed " + error.message; }});
</script>
"""
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")


def main() -> None:
    """Draw all that was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mermaid", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--network", action="append", default=[])
    parser.add_argument("cards", nargs="*", type=Path)
    asked = parser.parse_args()
    script = asked.mermaid / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
    if shutil.which("chromium") is None or not script.is_file():
        sys.exit("skipped: there is no chromium, or no mermaid in --mermaid")
    asked.out.mkdir(parents=True, exist_ok=True)
    diagrams = [*_of_cards(asked.cards), *_of_networks(asked.network)]
    failed = [name for name, source in diagrams if not _drawn(name, source, script, asked.out)]
    sys.exit(f"not drawn: {', '.join(failed)}" if failed else 0)


def _of_cards(cards: list[Path]) -> Iterator[tuple[str, str]]:
    for card in cards:
        source = re.search(r"^```mermaid\n(.*?)\n```$", card.read_text(), re.DOTALL | re.MULTILINE)
        name = "_".join(card.with_suffix("").parts[-4:-1]) or card.stem
        yield f"{name}_{card.stem}", source[1] if source else ""


def _of_networks(names: list[str]) -> Iterator[tuple[str, str]]:
    if not names:
        return
    import keras

    from artifactbuild.data import encode
    from artifactbuild.release.diagram import flowchart, folding
    from artifactbuild.worker import architecture, state

    for name in names:
        model = getattr(keras.applications, name)(weights=None)
        made = encode(architecture.describe(model, state.listed(model)))
        print(name, folding(made))
        yield name, flowchart(made, [{"name": "image"}], [{"name": "classes"}])


def _drawn(name: str, source: str, script: Path, out: Path) -> bool:
    page = out / f"{name}.html"
    page.write_text(PAGE.format(source=html.escape(source), script=script.resolve().as_uri()))
    shown = _chromium("--dump-dom", page)
    title = re.search(r"<title>(.*?)</title>", shown, re.DOTALL)
    verdict = title[1] if title else "failed: no page"
    size = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', shown)
    width, height = (int(float(each)) + 48 for each in size.groups()) if size else (800, 600)
    picture = out / f"{name}.png"
    _chromium(f"--screenshot={picture}", page, f"--window-size={width},{height}")
    print(f"{name}: {verdict} boxes of {source.count('<br>')} lines, {picture}")
    return verdict.startswith("drawn")


def _chromium(action: str, page: Path, *options: str) -> str:
    command = [*CHROMIUM, "--virtual-time-budget=20000", action, *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
