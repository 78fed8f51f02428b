"""Dense models in every structure that Keras builds them in."""

from __future__ import annotations

import keras
from keras import layers


def make_dense() -> keras.Model:
    """One Dense layer."""
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, layers.Dense(3)(inputs))


def make_deep() -> keras.Model:
    """Twelve Dense layers, each with another activation function."""
    inputs = hidden = keras.Input((4,), name="x")
    names = "relu elu selu gelu silu tanh softplus mish leaky_relu hard_silu sigmoid softmax"
    for name in names.split():
        hidden = layers.Dense(6, activation=name)(hidden)
    return keras.Model(inputs, hidden)


def make_activation_layers() -> keras.Model:
    """Activations as layers, one of them with weights."""
    inputs = keras.Input((4,), name="x")
    hidden = layers.PReLU()(layers.Dense(6)(inputs))
    hidden = layers.LeakyReLU(negative_slope=0.2)(layers.Dense(6)(hidden))
    return keras.Model(inputs, layers.Softmax()(layers.ReLU(max_value=4.0)(hidden)))


def make_sequential() -> keras.Model:
    """A Sequential model that says its input."""
    return keras.Sequential(
        [keras.Input((4,), name="x"), layers.Dense(6, activation="relu"), layers.Dense(2)]
    )


def make_sequential_unbuilt() -> keras.Model:
    """A Sequential model without an Input, never called."""
    return keras.Sequential([layers.Dense(6, activation="relu"), layers.Dense(2)])


def make_functional() -> keras.Model:
    """A functional model with a branch that meets again."""
    inputs = keras.Input((4,), name="x")
    left = layers.Dense(3, activation="tanh")(inputs)
    right = layers.Dense(3, activation="relu")(inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()([left, right])))


def make_merging() -> keras.Model:
    """Every merging layer."""
    inputs = keras.Input((4,), name="x")
    pair = [layers.Dense(3)(inputs), layers.Dense(3)(inputs)]
    kinds = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum)
    merged = [kind()(pair) for kind in kinds]
    return keras.Model(inputs, layers.Concatenate()([*merged, layers.Dot(axes=1)(pair)]))


def make_reshaping() -> keras.Model:
    """Reshape, Permute, Flatten and RepeatVector."""
    inputs = keras.Input((6,), name="x")
    hidden = layers.Permute((2, 1))(layers.Reshape((2, 3))(inputs))
    hidden = layers.RepeatVector(2)(layers.Dense(3)(layers.Flatten()(hidden)))
    return keras.Model(inputs, hidden)


def make_nested() -> keras.Model:
    """A functional model inside a Sequential one inside a functional one."""
    inner_inputs = keras.Input((4,))
    inner = keras.Model(inner_inputs, layers.Dense(3, activation="tanh")(inner_inputs))
    middle = keras.Sequential([keras.Input((4,)), inner, layers.Dense(3)])
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, layers.Dense(2)(middle(inputs)))


def make_shared_layer() -> keras.Model:
    """One layer that is applied to two inputs."""
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = layers.Dense(3, activation="tanh")
    return keras.Model([left, right], layers.Subtract()([shared(left), shared(right)]))


def make_shared_model() -> keras.Model:
    """One submodel that is applied twice in a row."""
    shared = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="tanh")])
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, shared(shared(inputs)))


def make_residual() -> keras.Model:
    """Two residual blocks."""
    inputs = hidden = keras.Input((4,), name="x")
    for _ in range(2):
        hidden = layers.Add()([hidden, layers.Dense(4, activation="relu")(hidden)])
    return keras.Model(inputs, hidden)


def make_multi_input_list() -> keras.Model:
    """A list of two inputs."""
    inputs = [keras.Input((4,), name="a"), keras.Input((3,), name="b")]
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(inputs)))


def make_multi_input_dict() -> keras.Model:
    """A dict of two inputs, whose keys are not in the order of the alphabet."""
    inputs = {"b": keras.Input((3,), name="b"), "a": keras.Input((4,), name="a")}
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()([inputs["a"], inputs["b"]])))


def make_multi_input_nested() -> keras.Model:
    """A dict with a list of inputs in it."""
    first, b, c = (
        keras.Input((4,), name="first"),
        keras.Input((3,), name="b"),
        keras.Input((2,), name="c"),
    )
    joined = layers.Concatenate()([first, b, c])
    return keras.Model({"first": first, "rest": [b, c]}, layers.Dense(2)(joined))


def make_multi_output_list() -> keras.Model:
    """A list of two outputs."""
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, [layers.Dense(2, name="p")(inputs), layers.Dense(3)(inputs)])


def make_multi_output_dict() -> keras.Model:
    """A dict of two outputs."""
    inputs = keras.Input((4,), name="x")
    score = layers.Dense(1, activation="sigmoid", name="score")(inputs)
    return keras.Model(inputs, {"score": score, "logits": layers.Dense(3, name="logits")(inputs)})


def make_multi_output_nested() -> keras.Model:
    """A dict of outputs with a list in it."""
    inputs = keras.Input((4,), name="x")
    a, b, c = (layers.Dense(size)(inputs) for size in (1, 2, 3))
    return keras.Model(inputs, {"main": a, "others": [b, c]})


def make_optional_input() -> keras.Model:
    """A second input that may be left out."""
    inputs = keras.Input((4,), name="a"), keras.Input((4,), name="b", optional=True)
    return keras.Model(list(inputs), OptionalSum()(list(inputs)))


@keras.saving.register_keras_serializable("kinds")
class OptionalSum(layers.Layer):
    """Adds what is there."""

    def call(self, inputs):
        first, second = inputs
        return first if second is None else first + 2 * second


def make_sparse_input() -> keras.Model:
    """An input that takes sparse tensors."""
    inputs = keras.Input((6,), sparse=True, name="x")
    return keras.Model(inputs, layers.Dense(2)(inputs))


def make_ragged_input() -> keras.Model:
    """An input that takes ragged tensors."""
    inputs = keras.Input((None, 3), ragged=True, name="x")
    return keras.Model(inputs, layers.Dense(2)(inputs))


def make_fixed_batch() -> keras.Model:
    """A batch size that is part of the model."""
    inputs = keras.Input(batch_shape=(8, 4), name="x")
    return keras.Model(inputs, layers.Dense(2)(inputs))


def make_no_weights() -> keras.Model:
    """A model without any weight."""
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, layers.UnitNormalization()(inputs))


def make_lora_dense() -> keras.Model:
    """Dense with a low-rank adapter whose weights are not zero."""
    inputs = keras.Input((6,), name="x")
    dense = layers.Dense(5)
    model = keras.Model(inputs, dense(inputs))
    dense.enable_lora(2)
    dense.lora_kernel_b.assign(keras.random.normal((2, 5), seed=3))
    return model


def make_einsum_dense() -> keras.Model:
    """EinsumDense over two axes."""
    inputs = keras.Input((4, 3), name="x")
    return keras.Model(inputs, layers.EinsumDense("abc,cd->abd", (4, 2), bias_axes="d")(inputs))
