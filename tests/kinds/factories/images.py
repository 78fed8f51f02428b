"""Convolutions, pooling and normalization over images and series."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers


def _over(shape: tuple[int | None, ...], *chain: layers.Layer) -> keras.Model:
    inputs = hidden = keras.Input(shape, name="x")
    for layer in chain:
        hidden = layer(hidden)
    return keras.Model(inputs, hidden)


def make_conv1d() -> keras.Model:
    """Causal, dilated Conv1D."""
    return _over((9, 3), layers.Conv1D(4, 3, padding="causal", dilation_rate=2))


def make_conv2d() -> keras.Model:
    """Conv2D with strides, and one with groups."""
    return _over((8, 8, 2), layers.Conv2D(4, 3, strides=2), layers.Conv2D(4, 2, groups=2))


def make_conv3d() -> keras.Model:
    """Conv3D."""
    return _over((5, 6, 6, 2), layers.Conv3D(3, 2), layers.GlobalAveragePooling3D())


def make_depthwise() -> keras.Model:
    """DepthwiseConv1D and DepthwiseConv2D."""
    flat = layers.Reshape((36, 4))
    return _over(
        (6, 6, 2),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        flat,
        layers.DepthwiseConv1D(3),
    )


def make_separable() -> keras.Model:
    """SeparableConv2D."""
    return _over((6, 6, 2), layers.SeparableConv2D(4, 3, activation="relu"))


def make_transposed() -> keras.Model:
    """Conv2DTranspose and Conv1DTranspose."""
    return _over(
        (4, 4, 2),
        layers.Conv2DTranspose(2, 3, strides=2),
        layers.Reshape((81, 2)),
        layers.Conv1DTranspose(3, 2),
    )


def make_pooling() -> keras.Model:
    """Maximum and average pooling, local and global."""
    return _over(
        (8, 8, 3),
        layers.MaxPooling2D(2),
        layers.AveragePooling2D(2, padding="same"),
        layers.GlobalMaxPooling2D(),
    )


def make_resizing() -> keras.Model:
    """UpSampling2D, ZeroPadding2D, Cropping2D, Resizing and CenterCrop."""
    return _over(
        (4, 4, 2),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.ZeroPadding2D(1),
        layers.Cropping2D(((1, 0), (0, 1))),
        layers.Resizing(7, 5),
        layers.CenterCrop(5, 4),
    )


def make_dynamic_image_size() -> keras.Model:
    """Images of any height and width."""
    return _over(
        (None, None, 3),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
    )


def make_batch_normalization() -> keras.Model:
    """BatchNormalization with the moving statistics of a short training."""
    model = _over((4,), layers.Dense(5), layers.BatchNormalization(), layers.Dense(2))
    model.compile("sgd", "mean_squared_error")
    rows = np.random.default_rng(0).normal(2.0, 3.0, (32, 4))
    model.fit(rows, rows[:, :2], epochs=2, verbose=0)
    return model


def make_layer_normalization() -> keras.Model:
    """LayerNormalization, and RMSNormalization after it."""
    return _over(
        (4,),
        layers.Dense(5),
        layers.LayerNormalization(),
        layers.Dense(3),
        layers.RMSNormalization(),
    )


def make_group_normalization() -> keras.Model:
    """GroupNormalization."""
    return _over((5, 5, 4), layers.GroupNormalization(2), layers.GlobalMaxPooling2D())


def make_spectral_normalization() -> keras.Model:
    """A Dense layer wrapped in SpectralNormalization."""
    return _over((4,), layers.SpectralNormalization(layers.Dense(3)))
