"""The hints that no test applies, each with the reason why it cannot be applied there."""

from __future__ import annotations

from collections.abc import Mapping

PACKAGE = "installs a package: tests install nothing, and the same hint is right for any of them"
DISK = "needs a disk that is full or breaks; tests/crash says what is left then"
FOREIGN = "of an artifact from elsewhere: what lets it through is a decision, not a repair"
UNCONFINED = "needs a machine where a builder cannot be kept from writing"
ELSEWHERE = "said on a system or by a Python that the tests do not run on: test_supported.py"
MEANWHILE = "somebody edits a file while a build runs: there is nothing to repair, only to repeat"
SAME = "the same place gives `… allows …` for a rule of the manifest, which a test applies"
ONCE = "the repair is in code that the hint cannot know: tests show that it is said, no more"

LEFT: Mapping[str, str] = {
    "run `pip install 'artifactbuild[onnx]'`": PACKAGE,
    "run `pip install 'artifactbuild[sign]'`": PACKAGE,
    "run `pip install -U 'keras>=3.12.4,<3.13'`": PACKAGE,
    "run `pip install -U 'keras>=3.15.1'`": PACKAGE,
    "run `pip install 'tensorflow{}'`": PACKAGE,
    "run `{} -m pip install --force-reinstall {}`": PACKAGE,
    "take {} out of PYTHONPATH, or run `{} -m pip install --force-reinstall {}`": PACKAGE,
    "install the package bubblewrap (`apt-get install bubblewrap`, `dnf install bubblewrap`), or "
    "add `--no-sandbox` to go on without it": PACKAGE,
    "look after the disk, then run the same command again: what is published stays as it is": DISK,
    "make room, then run the same command again: what is published stays as it is": DISK,
    "look at what is there, make room for it, and run the same command again": DISK,
    "set TMPDIR to a folder that has room for the artifact": DISK,
    "a model that needs it is let through by `--allow-op {}`": FOREIGN,
    "declare it under `custom_objects:` of the manifest, if it is the model's own": FOREIGN,
    "only a manifest that says `allow_lambda: true` lets it through": FOREIGN,
    "only the functions that TensorFlow saves and restores by hold it": FOREIGN,
    "write to a folder of `tempfile.mkdtemp()`, or open the file for reading alone": UNCONFINED,
    "write to a folder of tempfile.mkdtemp()": UNCONFINED,
    "code that runs when the artifact is loaded must not write into its folder": UNCONFINED,
    "make the virtual environment with one of these, `python{} -m venv .venv`, and install into "
    "it": ELSEWHERE,
    "run it in a Linux container or virtual machine": ELSEWHERE,
    "run it in WSL 2, or in a Linux container or virtual machine": ELSEWHERE,
    "run the same command again, and leave the file alone until it ends": MEANWHILE,
    "{} shows it again; the default allows {} + {} × |expected|, `tolerance:` of the format "
    "another": SAME,
    "the factory gives another model each time, or reads what the lock does not list": ONCE,
    "compile with the optimizer that the weights were trained with": ONCE,
    "several kinds of inputs were tried; give the model its weights in the factory, or make it "
    "heed its inputs": ONCE,
}
