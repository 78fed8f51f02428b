"""What canonical bytes cost for ResNet50: seconds of saving, and of what is done after it.

    python -m tests.benchmarks.canonical_cost [NETWORK [SIZE [FORMAT,FORMAT…]]]

Prints a Markdown table of CPU time, in one process; HDF5 files, checkpoints and TFLite need
nothing. Takes a minute or two.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from artifactbuild.data import encode
from artifactbuild.manifest import schema
from artifactbuild.worker import build
from artifactbuild.worker.canonical import archive, opgraph, savedmodel
from artifactbuild.worker.formats import FORMATS
from artifactbuild.worker.messages import BuildRequest
from tests.worker.canonical.saving import Nobody

FACTORY = """\
import keras


def make_model(network, size):
    return getattr(keras.applications, network)(
        weights=None, input_shape=(size, size, 3), classes=10
    )
"""

Spent = dict[str, float]


@contextmanager
def timed(spent: Spent, name: str) -> Iterator[None]:
    """Add the CPU time of a block to what was spent under a name."""
    start = time.process_time()
    yield
    spent[name] = spent.get(name, 0.0) + time.process_time() - start


def timing(spent: Spent, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with its CPU time added to what was spent under a name."""

    def called(*arguments: Any) -> Any:
        with timed(spent, name):
            return function(*arguments)

    return called


def measure(network: str, size: int, formats: tuple[str, ...]) -> tuple[Spent, Spent]:
    """Build once; return what each format's writer took, and what of it was the canonical form."""
    whole: Spent = {}
    canonical: Spent = {}
    savedmodel.rewrite = timing(canonical, "savedmodel", savedmodel.rewrite)
    archive.rewrite = timing(canonical, "keras", archive.rewrite)
    archive.canonical_config = timing(canonical, "savedmodel", archive.canonical_config)
    opgraph.canonical = timing(canonical, "onnx", opgraph.canonical)
    for name, format in FORMATS.items():
        setattr(format, "write", timing(whole, name, format.write))  # noqa: B010, a module
    with tempfile.TemporaryDirectory() as folder:
        asked = request(Path(folder), network, size, formats)
        report = build.run(encode(asked), Nobody())
    assert report.findings == (), report.findings
    return whole, canonical


def request(folder: Path, network: str, size: int, formats: tuple[str, ...]) -> BuildRequest:
    """Lay out a project with the network; ask for the formats of it."""
    (folder / "model.py").write_text(FACTORY, encoding="utf-8")
    for name in formats:
        (folder / "staged" / name).mkdir(parents=True)
    shape = [None, size, size, 3]
    said = {
        "schema_version": 1,
        "name": "network",
        "version": "v1",
        "factory": "model:make_model",
        "kwargs": {"network": network, "size": size},
        "input_signature": [{"name": "image", "shape": shape, "dtype": "float32"}],
        "reference_inputs": [
            {"name": "rows", "image": {"uniform": [0, 255], "shape": [2, *shape[1:]]}}
        ],
        "validation": {"tolerance": {"atol": 0.001, "rtol": 0.001}},
        "formats": {name: {} for name in formats},
    }
    return BuildRequest(
        manifest=schema.defaults(said),
        project=str(folder),
        folder=str(folder),
        formats=formats,
        staging=str(folder / "staged"),
        ignored=(),
    )


def main(network: str = "ResNet50", size: str = "64", formats: str = ",".join(FORMATS)) -> None:
    """Print the table."""
    names = tuple(formats.split(","))
    whole, canonical = measure(network, int(size), names)
    print(f"| {network}, {size}×{size} | save, s | canonical form, s | of the save |")
    print("| --- | --- | --- | --- |")
    for name in names:
        extra = canonical.get(name, 0.0)
        save = whole[name] - extra
        print(f"| {name} | {save:.2f} | {extra:.2f} | {extra / save:.0%} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
