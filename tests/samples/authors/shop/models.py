"""The models of the shop."""

import keras
from keras import layers

from shop.layers import Scaled

REVIEWS = ["good cheap shoes", "bad shoes", "cheap but good", "never again"]


@keras.saving.register_keras_serializable("shop")
class Ranker(keras.Model):
    """Scores items; its layers are given, so that its configuration speaks of them."""

    def __init__(self, body, **kwargs):
        super().__init__(**kwargs)
        self.body = body

    def call(self, items):
        return self.body(items)

    def get_config(self):
        body = keras.saving.serialize_keras_object(self.body)
        return {**super().get_config(), "body": body}

    @classmethod
    def from_config(cls, config):
        body = keras.saving.deserialize_keras_object(config.pop("body"))
        return cls(body, **config)


def make_ranker():
    """Ranks the items of the shop."""
    body = keras.Sequential([layers.Dense(4, activation="tanh"), Scaled(), layers.Dense(1)])
    ranker = Ranker(body)
    ranker(keras.ops.ones((2, 5)))
    return ranker


def make_sentiment():
    """Tells good reviews from bad ones."""
    text = keras.Input((), dtype="string", name="review")
    words = layers.TextVectorization(output_sequence_length=4, name="words")
    words.adapt(REVIEWS)
    hidden = layers.Embedding(words.vocabulary_size(), 3)(words(text))
    score = layers.Dense(1, activation="sigmoid")(layers.Flatten()(hidden))
    return keras.Model(text, score)


def make_basket():
    """Guesses what is bought next, and for how much."""
    given = {
        "item": keras.Input((4,), dtype="int32", name="item"),
        "prices": keras.Input((4,), name="prices"),
    }
    items = layers.Flatten()(layers.Embedding(20, 2, name="items")(given["item"]))
    basket = layers.Concatenate()([items, given["prices"]])
    outputs = {
        "next": layers.Dense(20, activation="softmax", name="next")(basket),
        "amount": layers.Dense(1, name="amount")(basket),
    }
    model = keras.Model(given, outputs)
    model.compile(
        "sgd",
        loss={"next": "sparse_categorical_crossentropy", "amount": "mse"},
        metrics={"next": ["accuracy"], "amount": ["mae"]},
    )
    return model
