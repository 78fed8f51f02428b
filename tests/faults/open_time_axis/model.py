import keras


def make_model():
    inputs = keras.Input((None, 4), name="x")
    outputs = keras.layers.TimeDistributed(keras.layers.Dense(2), name="each_step")(inputs)
    return keras.Model(inputs, outputs)
