"""The card: the record told to people, rendered from `metadata.json` and nothing else."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from artifactbuild import limits
from artifactbuild.data import Mismatch, loads
from artifactbuild.problems import Problem, Refusal
from artifactbuild.reading import Unreadable, bounded
from artifactbuild.release import markdown, record
from artifactbuild.release.diagram import flowchart, folding
from artifactbuild.release.front_matter import front_matter
from artifactbuild.resources import card_template
from artifactbuild.units import size

RESTORE = "restore it from where it was published, or build it again"

_FAULTS = (
    *(jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError),
    *(AttributeError, RecursionError),
)
"""What a template can raise."""


def render(metadata: Mapping[str, Any], template: Path) -> str:
    """Render a card; every value is escaped as Markdown unless a filter made Markdown of it.

    Raises:
        Refusal: when the template is wrong, with its line.
    """
    known = {**metadata, "front_matter": lambda: markdown.Verbatim(front_matter(metadata))}
    try:
        text = _compiled(template.read_text(encoding="utf-8")).render(known)
    except jinja2.TemplateSyntaxError as error:
        raise Refusal(_problem(template, error.lineno, error.message or "syntax error")) from None
    except _FAULTS as error:
        raise Refusal(_problem(template, _line(error), str(error))) from None
    return text.rstrip("\n") + "\n"


def prepare(template: Path) -> None:
    """Compile a template of ours before its cards are asked for, while there is time."""
    if template == card_template():
        _compiled(template.read_text(encoding="utf-8"))


def render_file(metadata: Path, template: Path) -> str:
    """Render the card of a `metadata.json`; a project's own template in a process of its own.

    A template can loop for ever and fill the memory without leaving the sandbox.
    """
    made = _checked(metadata)
    if template == card_template():
        try:
            return render(made, template)
        except Refusal as refusal:  # our template is sound
            raise Refusal(*(_blamed(metadata, each) for each in refusal.problems)) from None
    request = json.dumps([made, str(template)])
    code = "from artifactbuild.release import card; card.render_shut_off()"
    path = str(Path(__file__).parents[2])
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=request.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([path, *filter(None, sys.path)])},
            cwd=path,
            timeout=limits.RENDERING.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refusal(_endless(template)) from None
    if done.returncode:
        raise Refusal(_endless(template))
    answer = json.loads(done.stdout)
    if "problems" in answer:
        raise Refusal(*(Problem(**each) for each in answer["problems"]))
    return str(answer["card"])


def render_shut_off() -> None:
    """Render what standard input names, within limits; the card or its problems to the output."""
    limits.set_here(limits.RENDERING)
    made, template = json.load(sys.stdin)
    try:
        answer: Mapping[str, Any] = {"card": render(made, Path(template))}
    except Refusal as refusal:
        answer = {"problems": [problem.to_data() for problem in refusal.problems]}
    json.dump(answer, sys.stdout)


def _checked(metadata: Path) -> Any:
    """Return the data of a record that is one, as `record.read` says.

    Raises:
        Refusal: when it is not there, or is not a record of a version that we know.
    """
    try:
        raw = bounded(metadata, record.MAX_BYTES)
        record.parsed(raw)
    except (Unreadable, Mismatch) as error:
        raise Refusal(Problem(file=str(metadata), message=str(error), hint=RESTORE)) from None
    return loads(raw)


def _blamed(metadata: Path, problem: Problem) -> Problem:
    message = f"no card can be made of this record: {problem.message}"
    return Problem(file=str(metadata), message=message, hint=RESTORE)


def _endless(template: Path) -> Problem:
    most = limits.RENDERING
    message = f"template: rendering it took more than {most.cpu} s or {size(most.memory)}"
    return Problem(file=str(template), message=message, hint="take out what loops or repeats")


@functools.lru_cache(maxsize=8)
def _compiled(text: str) -> jinja2.Template:
    """Return a template, compiled once for all the cards that are made from it."""
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=markdown.text,
    )
    environment.filters |= FILTERS
    return environment.from_string(text)


def _shape(value: list[int | None]) -> str:
    """Return a shape as the manifest writes it."""
    return "[" + ", ".join("null" if size is None else str(size) for size in value) + "]"


def _capital(value: str) -> str:
    """Return a sentence with its first letter in upper case."""
    return value[:1].upper() + value[1:]


def _difference(check: Mapping[str, Any]) -> str:
    """Return how far a check found two sides apart."""
    if check["max_abs"] is None:
        return "equal" if check["passed"] else str(check["detail"])
    return f"{check['max_abs']:.3g}" if check["max_abs"] else "0"


def _allowed(check: Mapping[str, Any]) -> str:
    """Return the bound of a check."""
    if not check["atol"] and not check["rtol"]:
        return "exact"
    return f"{check['atol']:g} + {check['rtol']:g} × |expected|"


def _by_loader(checks: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each loader: its differences, the widest bound, what else is equal."""
    rows = []
    for loader in dict.fromkeys(check["loader"] for check in checks):
        own = [check for check in checks if check["loader"] == loader]
        outputs = [check for check in own if check["compared"] == "outputs"]
        found = {check["against"]: _difference(check) for check in outputs}
        widest = max(outputs, key=lambda check: (check["atol"], check["rtol"]), default=None)
        others = [_plainly(c["compared"]) for c in own if c["compared"] != "outputs"]
        row = {
            "loader": loader,
            "values": max((check["count"] for check in outputs), default=0),
            "eager": found.get("eager", ""),
            "graph": found.get("graph", next(iter(found.values()), "")),
            "allowed": _allowed(widest) if widest else "",
            "equal": others,
        }
        rows.append(row)
    return rows


