"""Released projects that the tests of relock share, and edits of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MANIFEST = """\
schema_version: 1
name: {name}
version: v1
factory: shared:make_model
formats: [{formats}]
reference_inputs:
  - name: rows
    x: {{normal: true, shape: [8, 4]}}
"""
SHARED = '''\
"""A plain model that several manifests build."""

import keras


def make_model(units: int = 2) -> keras.Model:
    """Return a model (batch, 4) float32 -> (batch, units) float32."""
    inputs = keras.Input((4,), name="x")
    outputs = keras.layers.Dense(units, name="y")(inputs)
    model = keras.Model(inputs, outputs, name="dense")
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return model
'''


def lay(project: Path, name: str, formats: str) -> Path:
    """Write a manifest whose factory lies beside `pyproject.toml`; return its path."""
    (project / "pyproject.toml").touch()
    (project / "shared.py").write_text(SHARED)
    folder = project / "manifests" / name
    folder.mkdir(parents=True)
    manifest = folder / "model.artifact.yaml"
    manifest.write_text(MANIFEST.format(name=name, formats=formats))
    return manifest


def edit(file: str | Path, before: str, after: str) -> None:
    path = Path(file)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def rename_a_local(file: str = "shared.py") -> None:
    """Edit code so that it does the same."""
    edit(file, "outputs", "answers")


def change_the_model(file: str = "shared.py") -> None:
    edit(file, 'units, name="y")', 'units, name="y", bias_initializer="ones")')


def locks() -> dict[str, dict[str, Any]]:
    """Return every lock as plain data, by its manifest's folder."""
    return {
        path.parent.name: json.loads(path.read_text())
        for path in sorted(Path("manifests").glob("*/model.artifact.lock"))
    }


def texts() -> dict[str, str]:
    """Return the text of every lock without its section `inputs`, which must stand twice."""
    found = {}
    for path in sorted(Path("manifests").glob("*/model.artifact.lock")):
        head, _, rest = path.read_text().partition('\n  "inputs": {\n')
        inputs, end, tail = rest.partition("\n  },\n")
        assert inputs
        assert end
        found[path.parent.name] = head + tail
    return found


def rewrite(lock: Path, **changes: Any) -> None:
    """Change keys of a lock by hand; None removes one."""
    from artifactbuild.data import decode
    from artifactbuild.release.lock import Lock, text

    data = {**json.loads(lock.read_text()), **changes}
    kept = {key: value for key, value in data.items() if value is not None}
    lock.write_text(text(decode(Lock, kept)))
