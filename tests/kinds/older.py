"""What Keras before 3.15 does otherwise: Python 3.10 gets no later one than 3.12.

`expected.json` says what Keras does since 3.15. Here stands each difference, with what is said of
it: nothing is left out for an older Keras.
"""

from __future__ import annotations

from collections.abc import Mapping

from artifactbuild.manifest.schema import format_names
from tests.kinds.prove import EXACT, Verdict
from tests.release.kept import IS_KERAS_OLDER

BROKEN = "broken: "
"""In front of words of the error that Keras fails with, in its own code."""

_SHAPE = "expected axis -1 of input shape to have value 1, but received input with shape (32, 4)"
_MUON = "'ResourceVariable' object has no attribute 'path'"

DIFFERENT: Mapping[str, Mapping[str, str]] = {
    "attention": {"h5": EXACT},
    "discretization": dict.fromkeys(format_names(), f"{BROKEN}{_SHAPE}"),
    "tf_idf": {
        "keras": f"{BROKEN}object of type 'bool' has no len()",
        "savedmodel": f"{BROKEN}'StringLookup' object has no attribute 'idf_weights'",
    },
    "trained_muon": dict.fromkeys(format_names(), f"{BROKEN}{_MUON}"),
}
"""By kind and format. Keras 3.12 forgets the shape that one-hot `Discretization` has, loses the
weights of TF-IDF, and its `Muon` trains nothing; its `Attention` is loaded from HDF5 again."""


def wanted(name: str, newer: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is expected of a kind with the Keras that is here."""
    return {**newer, **DIFFERENT[name]} if IS_KERAS_OLDER and name in DIFFERENT else newer


def is_broken(wanted: str, verdict: Verdict) -> bool:
    """Tell whether a verdict is the error of Keras' own that was expected."""
    words = wanted.removeprefix(BROKEN)
    return wanted != words and any(words in fault for fault in verdict.faults)
