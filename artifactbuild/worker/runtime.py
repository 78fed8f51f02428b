"""What every child does before anything else: threads, seeds, op determinism, a fixed place."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import keras
import tensorflow as tf

from artifactbuild.worker.settings import THREADS


def pin(seed: int, folder: str, search_path: Sequence[str]) -> None:
    """Make this process deterministic, standing in `folder`, with `search_path` importable.

    Sets the thread counts (they change trained bits), the seeds of Python, NumPy and TensorFlow,
    and op determinism; see `tf.config.experimental.enable_op_determinism`. Keras' counters of
    names start anew.
    """
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    keras.config.disable_interactive_logging()
    sys.dont_write_bytecode = True
    sys.pycache_prefix = os.devnull
    os.chdir(folder)
    here = {"", os.getcwd()}
    sys.path[:] = [*search_path, *(p for p in sys.path if p not in here | set(search_path))]
