"""The card of a real build: the Hub reads it, it is rendered again alike, and its Python runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.release import record
from artifactbuild.release.card import render_file
from artifactbuild.resources import templates

MODEL = Path(__file__).parents[2] / "manifests" / "my_model"
FORMATS = "savedmodel: {}, keras: {}, h5: {}, weights: {}, weights_h5: {}, tflite: {}, onnx: {}"

RUN = """
import os, re, sys
import numpy as np

ran = 0
for folder in sys.argv[1:]:
    os.chdir(folder)
    text = open("MODEL_CARD.md", encoding="utf-8").read()
    reference = np.load("reference.npz")
    inputs = {"features": reference["ramp/inputs/features"]}
    expected = reference["ramp/eager/output"]
    for code in re.findall(r"^```python\\n(.*?)\\n```$", text, re.DOTALL | re.MULTILINE):
        found = {"__name__": "__main__"}
        exec(code, found)
        answer = found["predict"](inputs)
        answer = answer["output"] if isinstance(answer, dict) else answer
        np.testing.assert_allclose(np.asarray(answer), expected, atol=1e-5, rtol=1e-5)
        ran += 1
print(ran)
"""


@pytest.fixture
def artifacts(
    copied: Callable[[Path], Path], build: Callable[[Path], Outcome], project: Path
) -> dict[str, Path]:
    """Build the walk-through model in every format, without the proof of training."""
    manifest = copied(MODEL)
    text = manifest.read_text(encoding="utf-8")
    before, _, rest = text.partition("formats:\n")
    _, _, after = rest.partition("input_signature:")
    formats = f"formats: {{{FORMATS}}}\nvalidation: {{resume_steps: 0}}\ninput_signature:"
    manifest.write_text(before + formats + after, encoding="utf-8")
    return {result.format: project / result.folder for result in build(manifest).results}


def test_card_is_one_of_the_hub_and_every_snippet_in_it_runs(
    artifacts: dict[str, Path], project: Path
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="pip install huggingface_hub")
    snippets = 0
    for format, folder in artifacts.items():
        text = (folder / record.CARD).read_text(encoding="utf-8")
        assert render_file(folder / record.FILE, templates() / "MODEL_CARD.md.j2") == text
        made = record.read(folder)
        assert hub.ModelCard(text).data.tags == list(dict.fromkeys([format, "tensorflow"]))
        assert text.count("```python\n") == len(made.loaders)
        assert text.count("```mermaid\n") == 1
        assert "\n\n\n" not in text.replace("\n\n\ndef ", "")
        snippets += len(made.loaders)
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, artifacts.values())],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(project / "my_model"), "CUDA_VISIBLE_DEVICES": "-1"},
    )
    assert (ran.stdout.strip(), ran.returncode) == (str(snippets), 0), ran.stderr[-2000:]
