"""Six networks of keras.applications through every format: proven or refused, and how fast.

    python tests/benchmarks/applications.py [NAME ...]

Prints a Markdown table; a number is the largest difference from the reference. Takes minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from artifactbuild import pipeline
from artifactbuild.job import job
from artifactbuild.manifest.load import load
from artifactbuild.manifest.schema import format_names
from artifactbuild.problems import Refusal
from artifactbuild.release import record
from artifactbuild.worker.server import Server

NETWORKS = {
    "MobileNetV2": 96,
    "MobileNetV3Small": 96,
    "EfficientNetB0": 96,
    "ResNet50": 64,
    "ConvNeXtTiny": 64,
    "NASNetMobile": 64,
}

FACTORY = '''
import keras


def make_model(network, size):
    """Return a network without trained weights, whose statistics fit its own activations."""
    model = getattr(keras.applications, network)(
        weights=None, input_shape=(size, size, 3), classes=10
    )
    images = keras.random.uniform((8, size, size, 3), 0, 255, seed=1)
    norms = [l for l in model._flatten_layers() if isinstance(l, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    return model
'''

MANIFEST = """\
schema_version: 1
name: {name}
version: v1
factory: model:make_model
kwargs: {{network: {network}, size: {size}}}
input_signature:
  - {{name: image, shape: [null, {size}, {size}, 3], dtype: float32}}
reference_inputs:
  - name: noise
    image: {{uniform: [0, 255], shape: [4, {size}, {size}, 3]}}
validation: {{tolerance: {{atol: 1.0e-4, rtol: 1.0e-3}}}}
formats: {{{formats}}}
"""


def main(networks: list[str]) -> None:
    """Prove each network and print a row for it."""
    names = format_names()
    print(f"| network | {' | '.join(names)} | seconds |")
    print(f"| --- | {' | '.join('---' for _ in names)} | ---: |")
    reasons: list[str] = []
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for network in networks:
            start = time.monotonic()
            cells = proved(network, Path(folder), server, reasons)
            seconds = time.monotonic() - start
            row = " | ".join(cells[name] for name in names)
            print(f"| {network} | {row} | {seconds:.0f} |", flush=True)
    print(*reasons, sep="\n")


def proved(network: str, folder: Path, server: Server, reasons: list[str]) -> dict[str, str]:
    """Ask for all formats, and again without those that are refused."""
    manifest = folder / network.lower() / "model.artifact.yaml"
    manifest.parent.mkdir()
    (manifest.parent / "model.py").write_text(FACTORY, encoding="utf-8")
    cells: dict[str, str] = {}
    wanted = list(format_names())
    while wanted:
        text = MANIFEST.format(
            name=network.lower(),
            network=network,
            size=NETWORKS[network],
            formats=", ".join(f"{name}: {{}}" for name in wanted),
        )
        manifest.write_text(text, encoding="utf-8")
        try:
            outcome = pipeline.build(job(load(manifest), None), server, lambda text: None).outcome
        except Refusal as refusal:
            refused = {p.message.split()[0] for p in refusal.problems} & set(wanted) or set(wanted)
            reasons += [f"- {network}: {problem.message}" for problem in refusal.problems]
            cells |= dict.fromkeys(refused, "refused")
            wanted = [name for name in wanted if name not in refused]
        else:
            return cells | {r.format: _figure(Path(r.folder)) for r in outcome.results}
    return cells


def _figure(folder: Path) -> str:
    checks = [c for c in record.read(folder).checks if c.loader != "model"]
    worst = max(check.max_abs or 0.0 for check in checks)
    return f"{worst:.1g}"


if __name__ == "__main__":
    main(sys.argv[1:] or list(NETWORKS))
