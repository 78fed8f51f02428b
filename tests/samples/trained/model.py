"""One small network with dropout and batch normalization, compiled in many ways, and trained."""

import keras
import numpy as np


def make_model(kind: str) -> keras.Model:
    """Return a model (batch, 4) float32 -> (batch, 3) float32, compiled as `kind` says."""
    policy = "mixed_float16" if kind == "mixed_float16" else "float32"
    inputs = keras.Input((4,), name="x")
    hidden = keras.layers.Dense(8, activation="relu", dtype=policy)(inputs)
    hidden = keras.layers.BatchNormalization(dtype=policy)(hidden)
    hidden = keras.layers.Dropout(0.3)(hidden)
    outputs = keras.layers.Dense(3, activation="softmax", dtype="float32")(hidden)
    model = keras.Model(inputs, outputs)
    if kind == "not_compiled":
        return model
    model.compile(_optimizer(kind), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    if kind != "never_trained":
        random = np.random.default_rng(0)
        rows = random.normal(size=(24, 4)).astype("float32")
        model.fit(rows, np.arange(24) % 3, batch_size=8, epochs=2, verbose=0)
    return model


def _optimizer(kind: str) -> keras.optimizers.Optimizer:
    optimizers = keras.optimizers
    if kind == "adamw_schedule_clipping":
        schedule = optimizers.schedules.CosineDecay(0.01, decay_steps=100, warmup_steps=3)
        return optimizers.AdamW(schedule, weight_decay=0.01, clipnorm=1.0)
    if kind == "sgd_momentum":
        return optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    if kind == "ema":
        return optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=4)
    if kind == "gradient_accumulation":
        return optimizers.Adam(0.01, gradient_accumulation_steps=2)
    if kind == "mixed_float16":
        return optimizers.LossScaleOptimizer(optimizers.Adam(0.01))
    if hasattr(optimizers, kind):
        return getattr(optimizers, kind)(0.01)
    return optimizers.Adam(0.01)
