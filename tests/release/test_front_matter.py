"""What the Hugging Face Hub reads of a card, held against the Hub's own library."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from artifactbuild.release.front_matter import front_matter

huggingface_hub = pytest.importorskip("huggingface_hub", reason="pip install huggingface_hub")

MEASURE = {"loader": "keras", "metric": "accuracy", "output": "digit", "model": 0.9806}


def record(**known: Any) -> dict[str, Any]:
    plain = {
        "about": {},
        "format": "keras",
        "loaders": [{"restores": ["weight"]}],
        "measures": [],
        "model_name": "digits",
    }
    return {**plain, **known}


def parsed(made: dict[str, Any]) -> Any:
    return huggingface_hub.ModelCard(front_matter(made) + "\n\n# a card\n").data


def test_nothing_is_said_but_what_is_known() -> None:
    assert front_matter(record()) == ("---\nlibrary_name: keras\ntags: [keras, tensorflow]\n---")
    assert parsed(record()).to_dict() == {
        "library_name": "keras",
        "tags": ["keras", "tensorflow"],
    }


@pytest.mark.parametrize(
    ("format", "restores", "library"),
    [
        ("savedmodel", ["weight"], "keras"),
        ("weights", ["weight"], "keras"),
        ("tflite", [], "tflite"),
        ("onnx", [], "onnx"),
    ],
)
def test_library_is_keras_where_keras_gets_a_model_back(
    format: str, restores: list[str], library: str
) -> None:
    made = record(format=format, loaders=[{"restores": restores}, {"restores": []}])
    assert parsed(made).library_name == library


def test_what_the_author_says_and_what_was_measured_reach_the_hub() -> None:
    about = {
        "license": "apache-2.0",
        "language": ["en", "no"],
        "task": "image-classification",
        "tags": ["digits", "a: b # c", "yes"],
    }
    measures = [
        {**MEASURE, "value": 0.975, "examples": 360},
        {**MEASURE, "value": 0.9, "examples": 360, "loader": "other"},
    ]
    data = parsed(record(about=about, measures=measures))
    assert (data.license, data.language, data.pipeline_tag) == (
        "apache-2.0",
        ["en", "no"],
        "image-classification",
    )
    assert data.tags == ["digits", "a: b # c", "yes", "keras", "tensorflow"]
    assert data.metrics == ["accuracy"]
    (result,) = data.eval_results
    assert (result.task_type, result.metric_type, result.metric_value) == (
        "image-classification",
        "accuracy",
        0.975,
    )
    assert (result.dataset_type, result.dataset_name) == (
        "evaluation",
        "evaluation set of 360 examples",
    )


def test_measured_outputs_are_told_apart_by_name() -> None:
    measures = [
        {**MEASURE, "value": 0.5, "examples": 8},
        {**MEASURE, "value": 0.25, "examples": 8, "output": "other"},
    ]
    made = record(about={"task": "image-classification"}, measures=measures)
    names = {each.metric_name: each.metric_value for each in parsed(made).eval_results}
    assert names == {"accuracy of digit": 0.5, "accuracy of other": 0.25}


def test_without_a_task_there_is_no_model_index_which_the_hub_would_refuse() -> None:
    made = record(measures=[{**MEASURE, "value": 0.5, "examples": 8}])
    found = yaml.safe_load(front_matter(made).strip("-"))
    assert found["metrics"] == ["accuracy"]
    assert "model-index" not in found
