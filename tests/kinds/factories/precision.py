"""Dtypes: policies, quantization and inputs that are not float32."""

from __future__ import annotations

import keras
from keras import layers


def _under(policy: str, dtype: str = "float32") -> keras.Model:
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((4,), dtype=dtype, name="x")
    return keras.Model(inputs, layers.Dense(3)(layers.Dense(5, activation="tanh")(inputs)))


def make_float16() -> keras.Model:
    """All in float16."""
    return _under("float16", "float16")


def make_bfloat16() -> keras.Model:
    """All in bfloat16."""
    return _under("bfloat16", "bfloat16")


def make_float64() -> keras.Model:
    """All in float64."""
    return _under("float64", "float64")


def make_mixed_float16() -> keras.Model:
    """Weights in float32, computation in float16, with a scaled loss."""
    model = _under("mixed_float16")
    model.compile("adam", "mean_squared_error")
    return model


def make_mixed_bfloat16() -> keras.Model:
    """Weights in float32, computation in bfloat16."""
    return _under("mixed_bfloat16")


def make_float32_head() -> keras.Model:
    """One layer in float32 after one in mixed_bfloat16."""
    inputs = keras.Input((4,), name="x")
    hidden = layers.Dense(5, dtype="mixed_bfloat16")(inputs)
    return keras.Model(inputs, layers.Dense(3, dtype="float32")(hidden))


def make_int8_quantized() -> keras.Model:
    """Dense layers quantized to int8."""
    inputs = keras.Input((8,), name="x")
    model = keras.Model(inputs, layers.Dense(3)(layers.Dense(6, activation="relu")(inputs)))
    model.quantize("int8")
    return model


def make_bool_input() -> keras.Model:
    """A mask of booleans."""
    inputs = keras.Input((6,), dtype="bool", name="mask")
    return keras.Model(inputs, layers.Dense(2)(inputs))


def make_uint8_input() -> keras.Model:
    """Bytes."""
    inputs = keras.Input((6,), dtype="uint8", name="bytes")
    return keras.Model(inputs, layers.Dense(2)(inputs))


def make_int64_output() -> keras.Model:
    """Numbers of two integer dtypes, out as they came."""
    inputs = [
        keras.Input((2,), dtype="int64", name="a"),
        keras.Input((2,), dtype="int32", name="b"),
    ]
    return keras.Model(inputs, [layers.Flatten()(tensor) for tensor in inputs])


def make_mixed_inputs() -> keras.Model:
    """A float, an integer and a string, as a table has them."""
    amount = keras.Input((1,), name="amount")
    count = keras.Input((1,), dtype="int32", name="count")
    colour = keras.Input((1,), dtype="string", name="colour")
    one_hot = layers.StringLookup(vocabulary=["red", "blue"], output_mode="one_hot")(colour)
    hot = layers.CategoryEncoding(4, output_mode="one_hot")(count)
    joined = layers.Concatenate()([amount, hot, one_hot])
    return keras.Model(
        {"amount": amount, "count": count, "colour": colour}, layers.Dense(2)(joined)
    )
