import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="faults")
class Shift(keras.layers.Layer):
    def build(self, input_shape):
        self.offset = tf.Variable(tf.range(4, dtype="float32"))

    def call(self, inputs):
        return inputs + self.offset


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Shift(name="shift")(inputs))