def _plainly(compared: str) -> str:
    """Return what was compared beside the outputs, as one says it: weights, seeds, optimizer."""
    role = compared.removesuffix(" variables")
    return f"{role}s" if role in ("weight", "seed") else role


def _count(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}"


def _nested(layers: list[Mapping[str, Any]], depth: int = 0) -> list[dict[str, Any]]:
    """Return layers and, under each, its inner ones; `depth` tells how far inside."""
    rows = []
    for layer in layers:
        rows.append({**layer, "depth": depth})
        rows += _nested(layer["layers"], depth + 1)
    return rows


def _call(inputs: list[Mapping[str, Any]]) -> markdown.Verbatim:
    """Return how `predict` is called, as code."""
    return markdown.code(
        "predict({" + ", ".join(f'"{tensor["name"]}": …' for tensor in inputs) + "})"
    )


def _flowchart(architecture: Mapping[str, Any], inputs: Any, outputs: Any) -> markdown.Verbatim:
    """Return an architecture as a Mermaid diagram."""
    return markdown.fence(flowchart(architecture, inputs, outputs), "mermaid")


def _problem(template: Path, line: int | None, message: str) -> Problem:
    return Problem(
        file=str(template),
        line=line,
        column=1 if line else None,
        source=_line_of(template, line) if line else "",
        message=f"template: {message}",
        hint="a template sees the keys of metadata.json",
    )


def _line_of(template: Path, line: int) -> str:
    lines = template.read_text(encoding="utf-8").split("\n")
    return lines[line - 1] if line <= len(lines) else ""


def _line(error: BaseException) -> int | None:
    """Return the template's line that was being rendered when something was raised."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


FILTERS: Mapping[str, Any] = {
    "allowed": _allowed,
    "by_loader": _by_loader,
    "call": _call,
    "capital": _capital,
    "code": markdown.code,
    "count": _count,
    "difference": _difference,
    "fence": markdown.fence,
    "flowchart": _flowchart,
    "folding": folding,
    "nested": _nested,
    "shape": _shape,
    "size": size,
}
"""What a template has beside Jinja's own filters."""
