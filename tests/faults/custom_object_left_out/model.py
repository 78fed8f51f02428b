import keras


@keras.saving.register_keras_serializable(package="faults")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


@keras.saving.register_keras_serializable(package="faults")
class Thrice(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 3


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Thrice()(Twice()(inputs)))
