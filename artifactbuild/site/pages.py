"""The pages: records rendered as HTML that needs nothing but itself.

Every value is escaped, and what cannot be seen in it (control and direction marks) is spelt out.
The one style sheet and the one script stand in each page, allowed by their digests; nothing else
may run or be fetched.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import jinja2
from markupsafe import Markup, escape

from artifactbuild.release.record import BINS, Check, Record
from artifactbuild.resources import templates
from artifactbuild.review.telling import Line, Name, Report
from artifactbuild.site import changes, drawing, layout, names, plots
from artifactbuild.site.shelf import Model, Version
from artifactbuild.units import size
from artifactbuild.visible import visible

INDEX = "index.html"

KEPT = "\n\t"
"""Characters of a text that a browser shows as what they mean."""

_PIECE = re.compile(r"[^/_]+[/_]*|[/_]+")
_EXPONENT = re.compile(r"e([+-])0+(\d)")


def render(models: Sequence[Model]) -> dict[str, bytes]:
    """Return every page by its path: the index, and for each version the page of its model."""
    environment = _environment()
    pages = {INDEX: environment.get_template("index.html.j2").render(models=models, root="")}
    for model in models:
        told = _told_changes(model)
        for place, version in enumerate(model.versions):
            path = names.page_of(model.name, version.name if place else None)
            pages[path] = _page(environment, model, version, told)
        if not model.versions:
            template = environment.get_template("unpublished.html.j2")
            pages[names.page_of(model.name)] = template.render(model=model, root="../")
    return {path: text.encode("utf-8") for path, text in pages.items()}


def _page(
    environment: jinja2.Environment,
    model: Model,
    version: Version,
    told: Mapping[str, Report],
) -> str:
    made = version.record
    checks = [check for artifact in version.artifacts for check in artifact.record.checks]
    return environment.get_template("model.html.j2").render(
        model=model,
        version=version,
        made=made,
        changes=told,
        drawing=drawing.of_model(model.name, made.architecture),
        weights=[variable for variable in made.variables if variable.role == "weight"],
        axis=plots.axis(checks),
        root="../",
    )


def _told_changes(model: Model) -> dict[str, Report]:
    """Return what changed in each version since the one before; the first has nothing to tell."""
    return {
        after.name: changes.between(before, after) for after, before in pairwise(model.versions)
    }


@functools.cache
def _environment() -> jinja2.Environment:
    folder = templates() / "site"
    style = (folder / "style.css").read_text(encoding="utf-8")
    script = (folder / "page.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.globals |= {
        "style": Markup(style),  # noqa: S704, our own file
        "script": Markup(script),  # noqa: S704, our own file
        "policy": _policy(style, script),
        "page_of": names.page_of,
        "plots": plots,
        "BINS": BINS,
        "box_height": layout.HEIGHT,
    }
    environment.filters |= FILTERS
    return environment


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy under which only these two texts count."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_source(style)}'",
            f"script-src '{_source(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(value: Any) -> Any:
    """Return what an expression of a template gives as visible text; markup of ours stays."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else visible(str(value), KEPT)


def _told(value: Any) -> str:
    """Return plain data as people read it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)) and all(isinstance(item, (str, int)) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping) and not any(
        isinstance(v, (Mapping, list)) for v in value.values()
    ):
        return ", ".join(f"{key} {_told(each)}" for key, each in sorted(value.items()))
    if isinstance(value, float):
        return _EXPONENT.sub(r"e\1\2", repr(value))
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def _plain(value: Any) -> str:
    """Return plain data as the record writes it, words without their quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _path(value: str) -> Markup:
    """Return a path that may be broken after a slash or an underscore, and else only if it must."""
    pieces = _PIECE.findall(visible(value, KEPT))
    return Markup("<wbr>").join(escape(piece) for piece in pieces)


def _shape(value: Sequence[int | None]) -> str:
    return "[" + ", ".join("any" if each is None else str(each) for each in value) + "]"


def _day(moment: str) -> str:
    return moment.partition("T")[0]


def _figure(value: float) -> str:
    """Return a number to four digits."""
    return _EXPONENT.sub(r"e\1\2", f"{value:.4g}").replace("-", "−")


def _difference(check: Check) -> str:
    if check.max_abs is None:
        return "equal" if check.passed else check.detail
    return _figure(check.max_abs)


def _allowed(check: Check) -> str:
    if check.compare in ("argmax", "range"):
        return check.compare
    if not check.atol and not check.rtol:
        return "exact"
    return f"{_figure(check.atol)} + {_figure(check.rtol)} × |expected|"


def _line(line: Line) -> Markup:
    """Return pieces of text, those that are names or values of the user's set apart."""
    return Markup("").join(
        Markup("<code>{}</code>").format(visible(piece, KEPT))
        if isinstance(piece, Name)
        else escape(visible(piece, KEPT))
        for piece in line
    )


def _words(version: Version) -> str:
    """Return what the search on the index looks through, for one version."""
    return " ".join([version.name, *version.formats])


def _sources(records: Iterable[Record]) -> dict[str, str]:
    """Return the digests of all sources of several records."""
    found = [pair for made in records for pair in made.inputs.sources.items()]
    return dict(sorted(found))


FILTERS: Mapping[str, Any] = {
    "allowed": _allowed,
    "day": _day,
    "difference": _difference,
    "figure": _figure,
    "line": _line,
    "number": layout.number,
    "path": _path,
    "plain": _plain,
    "shape": _shape,
    "size": size,
    "sources": _sources,
    "told": _told,
    "words": _words,
}
"""What the templates have beside Jinja's own filters."""
