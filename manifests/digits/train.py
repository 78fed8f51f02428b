"""Train the digits model and write what its manifest names: weights and reference rows.

Run `python manifests/digits/train.py` (needs scikit-learn). The same versions on
the same kind of CPU write the same bytes; another CPU may round differently.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from model import make_model

HERE = Path(__file__).resolve().parent
WEIGHTS = HERE / "digits.weights.h5"
REFERENCE = HERE / "reference" / "held_out.npz"
EVALUATION = HERE / "reference" / "evaluation.npz"

SEED = 20260115
HELD_OUT = 360
REFERENCE_ROWS = 32
BATCH_SIZE = 32
EPOCHS = 40
THREADS = 2  # the default follows the machine, and another count trains other weights


class Examples(NamedTuple):
    """Images scaled to [0, 1], shape (n, 8, 8, 1), and the digits that they show."""

    images: np.ndarray
    labels: np.ndarray


def main() -> None:
    """Train, write the files, and print what belongs in the manifest."""
    make_deterministic()
    train, held_out = load_splits()
    model = make_model()
    model.fit(*train, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=2)
    model.save_weights(WEIGHTS)  # with Adam's state, so that training can go on
    REFERENCE.parent.mkdir(exist_ok=True)
    np.savez(REFERENCE, image=held_out.images[:REFERENCE_ROWS])
    np.savez(EVALUATION, image=held_out.images, targets=held_out.labels)
    print(f"weights: {{path: {WEIGHTS.name}, sha256: {sha256(WEIGHTS)}}}")
    measured = accuracy(model, held_out)
    print(f"evaluation: {{accuracy: {measured:.4f}, examples: {HELD_OUT}}}")


def make_deterministic() -> None:
    """Fix seeds, op order and thread counts, before any op runs."""
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)


def load_splits() -> tuple[Examples, Examples]:
    """Return the examples to train on and the held-out ones, always the same."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    train_images, held_images, train_labels, held_labels = train_test_split(
        images, labels, test_size=HELD_OUT, stratify=labels, random_state=SEED
    )
    return Examples(train_images, train_labels), Examples(held_images, held_labels)


def accuracy(model: keras.Model, examples: Examples) -> float:
    """Return the share of examples whose digit the model names."""
    answers = model.predict(examples.images, verbose=0).argmax(axis=-1)
    return float(np.mean(answers == examples.labels))


def sha256(path: Path) -> str:
    """Return the digest of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
