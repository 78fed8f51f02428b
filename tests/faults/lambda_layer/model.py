import keras


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2, name="twice")(inputs))
