"""What the server leaves out while it imports is there for whoever asks."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import threading
import typing
from artifactbuild.worker import serving

serving._jobs()
assert "keras" in sys.modules
assert "sklearn" not in sys.modules, "it is a fifth of the import"
assert "scipy" not in sys.modules, "it is another part of it"
assert threading.active_count() == 1, "a process of several threads cannot be forked"
assert "compile" not in vars(typing)

import scipy.sparse

import keras

assert keras.layers.Dense, "what is not held back is there"
by_attribute = keras.wrappers.SKLearnClassifier
from keras.wrappers import SKLearnRegressor
from sklearn.base import BaseEstimator, RegressorMixin

assert issubclass(by_attribute, BaseEstimator)
assert issubclass(SKLearnRegressor, RegressorMixin)
assert SKLearnRegressor is keras.wrappers.SKLearnRegressor
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(loss="mse")
assert by_attribute(model).get_params()["model"] is model
try:
    keras.nothing
except AttributeError as error:
    assert str(error) == "module 'keras' has no attribute 'nothing'", error
else:
    raise AssertionError
print("good")
"""


def test_wrappers_of_keras_are_whole_once_they_are_asked_for() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "good\n", done.stderr
