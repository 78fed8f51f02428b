import keras


def make_model():
    inputs = keras.Input((4,), name="x")
    outputs = keras.layers.Dense(2, name="y")(inputs)
    model = keras.Model(inputs, outputs, name="plain")
    return model
