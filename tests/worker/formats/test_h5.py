"""H5: read back once where it is written, without its weights if that can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from artifactbuild.worker.formats import h5


class Counted(keras.layers.Layer):
    """A layer with a variable of a given value."""

    def build(self, shape: Any) -> None:
        self.count = keras.Variable(np.zeros(()), trainable=False, name="count")

    def call(self, x: Any) -> Any:
        return x + self.count


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note what is loaded whole."""
    found: list[Any] = []
    whole = keras.saving.load_model
    monkeypatch.setattr(
        keras.saving, "load_model", lambda path, **how: (found.append(path), whole(path, **how))[1]
    )
    return found


def saved(folder: Path, *stages: keras.layers.Layer) -> Path:
    inputs = x = keras.Input((4,))
    for stage in stages:
        x = stage(x)
    model = keras.Model(inputs, x)
    model.compile("adam", "mean_squared_error", metrics=["mae"])
    model.fit(np.ones((2, 4)), np.ones((2, 4)), verbose=0)
    path = folder / h5.FILE
    model.save(path)
    return path


def test_model_is_read_back_without_its_weights(tmp_path: Path, loaded: list[Any]) -> None:
    layers = keras.layers
    path = saved(
        tmp_path, layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5), Counted()
    )
    h5.read_back(path, {"Counted": Counted})
    assert loaded == []


def test_where_another_keras_hides_its_parts_the_model_is_loaded_whole(
    tmp_path: Path, loaded: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, keras.layers.Dense(4))
    monkeypatch.delattr(keras.src.legacy, "saving")
    h5.read_back(path, {})
    assert loaded == [path]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (Counted(), "Unknown layer: 'Counted'"),
        (keras.layers.Lambda(lambda x: x), "deserialization of a `Lambda` layer"),
    ],
)
def test_what_keras_does_not_make_again_is_told_as_users_would_see_it(
    layer: keras.layers.Layer, said: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, layer, keras.layers.Dense(4))
    with pytest.raises(ValueError, match=said):
        h5.read_back(path, {})
