import keras


@keras.saving.register_keras_serializable(package="faults")
class Scaled(keras.layers.Layer):
    def __init__(self, units, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.scale = scale
        self.dense = keras.layers.Dense(units)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return self.dense(inputs) * self.scale

    def get_config(self):
        return {**super().get_config(), "units": self.units, "scale": self.scale}


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Scaled(2, scale=3.0, name="y")(inputs), name="custom")
