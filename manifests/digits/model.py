"""A small convolutional network that reads scanned 8x8 digits."""

import keras
from keras import layers


def make_model() -> keras.Model:
    """Build and compile the network; it starts untrained."""
    image = keras.Input(shape=(8, 8, 1), dtype="float32", name="image")
    x = _convolve(image, filters=16, block=1)
    x = _convolve(x, filters=32, block=2)
    x = layers.MaxPooling2D(name="pool")(x)
    x = _convolve(x, filters=64, block=3)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(0.3, seed=7, name="dropout")(x)
    digit = layers.Dense(10, activation="softmax", name="digit")(x)
    model = keras.Model(inputs=image, outputs=digit, name="digits")
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _convolve(x: keras.KerasTensor, *, filters: int, block: int) -> keras.KerasTensor:
    """Convolve, normalize and rectify; the normalization brings the bias."""
    convolve = layers.Conv2D(
        filters, kernel_size=3, padding="same", use_bias=False, name=f"conv_{block}"
    )
    x = layers.BatchNormalization(name=f"norm_{block}")(convolve(x))
    return layers.ReLU(name=f"relu_{block}")(x)
