"""The environment is an input: versions, machine and pins, told where they differ."""

from __future__ import annotations

from artifactbuild.release.environment import drift, here
from artifactbuild.worker.settings import PINNED, RECORDED


def test_pins_that_change_numbers_are_recorded() -> None:
    found = here(RECORDED)
    assert {name: found[name] for name in RECORDED} == {
        "onednn": "on",
        "op_determinism": "on",
        "threads": "2",
    }
    assert PINNED["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert PINNED["TF_DETERMINISTIC_OPS"] == "1"
    threads = ("OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")
    assert {PINNED[name] for name in threads} == {RECORDED["threads"]}


def test_libraries_are_those_of_the_formats() -> None:
    assert "onnx" not in here(RECORDED, ["h5", "tflite"])
    assert {"onnx", "onnxruntime", "tf2onnx"} <= set(here(RECORDED, ["onnx"]))
    assert "flatbuffers" in here(RECORDED, ["tflite"])


def test_drift_names_what_both_have_and_differs() -> None:
    before = {"onnx": "1.23.2", "tensorflow": "2.21.0", "threads": "4"}
    now = {"flatbuffers": "25.12", "tensorflow": "2.22.0", "threads": "2"}
    assert drift(before, now) == ("tensorflow 2.21.0 → 2.22.0", "threads 4 → 2")
