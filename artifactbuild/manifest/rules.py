"""How outputs are compared: per manifest, per format, per output, and the most specific wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = "default"

COARSE = {"float16": 2.0**-9, "bfloat16": 2.0**-6}
"""Two units in the last place of 1.0: what half precision cannot tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one output is compared, and the key of the manifest that says so.

    `compare` is `exact`, `allclose`, `argmax` (over the last axis) or `range`, for a model that is
    declared stochastic; `atol` and `rtol` bound `allclose`.
    """

    compare: str
    atol: float
    rtol: float
    source: str


def rules(
    data: Mapping[str, Any],
    format: str,
    options: Mapping[str, Any],
    outputs: tuple[str, ...],
    *,
    precision: str,
) -> dict[str, Rule]:
    """Return the rule of each output of a format.

    `data` is the manifest as it was written; `options` are the format's, with every default and the
    tolerance of `validation` merged in. Where the manifest says nothing, a model that computes in
    half precision is held to that precision.
    """
    if data.get("stochastic", False):
        return {
            name: Rule(compare="range", atol=0, rtol=0, source="stochastic") for name in outputs
        }
    coarse = COARSE.get(precision, 0.0)
    return {name: _rule(_words(data, format, name), options, coarse) for name in outputs}


def _rule(
    words: list[tuple[str, Mapping[str, Any]]], options: Mapping[str, Any], coarse: float
) -> Rule:
    """Merge what was said, the most specific first."""
    bound = dict(options["tolerance"])
    for key, said in reversed(words):
        if key.count("outputs"):
            bound |= said.get("tolerance", {})
    compare = next((said["compare"] for _, said in words if "compare" in said), "allclose")
    speaking = [key for key, said in words if "compare" in said or "tolerance" in said]
    if not any("tolerance" in said for _, said in words):
        bound = {key: max(value, coarse) for key, value in bound.items()}
    return Rule(
        compare=compare,
        atol=bound["atol"],
        rtol=bound["rtol"],
        source=speaking[0] if speaking else DEFAULT,
    )


def _words(
    data: Mapping[str, Any], format: str, output: str
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return all that the manifest says on an output, with its key, the most specific first."""
    formats = data["formats"]
    of_format = (formats.get(format) or {}) if isinstance(formats, Mapping) else {}
    of_all = data.get("validation") or {}
    places = {
        f"formats.{format}.outputs.{output}": (of_format.get("outputs") or {}).get(output),
        f"validation.outputs.{output}": (of_all.get("outputs") or {}).get(output),
        f"formats.{format}": of_format,
        "validation": of_all,
    }
    return [(key, said) for key, said in places.items() if said]
