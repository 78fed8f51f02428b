"""Recurrence, time, attention and embeddings."""

from __future__ import annotations

import keras
from keras import layers


def _over(shape: tuple[int | None, ...], *chain: layers.Layer) -> keras.Model:
    inputs = hidden = keras.Input(shape, name="x")
    for layer in chain:
        hidden = layer(hidden)
    return keras.Model(inputs, hidden)


def make_lstm() -> keras.Model:
    """LSTM over a fixed time."""
    return _over((5, 3), layers.LSTM(4))


def make_gru() -> keras.Model:
    """GRU over a fixed time, all steps returned."""
    return _over((5, 3), layers.GRU(4, return_sequences=True))


def make_simple_rnn() -> keras.Model:
    """SimpleRNN over a fixed time."""
    return _over((5, 3), layers.SimpleRNN(4))


def make_bidirectional() -> keras.Model:
    """An LSTM in both directions."""
    return _over((5, 3), layers.Bidirectional(layers.LSTM(3)))


def make_stacked_rnn() -> keras.Model:
    """GRU on LSTM, and cells stacked in one RNN layer."""
    cells = layers.RNN([layers.LSTMCell(3), layers.GRUCell(3)])
    return _over((5, 3), layers.LSTM(4, return_sequences=True), cells)


def make_rnn_states() -> keras.Model:
    """An LSTM that gives its final states too."""
    inputs = keras.Input((5, 3), name="x")
    return keras.Model(inputs, layers.LSTM(4, return_state=True)(inputs))


def make_dynamic_time() -> keras.Model:
    """LSTM over any time."""
    return _over((None, 3), layers.LSTM(4))


def make_stateful_rnn() -> keras.Model:
    """LSTM that keeps its state from batch to batch."""
    inputs = keras.Input(batch_shape=(8, 5, 3), name="x")
    return keras.Model(inputs, layers.LSTM(4, stateful=True)(inputs))


def make_masking() -> keras.Model:
    """An embedding whose zeros mask the steps of an LSTM."""
    inputs = keras.Input((5,), dtype="int32", name="ids")
    return keras.Model(inputs, layers.LSTM(4)(layers.Embedding(10, 3, mask_zero=True)(inputs)))


def make_time_distributed() -> keras.Model:
    """TimeDistributed over a fixed time."""
    return _over((5, 3), layers.TimeDistributed(layers.Dense(2)))


def make_time_distributed_dynamic() -> keras.Model:
    """TimeDistributed over any time: traced, it takes the batch size for the time."""
    return _over((None, 3), layers.TimeDistributed(layers.Dense(2)))


def make_conv_lstm() -> keras.Model:
    """ConvLSTM2D."""
    return _over((3, 5, 5, 2), layers.ConvLSTM2D(2, 3), layers.GlobalAveragePooling2D())


def make_embedding_int32() -> keras.Model:
    """Embedding of int32 ids."""
    inputs = keras.Input((5,), dtype="int32", name="ids")
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(layers.Embedding(10, 3)(inputs)))


def make_embedding_int64() -> keras.Model:
    """Embedding of int64 ids."""
    inputs = keras.Input((5,), dtype="int64", name="ids")
    return keras.Model(inputs, layers.Flatten()(layers.Embedding(10, 3)(inputs)))


def make_tied_embedding() -> keras.Model:
    """A reversible embedding: its weights map ids in and logits out."""
    inputs = keras.Input((5,), dtype="int32", name="ids")
    table = layers.ReversibleEmbedding(10, 4)
    return keras.Model(inputs, table(layers.Dense(4)(table(inputs)), reverse=True))


def make_attention() -> keras.Model:
    """Attention and AdditiveAttention of a series to itself."""
    inputs = keras.Input((5, 3), name="x")
    hidden = layers.Attention(use_scale=True)([inputs, inputs])
    return keras.Model(inputs, layers.AdditiveAttention()([hidden, inputs]))


def make_multi_head_attention() -> keras.Model:
    """MultiHeadAttention, causal."""
    inputs = keras.Input((5, 4), name="x")
    return keras.Model(
        inputs, layers.MultiHeadAttention(2, 3)(inputs, inputs, use_causal_mask=True)
    )


def make_transformer() -> keras.Model:
    """A transformer block with grouped-query attention over any time."""
    inputs = keras.Input((None, 4), name="x")
    attended = layers.GroupQueryAttention(4, 4, 2)(inputs, inputs)
    hidden = layers.LayerNormalization()(layers.Add()([inputs, layers.Dropout(0.1)(attended)]))
    grown = layers.Dense(4)(layers.Dense(8, activation="gelu")(hidden))
    return keras.Model(inputs, layers.LayerNormalization()(layers.Add()([hidden, grown])))
