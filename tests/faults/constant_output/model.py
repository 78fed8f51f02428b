import keras


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="zeros")(inputs))
