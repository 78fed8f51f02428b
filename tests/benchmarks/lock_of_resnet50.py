"""The lock of ResNet50: how large it is, and what one changed layer touches.

`python tests/benchmarks/lock_of_resnet50.py` builds it, then again with another activation in
one of its layers, and prints the size of the lock and its `git diff`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

MODEL = """\
import keras


def make_model(activation: str = "relu") -> keras.Model:
    model = keras.applications.ResNet50(
        weights=None, input_tensor=keras.Input((224, 224, 3), name="image")
    )

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if layer.name == "conv3_block2_2_relu":
            config["activation"] = activation
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=clone)
"""

MANIFEST = """\
schema_version: 1
name: resnet50
version: v1
factory: model:make_model
kwargs: {activation: relu}
formats: [keras]
reference_inputs:
  - name: noise
    image: {normal: true, shape: [2, 224, 224, 3]}
"""


def main() -> None:
    """Build twice and print what the lock says."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("model.py").write_text(MODEL)
        manifest, lock = Path("model.artifact.yaml"), Path("model.artifact.lock")
        manifest.write_text(MANIFEST)
        _git("init", "-q")
        _build()
        text = lock.read_text()
        layers = json.loads(text)["layers"]
        print(f"{len(text.encode())} bytes, {text.count(chr(10))} lines, {len(layers)} layers")
        _git("add", "-A")
        _git("-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "v1")
        manifest.write_text(MANIFEST.replace(": v1", ": v2").replace(": relu", ": gelu"))
        _build()
        print(_git("diff", "-U0", "--", "model.artifact.lock"))


def _build() -> None:
    subprocess.run([sys.executable, "-m", "artifactbuild", "build"], check=True)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
