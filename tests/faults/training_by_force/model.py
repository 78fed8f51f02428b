import keras


@keras.saving.register_keras_serializable(package="faults")
class BatchStatistics(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = keras.layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)

    def call(self, inputs):
        return self.norm(inputs, training=True)


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, BatchStatistics(name="forced")(inputs))
