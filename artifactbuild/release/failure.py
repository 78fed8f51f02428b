"""What a failed build leaves behind: a script for each failed check that shows it again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from artifactbuild.release.record import Loader

_PRELUDE = '''\
"""Shows the failed check again: run it with the Python that has TensorFlow."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.normpath(os.path.join(HERE, path)) for path in {paths!r}]
os.chdir(os.path.join(HERE, {format!r}))

'''

_COMPARISON = """

import numpy as np

reference = np.load("reference.npz")
for case in sorted({{key.split("/")[0] for key in reference.files}}):
    prefix = f"{{case}}/inputs/"
    inputs = {{k[len(prefix) :]: reference[k] for k in reference.files if k.startswith(prefix)}}
    found = predict(inputs)
    expected = {{k: reference[k] for k in reference.files if k.startswith(f"{{case}}/{against}/")}}
    values = list(found.values()) if isinstance(found, dict) else [found]
    for (key, wanted), value in zip(sorted(expected.items()), values):
        print(key, "largest difference", np.abs(np.asarray(value) - wanted).max())
"""


def write_script(
    staged: Path, kept: Path, format: str, loader: Loader, search_path: Sequence[Path]
) -> str:
    """Write the script for one loader beside the staged format; return its name.

    It will be run in `kept`, where what was staged is moved.
    """
    name = f"reproduce_{format}_{loader.name}.py"
    paths = [os.path.relpath(path, kept) for path in search_path] if loader.sources else []
    text = (
        _PRELUDE.format(paths=paths, format=format)
        + loader.code
        + _COMPARISON.format(against=loader.against)
    )
    (staged / name).write_text(text, encoding="utf-8")
    return name
