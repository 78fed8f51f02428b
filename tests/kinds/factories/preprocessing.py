"""Preprocessing and randomness inside the model."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

WORDS = np.array(["red", "green", "blue", "green"])
TEXTS = np.array(["the red house", "a green house", "the blue car", "a car"])
ROWS = np.random.default_rng(0).normal(3.0, 2.0, (64, 4)).astype("float32")


def make_string_lookup() -> keras.Model:
    """StringLookup, adapted, one-hot into Dense."""
    lookup = layers.StringLookup(output_mode="one_hot")
    lookup.adapt(WORDS)
    inputs = keras.Input((1,), dtype="string", name="word")
    return keras.Model(inputs, layers.Dense(2)(lookup(inputs)))


def make_string_lookup_given() -> keras.Model:
    """StringLookup with its vocabulary given, into Embedding."""
    lookup = layers.StringLookup(vocabulary=["red", "green", "blue"])
    inputs = keras.Input((1,), dtype="string", name="word")
    return keras.Model(inputs, layers.Flatten()(layers.Embedding(4, 3)(lookup(inputs))))


def make_string_lookup_inverse() -> keras.Model:
    """Ids in, strings out."""
    lookup = layers.StringLookup(vocabulary=["red", "green", "blue"], invert=True)
    inputs = keras.Input((2,), dtype="int64", name="ids")
    return keras.Model(inputs, lookup(inputs))


def make_integer_lookup() -> keras.Model:
    """IntegerLookup, adapted."""
    lookup = layers.IntegerLookup()
    lookup.adapt(np.array([11, 22, 33, 22]))
    inputs = keras.Input((2,), dtype="int64", name="ids")
    return keras.Model(inputs, layers.Flatten()(layers.Embedding(5, 3)(lookup(inputs))))


def make_text_vectorization() -> keras.Model:
    """TextVectorization, adapted, into Embedding."""
    vectorize = layers.TextVectorization(output_sequence_length=4)
    vectorize.adapt(TEXTS)
    inputs = keras.Input((), dtype="string", name="text")
    embedded = layers.Embedding(vectorize.vocabulary_size(), 3)(vectorize(inputs))
    return keras.Model(inputs, layers.Flatten()(embedded))


def make_tf_idf() -> keras.Model:
    """TextVectorization that gives tf-idf weights."""
    vectorize = layers.TextVectorization(output_mode="tf_idf")
    vectorize.adapt(TEXTS)
    inputs = keras.Input((), dtype="string", name="text")
    return keras.Model(inputs, layers.Dense(2)(vectorize(inputs)))


def make_category_encoding() -> keras.Model:
    """CategoryEncoding of ids."""
    inputs = keras.Input((2,), dtype="int32", name="ids")
    encoded = layers.CategoryEncoding(5, output_mode="multi_hot")(inputs)
    return keras.Model(inputs, layers.Dense(2)(encoded))


def make_hashing() -> keras.Model:
    """Hashing of strings into bins."""
    inputs = keras.Input((1,), dtype="string", name="word")
    return keras.Model(inputs, layers.Dense(2)(layers.Hashing(6, output_mode="one_hot")(inputs)))


def make_hashed_crossing() -> keras.Model:
    """HashedCrossing of a string and an id."""
    word = keras.Input((1,), dtype="string", name="word")
    number = keras.Input((1,), dtype="int64", name="number")
    crossed = layers.HashedCrossing(6, output_mode="one_hot")((word, number))
    return keras.Model([word, number], layers.Dense(2)(crossed))


def make_discretization() -> keras.Model:
    """Discretization, adapted."""
    bins = layers.Discretization(num_bins=4, output_mode="one_hot")
    bins.adapt(ROWS[:, :1])
    inputs = keras.Input((1,), name="x")
    return keras.Model(inputs, layers.Dense(2)(bins(inputs)))


def make_normalization_adapted() -> keras.Model:
    """Normalization, adapted."""
    normalize = layers.Normalization()
    normalize.adapt(ROWS)
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, layers.Dense(2)(normalize(inputs)))


def make_normalization_given() -> keras.Model:
    """Normalization with mean and variance given."""
    inputs = keras.Input((4,), name="x")
    normalize = layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 4.0, 9.0, 16.0])
    return keras.Model(inputs, normalize(inputs))


def make_rescaling() -> keras.Model:
    """Rescaling of uint8 images."""
    inputs = keras.Input((4, 4, 1), dtype="uint8", name="image")
    scaled = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(scaled)))


def _images(*chain: layers.Layer) -> keras.Model:
    inputs = hidden = keras.Input((6, 6, 3), name="image")
    for layer in chain:
        hidden = layer(hidden)
    return keras.Model(inputs, layers.Conv2D(2, 3)(hidden))


def make_random_flip() -> keras.Model:
    """RandomFlip."""
    return _images(layers.RandomFlip("horizontal", seed=1))


def make_random_rotation() -> keras.Model:
    """RandomRotation and RandomZoom, without seeds."""
    return _images(layers.RandomRotation(0.2), layers.RandomZoom(0.2))


def make_random_pipeline() -> keras.Model:
    """Augmentation as a Sequential model inside the model."""
    augment = keras.Sequential(
        [
            layers.RandomTranslation(0.1, 0.1),
            layers.RandomContrast(0.2),
            layers.RandomBrightness(0.2),
        ]
    )
    return _images(augment)


def _noisy(*chain: layers.Layer) -> keras.Model:
    inputs = hidden = keras.Input((4,), name="x")
    for layer in chain:
        hidden = layer(hidden)
    model = keras.Model(inputs, layers.Dense(2)(hidden))
    model.compile("sgd", "mean_squared_error")
    model.fit(ROWS, ROWS[:, :2] / 10, epochs=1, verbose=0)
    return model


def make_dropout() -> keras.Model:
    """Dropout and AlphaDropout without a seed, trained."""
    return _noisy(layers.Dense(8), layers.Dropout(0.3), layers.AlphaDropout(0.1))


def make_dropout_seeded() -> keras.Model:
    """Dropout with a seed, trained."""
    return _noisy(layers.Dense(8), layers.Dropout(0.3, seed=5))


def make_gaussian_noise() -> keras.Model:
    """GaussianNoise with a seed and GaussianDropout without, trained."""
    return _noisy(layers.GaussianNoise(0.1, seed=5), layers.GaussianDropout(0.1))
