"""A factory that lets Keras run bytecode does so for its own process alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.data import decode
from artifactbuild.manifest.model import Tensor
from artifactbuild.problems import Refusal
from artifactbuild.release.record import Loader
from artifactbuild.worker.messages import ValidateReport, ValidateRequest
from artifactbuild.worker.server import Server

SAMPLE = Path(__file__).parents[1] / "samples" / "dense"

DISARMS = """
import keras

def make_model():
    keras.config.enable_unsafe_deserialization()
    armed = keras.src.saving.serialization_lib.in_safe_mode()
    raise RuntimeError(f"safe mode in the builder: {armed}")
"""

ASKS = """
import keras
armed = keras.src.saving.serialization_lib.in_safe_mode()
raise RuntimeError(f"safe mode in the validator: {armed}")
"""


def test_factory_does_not_disarm_the_validators(
    copied: Callable[[Path], Path],
    build: Callable[[Path], object],
    server: Server,
    tmp_path: Path,
) -> None:
    manifest = copied(SAMPLE)
    (manifest.parent / "model.py").write_text(DISARMS)
    with pytest.raises(Refusal, match="safe mode in the builder: False"):
        build(manifest)
    loader = Loader(name="asks", summary="", code=ASKS, against="eager")
    request = ValidateRequest(
        folder=str(tmp_path),
        loader=loader,
        search_path=(),
        inputs=(Tensor(name="x", shape=(None, 4), dtype="float32"),),
        outputs=(),
        structure="x",
        stateful=False,
        rules={},
        seen=(),
        steps=0,
        resumed=(),
        evaluation=None,
        failure=str(tmp_path / "tensors.npz"),
    )
    reference = Path(__file__).parents[1] / "release/records/v1/published/h5/v1/reference.npz"
    (tmp_path / "reference.npz").write_bytes(reference.read_bytes())
    report = decode(ValidateReport, server.run("validate", request, tmp_path / "log"))
    (check,) = report.checks
    assert check.detail == "loading raised RuntimeError: safe mode in the validator: None"
