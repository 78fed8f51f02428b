"""Whether files are the same bytes on another processor: here, and under qemu's emulation of one.

    python -m tests.benchmarks.other_processor [--cpu MODEL] [--keep FOLDER] [NAME ...]

Converts `digits` and models of `tests/kinds` in this process' own child, and once more under
`qemu-x86_64 -cpu MODEL` (Debian's `qemu-user`). Prints a Markdown table: a row for each model, for
each file whether both are the same. Takes about two minutes for each model and processor.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from artifactbuild.worker import settings

ROOT = Path(__file__).parents[2]
QUANTIZATIONS = ("none", "float16", "dynamic", "int8")
FILES = {
    "onnx": ("onnx", {"opset": 17}),
    **{f"tflite {each}": ("tflite", {"quantization": each}) for each in QUANTIZATIONS},
    "savedmodel": ("savedmodel", {}),
    "keras": ("keras", {}),
}
"""What is written: the format, and its options."""

NAMES = (
    *("digits", "batch_normalization", "layer_normalization", "conv2d", "multi_head_attention"),
    *("transformer", "lstm", "group_normalization", "ops_exp"),
)

Digests = dict[str, dict[str, str]]


def main() -> None:
    """Convert natively and emulated, and print where the files differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--cpu", default="Haswell-v4", help="see `qemu-x86_64 -cpu help`")
    parser.add_argument("--keep", type=Path, help="keep the files in this folder")
    parser.add_argument("--convert", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.convert:
        _convert(given.names, given.keep)
        return
    with tempfile.TemporaryDirectory() as place:
        keep = given.keep or Path(place)
        here = _run([], given.names, keep / "here")
        there = _run(["qemu-x86_64", "-cpu", given.cpu], given.names, keep / given.cpu)
    print("\n".join(table(given.names, here, there)))


def table(names: Sequence[str], here: Digests, there: Digests) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| model | {' | '.join(FILES)} |"
    yield "| --- " * (len(FILES) + 1) + "|"
    for name in names:
        cells = (_compared(here[name][file], there[name][file]) for file in FILES)
        yield f"| {name} | {' | '.join(cells)} |"


def _compared(here: str, there: str) -> str:
    if here != there:
        return "**differs**"
    return "–" if here.startswith("not made") else "same"


def _run(emulated: Sequence[str], names: Sequence[str], keep: Path) -> Digests:
    """Convert in a new process, pinned as workers are."""
    command = [*emulated, sys.executable, "-m", "tests.benchmarks.other_processor", "--convert"]
    environment = {**os.environ, **settings.PINNED, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--keep", str(keep), *names],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    found: Digests = json.loads(done.stdout)
    return found


def _convert(names: Sequence[str], keep: Path) -> None:
    """Write every file of every model; print their digests."""
    out = os.dup(1)
    os.dup2(2, 1)  # TensorFlow prints where it likes
    digests = {name: _digests(name, keep / name) for name in names}
    os.write(out, json.dumps(digests).encode())


def _digests(name: str, keep: Path) -> dict[str, str]:
    from artifactbuild.worker.formats import FORMATS

    subject = _digits() if name == "digits" else _kind(name)
    found = {}
    for file, (format, options) in FILES.items():
        folder = keep / file.replace(" ", "_")
        folder.mkdir(parents=True)
        try:
            if refusal := FORMATS[format].refusal(subject, options):
                found[file] = f"not made: {refusal}"
                continue
            FORMATS[format].write(subject, options, folder)
        except Exception:  # noqa: BLE001, whatever a converter raises
            traceback.print_exc()
            found[file] = "not made: see above"
            continue
        found[file] = _digest(folder)
        print(name, file, found[file], flush=True)
    return found


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digits() -> Any:
    """Return the model of `manifests/digits` as its builder sees it."""
    from artifactbuild.manifest.load import load

    loaded = load(ROOT / "manifests" / "digits" / "model.artifact.yaml")
    return _subject(loaded.document.data, loaded.path.parent)


def _kind(name: str) -> Any:
    """Return a model of `tests/kinds`, with weights that need no kernel to be drawn."""
    from tests.kinds import table as kinds

    kind = next(each for each in kinds.KINDS if each.name == name)
    case = {"name": "rows"} | {i.name: i.reference(n) for n, i in enumerate(kind.inputs)}
    data = {
        "schema_version": 1,
        "name": name,
        "version": "v1",
        "seed": 1,
        "factory": f"{kind.module}:make_{name}",
        "custom_objects": list(kind.custom_objects),
        "formats": {"tflite": {}},
        "input_signature": [
            {"name": i.name, "shape": list(i.shape), "dtype": i.dtype} for i in kind.inputs
        ],
        "reference_inputs": [case],
    }
    return _subject(data, ROOT / "tests" / "kinds", exact=True)


def _subject(data: dict[str, Any], folder: Path, *, exact: bool = False) -> Any:
    from artifactbuild.manifest.model import Manifest
    from artifactbuild.worker import build, runtime, source, state

    manifest = Manifest.from_data(data)
    runtime.pin(manifest.seed, str(folder), [str(folder), str(ROOT)])
    objects = source.custom_objects(manifest, folder)
    model = source.make(manifest, folder)
    signature, given = build.interface(model, manifest, folder, folder)
    if manifest.weights is not None:
        source.load_weights(model, manifest, folder, folder)
    if exact:
        _set_weights(model)
    state.complete(model)
    subject, *_ = build.work_out(
        model, manifest, signature, objects, given, folder, data, unbuilt=False
    )
    return subject


def _set_weights(model: Any) -> None:
    """Give every float weight numbers of all 24 bits, positive ones to variances."""
    import numpy as np

    source = np.random.default_rng(7)
    for variable in model.weights:
        if variable.dtype == "float32":
            values = source.integers(-(2**23), 2**23, variable.shape) / 2**24
            variable.assign(np.abs(values) + 0.1 if "variance" in variable.path else values)


if __name__ == "__main__":
    main()
