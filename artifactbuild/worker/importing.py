"""TensorFlow and Keras, imported in less time.

A third of TensorFlow's import is the garbage collector's. A tenth is the dynamic linker's, which
does not need the interpreter; another is scikit-learn and SciPy, which Keras and the Keras of old
inside TensorFlow import where they are installed, for `keras.wrappers` and for code that nothing
reaches. Here the wrappers wait until somebody asks for them.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import importlib
import importlib.util
import ssl
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from types import ModuleType

WRAPPERS = "wrappers"
HELD_BACK = ("scipy", "sklearn")
_FAMILY = "keras"
_BESIDE = (
    *("numpy", "h5py", "ml_dtypes", "google.protobuf.descriptor_pool"),
    *("absl.logging", "wrapt", "optree", "rich.console"),
)
"""What TensorFlow and Keras import that needs no library of TensorFlow's, a head start for each."""


@contextmanager
def quick() -> Iterator[None]:
    """Import without the collector and HELD_BACK; what was imported is collected no more."""
    gc.disable()
    held_back = [name for name in HELD_BACK if name not in sys.modules]
    sys.modules.update(dict.fromkeys(held_back))  # type: ignore[arg-type]
    linking = Thread(target=_link)
    linking.start()
    try:
        with _annotations_compiled_once():
            for name in _BESIDE:
                with suppress(ImportError):  # another TensorFlow may do without it
                    importlib.import_module(name)
            linking.join()
            yield
    finally:
        linking.join()
        for name in held_back:
            del sys.modules[name]
        if "sklearn" in held_back:
            _forget_wrappers()
        gc.enable()
        gc.freeze()


def _link() -> None:
    """Load TensorFlow's libraries; if that fails, the import says why.

    They carry an OpenSSL of their own, so that Python's (`ssl`) must have been loaded before.
    """
    assert ssl
    found = importlib.util.find_spec("tensorflow")
    for folder in (found.submodule_search_locations or ()) if found else ():
        for library in sorted(Path(folder).glob("libtensorflow_cc.so*")):
            with suppress(OSError):
                ctypes.CDLL(str(library))


@contextmanager
def _annotations_compiled_once() -> Iterator[None]:
    """Let `typing` compile equal annotations once: TensorFlow has 18,000, of 113 kinds."""
    names = vars(typing)
    names["compile"] = cache(builtins.compile)
    try:
        yield
    finally:
        del names["compile"]


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
