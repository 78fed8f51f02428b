"""Compilation and training: what is beside the weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

ROWS = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
LABELS = (ROWS @ [1.0, -1.0, 0.5, 2.0]).astype("float32")[:, None]


def _model(**options: Any) -> keras.Model:
    inputs = keras.Input((4,), name="x")
    hidden = layers.Dense(6, activation="tanh", **options)(inputs)
    return keras.Model(inputs, layers.Dense(1)(hidden))


def _compiled(loss: Any, optimizer: Any = "adam", **options: Any) -> keras.Model:
    model = _model()
    model.compile(optimizer, loss, **options)
    return model


def _trained(loss: Any, optimizer: Any, **options: Any) -> keras.Model:
    model = _compiled(loss, optimizer, **options)
    model.fit(ROWS, LABELS, batch_size=8, epochs=2, verbose=0)
    return model


def make_uncompiled() -> keras.Model:
    """Never compiled."""
    return _model()


def make_loss_mse() -> keras.Model:
    """Compiled with the abbreviation `mse`."""
    return _compiled("mse", metrics=["mae"])


def make_loss_full_name() -> keras.Model:
    """Compiled with the name `mean_squared_error`."""
    return _compiled("mean_squared_error", metrics=["mean_absolute_error"])


def make_loss_class() -> keras.Model:
    """Compiled with a loss object."""
    return _compiled(keras.losses.Huber(delta=0.5), metrics=[keras.metrics.MeanAbsoluteError()])


def make_loss_function() -> keras.Model:
    """Compiled with a loss function of Keras."""
    return _compiled(keras.losses.mean_absolute_error)


def make_loss_none() -> keras.Model:
    """Compiled with an optimizer alone."""
    return _compiled(None)


def _two_headed() -> keras.Model:
    inputs = keras.Input((4,), name="x")
    outputs = {"a": layers.Dense(1, name="a")(inputs), "b": layers.Dense(1, name="b")(inputs)}
    return keras.Model(inputs, outputs)


def make_loss_dict() -> keras.Model:
    """Compiled with a loss, weight and metric for each output."""
    model = _two_headed()
    model.compile(
        "adam",
        {"a": "mse", "b": keras.losses.LogCosh()},
        loss_weights={"a": 1.0, "b": 0.5},
        metrics={"a": ["mae"], "b": ["mse"]},
    )
    model.fit(ROWS, {"a": LABELS, "b": -LABELS}, verbose=0)
    return model


def make_loss_list() -> keras.Model:
    """Compiled with a list of losses."""
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)])
    model.compile("adam", ["mae", "mean_squared_error"])
    return model


def make_trained_adam() -> keras.Model:
    """Trained with Adam."""
    return _trained("mean_squared_error", keras.optimizers.Adam(0.01))


def make_trained_sgd_momentum() -> keras.Model:
    """Trained with SGD, momentum, clipping and a weight decay."""
    options = {"momentum": 0.9, "clipnorm": 1.0, "weight_decay": 1e-3}
    return _trained("mean_squared_error", keras.optimizers.SGD(0.01, **options))


def make_trained_schedule() -> keras.Model:
    """Trained with AdamW under a cosine schedule."""
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 50, warmup_steps=5, warmup_target=0.02)
    return _trained("mean_squared_error", keras.optimizers.AdamW(schedule))


def make_trained_ema() -> keras.Model:
    """Trained with moving averages of the weights."""
    optimizer = keras.optimizers.RMSprop(0.01, use_ema=True, ema_momentum=0.9)
    return _trained("mean_squared_error", optimizer)


def make_trained_accumulating() -> keras.Model:
    """Trained with gradient accumulation, stopped between two updates."""
    return _trained("mean_squared_error", keras.optimizers.Adam(gradient_accumulation_steps=3))


def make_trained_scaled() -> keras.Model:
    """Trained with loss scaling."""
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    return _trained("mean_squared_error", optimizer)


def make_trained_lion() -> keras.Model:
    """Trained with Lion, with weighted metrics."""
    return _trained("mean_squared_error", keras.optimizers.Lion(), weighted_metrics=["mae"])


def make_trained_muon() -> keras.Model:
    """Trained with Muon, which treats kernels and biases apart."""
    return _trained("mean_squared_error", keras.optimizers.Muon())


def make_frozen_before_compile() -> keras.Model:
    """A layer frozen before compiling, then trained."""
    model = _model()
    model.layers[1].trainable = False
    model.compile("adam", "mean_squared_error")
    model.fit(ROWS, LABELS, verbose=0)
    return model


def make_frozen_after_compile() -> keras.Model:
    """A layer frozen after training: the optimizer still has its moments."""
    model = _trained("mean_squared_error", "adam")
    model.layers[1].trainable = False
    return model


def make_regularized() -> keras.Model:
    """Activity, kernel and bias regularizers, and a constraint."""
    model = _model(
        activity_regularizer="l2",
        kernel_regularizer=keras.regularizers.L1L2(1e-3, 1e-3),
        bias_regularizer=keras.regularizers.L1(1e-3),
        kernel_constraint=keras.constraints.MaxNorm(2.0),
    )
    model.compile("adam", "mean_squared_error")
    model.fit(ROWS, LABELS, verbose=0)
    return model


def make_trained_without_jit() -> keras.Model:
    """Compiled to run eagerly, several steps at once."""
    return _trained("mean_squared_error", "adam", steps_per_execution=2, jit_compile=False)
