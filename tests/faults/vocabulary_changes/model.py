import random

import keras


def make_model():
    inputs = keras.Input((4,), name="x")
    lookup = keras.layers.IntegerLookup(name="lookup")
    lookup.set_vocabulary(random.sample(range(8), 8))
    tokens = keras.ops.cast(keras.ops.abs(inputs) * 4, "int64")
    outputs = keras.layers.Embedding(9, 3, name="embed")(lookup(tokens))
    return keras.Model(inputs, outputs)
