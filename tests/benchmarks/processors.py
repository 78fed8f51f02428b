"""What `processor: portable` makes equal: numbers of this processor beside those of a Haswell.

    python -m tests.benchmarks.processors                 # this processor, native and portable
    python -m tests.benchmarks.processors --emulated      # and a Haswell by qemu-x86_64, in minutes
    python -m tests.benchmarks.processors --emulator PATH --cpu EPYC-Rome

Every operation and training runs in a fresh process with the pins of a worker, on the same inputs;
a row says whether the bits are the same. `apt-get install qemu-user` brings the emulator (7.2 or
later: older ones have no AVX).

qemu computes `rcpps` and `rsqrtps` exactly, processors approximate them, each maker in its own way.
To see that nothing else differs, let qemu ask this processor: in `target/i386/ops_sse.h` of its
sources, replace the `float32_div(float32_one, ...)` in `helper_rcpps`, `helper_rcpss`,
`helper_rsqrtps` and `helper_rsqrtss` by functions that run the instruction (`__asm__("rcpss %1, %0"
: "=x"(r) : "x"(v))`), configure with `--target-list=x86_64-linux-user`, and name the result by
`--emulator`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifactbuild.worker import settings

ROOT = Path(__file__).parents[2]
MEASURE = "from tests.benchmarks import processors; processors.measure({!r})"


def main() -> None:
    """Measure in processes of their own, and print a row for each operation and training."""
    asked = _asked()
    with tempfile.TemporaryDirectory() as folder:
        native = _measured(Path(folder, "native.npz"), settings.NATIVE, ())
        portable = _measured(Path(folder, "portable.npz"), settings.PORTABLE, ())
        columns = {"native and portable here": (native, portable)}
        if asked.emulated or asked.cpu or asked.emulator:
            words = (asked.emulator or "qemu-x86_64", "-cpu", asked.cpu or "Haswell-v4")
            other = _measured(Path(folder, "emulated.npz"), settings.PORTABLE, words)
            columns[f"portable here and on {words[-1]}"] = (portable, other)
        print("| | " + " | ".join(columns) + " |\n| --- |" + " --- |" * len(columns))
        for name in native:
            row = (_compared(one[name], other[name]) for one, other in columns.values())
            print(f"| {name} | {' | '.join(row)} |")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulated", action="store_true")
    parser.add_argument("--emulator", default="")
    parser.add_argument("--cpu", default="")
    return parser.parse_args()


def _measured(file: Path, processor: str, words: Sequence[str]) -> dict[str, list[Any]]:
    """Return the arrays of each operation, as a process with a worker's pins makes them."""
    import numpy as np

    subprocess.run(
        [*words, sys.executable, "-c", MEASURE.format(str(file))],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings.pins(processor), "PYTHONPATH": str(ROOT)},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    found: dict[str, list[Any]] = {}
    with np.load(file) as arrays:
        for key in arrays.files:
            found.setdefault(key.rpartition("/")[0], []).append(arrays[key])
    return found


def _compared(one: Sequence[Any], other: Sequence[Any]) -> str:
    import numpy as np

    pairs = list(zip(one, other, strict=True))
    if all(a.tobytes() == b.tobytes() for a, b in pairs):
        return "same bits"
    far = max(float(np.abs(a - b).max() / (np.abs(a).max() or 1)) for a, b in pairs)
    return f"differs, {far:.0e} of the largest value"


def measure(file: str) -> None:
    """Run everything once and write what came out."""
    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(1)
    results = {**_of_numpy(np), **_of_operations(tf, np), **_of_trainings(keras, np)}
    arrays = {
        f"{name}/{i}": array for name, each in results.items() for i, array in enumerate(each)
    }
    np.savez(file, **arrays)


def _of_numpy(np: Any) -> dict[str, list[Any]]:
    values, matrix = _random(np, 500) + np.float32(1.01), _random(np, 200, 300)
    functions = ("exp", "log", "tanh", "cbrt", "log1p")
    made = {f"np.{name}": [getattr(np, name)(values)] for name in functions}
    wide = matrix[:40, :40].astype("float64")
    return {**made, "np.dot": [matrix @ matrix.T], "np.linalg.inv": [np.linalg.inv(wide)]}


