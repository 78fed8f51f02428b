"""Manifests written for people, and what the strict reader makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from artifactbuild.manifest import schema
from artifactbuild.manifest.text import read
from artifactbuild.manifest.writing import Remarks, create, flow, text
from artifactbuild.problems import Refusal

ODD = [
    "",
    "plain",
    "two words",
    "a: b",
    "ends:",
    "# no remark",
    "- no list",
    "true",
    "No",
    "off",
    "null",
    "1.10",
    "1:30",
    "yes, [and] {more}",
    "quote \" and ' both",
    "back\\slash",
    "line\nbreak",
    "tab\t",
    "naïve ☕ 漢字",
    "hidden \u200b space",
    "*alias",
    "&anchor",
    "!tag",
    " spaces ",
]


@pytest.mark.parametrize(
    "value",
    [*ODD, 0, -1, 1.5, 1e-5, True, None, [], {}, [1, [2.0, "x"]], {"a": {"b": [None]}}],
    ids=repr,
)
def test_data_written_in_flow_is_read_back(value: Any) -> None:
    document = read(f"key: {flow(value)}\nlist: {flow([value, value])}\n".encode(), "file")
    invisible = isinstance(value, str) and "\u200b" in value
    assert bool(document.problems) is invisible
    if not invisible:
        assert document.data == {"key": value, "list": [value, value]}


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_string_is_one_to_readers_of_yaml_1_1_too(value: str) -> None:
    assert yaml.safe_load(f"key: {flow([value])}") == {"key": [value]}


def test_letters_of_any_script_stay_readable() -> None:
    assert flow(["naïve ☕", "漢字"]) == '["naïve ☕", "漢字"]'


def test_every_key_has_the_words_of_the_reference_above_it() -> None:
    data = {
        "schema_version": 1,
        "name": "shop",
        "version": "v1",
        "factory": "model:make_model",
        "formats": {"keras": {}},
        "reference_inputs": [{"name": "rows", "x": {"normal": True, "shape": [8, 4]}}],
    }
    remarks = Remarks(left_out={"h5": "h5 cannot"}, inputs={"x": "a guess"})
    written = text(data, remarks)
    document = read(written.encode(), "file")
    assert (document.problems, schema.check(document)) == ((), ())
    assert document.data == data
    assert written == GOLDEN


GOLDEN = """\
# the language of this file; 1 is the only one
schema_version: 1

# the model's name, the first folder of its published path
name: shop

# the model's version, the last folder of its published path: 1, v1 or a semantic version
version: v1

# module:function that returns the Keras model; the module is found from the manifest's folder,
# then the project root, then the installed packages
factory: model:make_model

# the formats to build: a mapping of names to options, or a list of names
formats:
  # the .keras archive, for Keras with the custom objects at hand
  keras: {}
  # left out: h5 cannot

# fixed inputs whose outputs every published artifact must reproduce
reference_inputs:
  # x: a guess
  - name: rows
    x: {normal: true, shape: [8, 4]}

# keys that are left out here: kwargs, seed, processor, weights, custom_objects, allow_lambda,
# stochastic, signatures, assets, evaluate, input_signature, validation, metadata, card
"""


def test_long_literal_rows_stand_one_on_a_line() -> None:
    rows = [[f"word number {row} of many"] for row in range(5)]
    data = {"reference_inputs": [{"name": "rows", "x": {"values": rows}}]}
    document = read(text(data, Remarks()).encode(), "file")
    assert document.data == data
    assert '        - ["word number 0 of many"]\n' not in document.text
    assert "        - [word number 0 of many]\n" in document.text


def test_file_is_created_whole_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "model.artifact.yaml"
    create(path, b"first\n")
    with pytest.raises(Refusal) as refused:
        create(path, b"second\n")
    assert str(refused.value) == f"{path}: appeared meanwhile; it stays"
    assert path.read_bytes() == b"first\n"
    assert [each.name for each in tmp_path.iterdir()] == ["model.artifact.yaml"]
