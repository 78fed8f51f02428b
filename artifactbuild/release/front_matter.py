"""The YAML at the head of a card, by which the Hugging Face Hub files a model: only what is known.

https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artifactbuild.manifest.writing import flow


def front_matter(made: Mapping[str, Any]) -> str:
    """Return the front matter of a record, with its fences."""
    lines = [f"{key}: {flow(value)}" for key, value in _known(made).items() if value]
    return "\n".join(["---", *lines, "---"])


def _known(made: Mapping[str, Any]) -> dict[str, Any]:
    about = made["about"]
    return {
        "language": about.get("language"),
        "library_name": _library(made),
        "license": about.get("license"),
        "metrics": list(dict.fromkeys(measure["metric"] for measure in made["measures"])),
        "model-index": _index(made),
        "pipeline_tag": about.get("task"),
        "tags": list(dict.fromkeys([*about.get("tags", ()), made["format"], "tensorflow"])),
    }


def _library(made: Mapping[str, Any]) -> str:
    """Return what loads the artifact: Keras where it gives a model back, else the format's own."""
    gives_model = any(loader["restores"] for loader in made["loaders"])
    return "keras" if gives_model else str(made["format"])


def _index(made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the measured metrics; the Hub takes none without a task, and no data set unnamed."""
    task = made["about"].get("task")
    first = {(m["metric"], m["output"]): m for m in reversed(made["measures"])}
    if not first or not task:
        return []
    examples = made["measures"][0]["examples"]
    several = len({output for _, output in first}) > 1
    metrics = [
        {
            "type": metric,
            "value": measure["value"],
            "name": f"{metric} of {output}" if several else metric,
        }
        for (metric, output), measure in sorted(first.items())
    ]
    dataset = {"name": f"evaluation set of {examples} examples", "type": "evaluation"}
    return [
        {
            "name": made["model_name"],
            "results": [{"task": {"type": task}, "dataset": dataset, "metrics": metrics}],
        }
    ]
