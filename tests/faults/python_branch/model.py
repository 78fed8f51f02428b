import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="faults")
class Branch(keras.layers.Layer):
    def call(self, inputs):
        if tf.executing_eagerly():
            return inputs * 2
        return inputs * 3


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Branch(name="branch")(inputs))