def _of_operations(tf: Any, np: Any) -> dict[str, list[Any]]:
    """Return outputs and gradients of single operations."""
    rows = _random(np, 64, 257)
    positive = rows + np.float32(1.01)
    pictures = _random(np, 8, 28, 28, 16)
    one: dict[str, Callable[[Any], Any]] = {
        "exp": tf.exp,
        "tanh": tf.tanh,
        "sigmoid": tf.sigmoid,
        "softmax": tf.nn.softmax,
        "gelu": tf.nn.gelu,
        "sqrt": tf.sqrt,
        "rsqrt": tf.math.rsqrt,
        "reciprocal": tf.math.reciprocal,
        "log (its gradient: reciprocal)": tf.math.log,
    }
    two: dict[str, tuple[Callable[[Any, Any], Any], Any, Any]] = {
        "division": (tf.divide, rows, positive),
        "matmul 64×257×100": (tf.matmul, rows, _random(np, 257, 100)),
        "matmul 256×2048×512": (tf.matmul, _random(np, 256, 2048), _random(np, 2048, 512)),
        "matmul 8×20000×16": (tf.matmul, _random(np, 8, 20000), _random(np, 20000, 16)),
        "convolution": (_convolution(tf), pictures, _random(np, 3, 3, 16, 32)),
    }
    found = {name: _forward_and_back(tf, np, f, positive) for name, f in one.items()}
    return {**found, **{n: _forward_and_back(tf, np, f, a, b) for n, (f, a, b) in two.items()}}


def _convolution(tf: Any) -> Callable[[Any, Any], Any]:
    return lambda pictures, kernel: tf.nn.conv2d(pictures, kernel, 1, "SAME")


def _forward_and_back(tf: Any, np: Any, function: Callable[..., Any], *inputs: Any) -> list[Any]:
    tensors = [tf.constant(each) for each in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = function(*tensors)
    seed = np.linspace(0.5, 1.5, outputs.numpy().size, dtype="float32").reshape(outputs.shape)
    gradients = tape.gradient(outputs, tensors, output_gradients=tf.constant(seed))
    return [outputs.numpy(), *(each.numpy() for each in gradients)]


def _of_trainings(keras: Any, np: Any) -> dict[str, list[Any]]:
    """Return the weights of small models after two epochs."""
    layers, optimizers = keras.layers, keras.optimizers
    picture, loss = keras.Input((12, 12, 3)), "sparse_categorical_crossentropy"
    first = [picture, layers.Conv2D(8, 3, activation="relu")]
    last = [layers.Flatten(), layers.Dropout(0.3, seed=3), layers.Dense(2, activation="softmax")]
    steps = [keras.Input((10, 6)), layers.LSTM(8), layers.Dense(2, activation="softmax")]
    wanted: Mapping[str, tuple[list[Any], Any]] = {
        "training: convolution, Adam": ([*first, *last], optimizers.Adam()),
        "training: LSTM, Adam": (steps, optimizers.Adam()),
        "training: batch normalization, SGD": (
            [picture, layers.Conv2D(8, 3), layers.BatchNormalization(), *last],
            optimizers.SGD(),
        ),
        "training: convolution, RMSprop": ([*first, *last], optimizers.RMSprop()),
    }
    found = {}
    for name, (parts, optimizer) in wanted.items():
        model = keras.models.clone_model(keras.Sequential(parts))
        model.set_weights([_weights(np, weight) for weight in model.get_weights()])
        model.compile(optimizer, loss)
        inputs, marks = _random(np, 64, *model.input_shape[1:]), np.arange(64) % 2
        model.fit(inputs, marks, batch_size=16, epochs=2, shuffle=False, verbose=0)
        found[name] = [weight for weight in model.get_weights() if weight.dtype == "float32"]
    return found


def _weights(np: Any, like: Any) -> Any:
    is_state = like.dtype != "float32"
    return like if is_state else _random(np, *like.shape) * np.float32(0.4) + np.float32(0.2)


def _random(np: Any, *shape: int) -> Any:
    """Return numbers between -1 and 1 that no kernel had a part in."""
    return np.random.default_rng(3).random(shape, dtype="float32") * np.float32(2) - np.float32(1)


if __name__ == "__main__":
    main()
