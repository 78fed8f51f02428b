import keras


def make_model():
    inputs = keras.Input((3, 4), name="x")
    return keras.Model(inputs, keras.layers.LSTM(2)(inputs))
