"""TensorFlow and Keras, imported in less time.

A third of TensorFlow's import is the garbage collector's, and a fifth is scikit-learn, which Keras
imports where it is installed, for `keras.wrappers` alone. Here the wrappers wait until somebody
asks for them.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

WRAPPERS = "wrappers"
_HELD_BACK = "sklearn"
_FAMILY = "keras"


@contextmanager
def quick() -> Iterator[None]:
    """Import without the collector and scikit-learn; what was imported is collected no more."""
    gc.disable()
    held_back = _HELD_BACK not in sys.modules
    if held_back:
        sys.modules[_HELD_BACK] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if held_back:
            del sys.modules[_HELD_BACK]
            _forget_wrappers()
        gc.enable()
        gc.freeze()


def _forget_wrappers() -> None:
    """Take out what Keras made of its wrappers without scikit-learn; whoever asks gets them whole.

    They are re-exported by several packages, each of which must ask anew.
    """
    for name in [name for name in sys.modules if _is_of_wrappers(name)]:
        parent, _, own = name.rpartition(".")
        del sys.modules[name]
        if own == WRAPPERS:
            _ask_later(sys.modules[parent])


def _is_of_wrappers(name: str) -> bool:
    first, *rest = name.split(".")
    return first == _FAMILY and WRAPPERS in rest


def _ask_later(package: ModuleType) -> None:
    """Make a package import its wrappers when they are asked for (PEP 562)."""
    known = vars(package).pop("__getattr__", None)
    vars(package).pop(WRAPPERS, None)

    def ask(name: str) -> object:
        if name == WRAPPERS:
            return importlib.import_module(f"{package.__name__}.{WRAPPERS}")
        if known is not None:
            return known(name)
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")

    vars(package)["__getattr__"] = ask
