"""What a reader does who follows the hint of a faulty model, where no machine can tell."""

from __future__ import annotations

from collections.abc import Mapping

from tests.hints.edits import Edit

TRACEBACK = "the whole traceback is in build.log"
PRINTED = "what it printed last is in build.log"
WAYS_OUT = (TRACEBACK, PRINTED)
"""Where to look: what is to be repaired stands there, and only there."""

MODEL = """\
import keras


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))
"""
ROWS = "  - name: rows\n    x: {normal: true, shape: [8, 4]}\n"
ROWS_OF_5 = ROWS.replace("4]", "5]")
DISTINCT = (
    "add a case with several different rows, such as "
    "`- {name: several, <input>: {normal: true, shape: [8, …]}}`; if it stays the same, the model "
    "ignores its inputs"
)
BATCH = (
    "declare a fixed batch in `input_signature:`, such as `shape: [1, …]`, and give inputs of it"
)
TWICE = """\
import keras


@keras.saving.register_keras_serializable(package="faults")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


def make_model():
    inputs = keras.Input((4,), name="x")
    return keras.Model(inputs, Twice()(inputs))
"""
OBEY = "make the layer obey `training=False`, or write `stochastic: true`"
ONCE = "name each input of the model once, here and in every reference case"


def _whole(hint: str) -> tuple[Edit, ...]:
    """Return the edit that leaves a plain model of the module."""
    return (Edit(hint=hint, file="model.py", new=MODEL, whole=True),)


REPAIRS: Mapping[str, tuple[Edit, ...]] = {
    "config_forgets_argument": (
        Edit(
            hint="return it from `get_config`, as `__init__` takes it",
            file="model.py",
            old='return {**super().get_config(), "units": self.units}',
            new='return {**super().get_config(), "units": self.units, "scale": self.scale}',
        ),
    ),
    "constant_output": (
        Edit(hint=DISTINCT, new="  - {name: several, x: {normal: true, shape: [8, 4]}}\n"),
        Edit(hint=DISTINCT, file="model.py", old=', kernel_initializer="zeros"'),
    ),
    "custom_object_in_function": (
        Edit(
            hint="define it at the top of its module: whoever loads the model must import it",
            file="model.py",
            new=TWICE,
            whole=True,
        ),
        Edit(hint="add `custom_objects: [model:Twice]`", new="custom_objects: [model:Twice]\n"),
    ),
    "factory_arguments": (Edit(hint=TRACEBACK, old="kwargs: {unit: 3}\n"),),
    "factory_cuts_off": _whole(PRINTED),
    "factory_dies": _whole(PRINTED),
    "factory_exits": _whole(TRACEBACK),
    "factory_interrupts": _whole(TRACEBACK),
    "factory_killed": _whole(PRINTED),
    "factory_raises": _whole(TRACEBACK),
    "factory_returns_no_model": _whole("return the model itself from the factory"),
    "import_raises": _whole(TRACEBACK),
    "lambda_layer": (
        Edit(
            hint="no other format is left: change the model as this says, or name one that can "
            "hold it",
            new="allow_lambda: true\n",
        ),
    ),
    "loop_in_tflite": (
        Edit(hint=BATCH, old="shape: [null, 3, 4]", new="shape: [1, 3, 4]"),
        Edit(hint=BATCH, old="shape: [8, 3, 4]", new="shape: [1, 3, 4]"),
    ),
    "loss_forgets_argument": (
        Edit(
            hint="return it from `get_config`, as `__init__` takes it",
            file="model.py",
            old="    def call(",
            new="    def get_config(self):\n"
            '        return {**super().get_config(), "scale": self.scale}\n\n'
            "    def call(",
        ),
        Edit(
            hint="something it was compiled with does not come back whole (a loss whose config "
            "leaves out an argument?); `validation: {resume_steps: 0}` gives up the claim that "
            "training can go on",
            new="validation: {resume_steps: 0}\n",
        ),
    ),
    "nan_output": (
        Edit(
            hint="give inputs in the range that the model was made for, or repair the model",
            old="normal: true",
            new="uniform: [1.0, 2.0]",
        ),
    ),
    "not_compiled": (
        Edit(
            hint="compile the model in the factory, or remove the line and what is empty "
            "without it",
            old="metadata:\n  training: {optimizer: SGD}\n",
        ),
    ),
    "open_time_axis": (
        Edit(
            hint="give the time axis a fixed length in `input_signature`",
            old="input_signature:\n  - {name: x, shape: [null, null, 4]",
            new="input_signature:\n  - {name: x, shape: [null, 3, 4]",
        ),
    ),
    "python_branch": (
        Edit(
            hint="look for Python branches, `training=True` defaults or random layers; or widen "
            "`validation: {tolerance: …}`",
            file="model.py",
            old="        if tf.executing_eagerly():\n            return inputs * 2\n",
        ),
    ),
    "random_at_inference": (Edit(hint=OBEY, new="stochastic: true\n"),),
    "random_augmentation": (
        Edit(
            hint=OBEY,
            file="model.py",
            old="call(self, inputs):\n        return self.flip(inputs, training=True)",
            new="call(self, inputs, training=False):\n"
            "        return self.flip(inputs, training=training)",
        ),
    ),
    "raw_variable": (
        Edit(
            hint="make it with `self.add_weight(…)` or as a `keras.Variable`",
            file="model.py",
            old='tf.Variable(tf.range(4, dtype="float32"))',
            new='self.add_weight(shape=(4,), initializer="uniform")',
        ),
    ),
    "single_number": (
        Edit(hint=DISTINCT, new="  - {name: several, x: {normal: true, shape: [8, 4]}}\n"),
    ),
    "training_by_force": (
        Edit(
            hint="let the layer pass its own `training` on, instead of `training=True`",
            file="model.py",
            old="call(self, inputs):\n        return self.norm(inputs, training=True)",
            new="call(self, inputs, training=False):\n"
            "        return self.norm(inputs, training=training)",
        ),
    ),
    "unknown_inputs": (
        Edit(
            hint="add `input_signature:` with the name, shape and dtype of each input",
            new="input_signature:\n  - {name: x, shape: [null, 4], dtype: float32}\n",
        ),
    ),
    "untracked_array": (
        Edit(
            hint="make them weights (`self.add_weight`), or return them from `get_config`",
            file="model.py",
            old='np.zeros(4, "float32")',
            new='self.add_weight(shape=(4,), initializer="zeros")',
        ),
        Edit(
            hint="make them weights (`self.add_weight`), or return them from `get_config`",
            file="model.py",
            old='shift.offset = np.arange(4, dtype="float32")',
            new='shift.offset.assign(np.arange(4, dtype="float32"))  # self.add_weight',
        ),
    ),
    "vocabulary_changes": (
        Edit(
            hint="the factory must make the same ones each time; or use keras or savedmodel",
            file="model.py",
            old="random.sample(range(8), 8)",
            new="list(range(8))",
        ),
    ),
    "weights_do_not_fit": (
        Edit(
            hint="these weights are of another architecture: train it again, or name its weights",
            old="path: other.weights.h5\n"
            "  sha256: 8a479d8b51cff1db0e4ebecd3365072601265e3bf84f9f203d6ff48b0b276ee2\n",
            new="path: fitting.weights.h5\n"
            "  sha256: c6d41c9f916e23a4d6b43ce0ada5440d886dded84f3f7cf833b8da437df01c67\n",
        ),
    ),
    "writes_at_import": (
        Edit(
            hint="put that under \"if __name__ == '__main__':\", and name what it leaves under "
            "weights:",
            file="model.py",
            old='Path(__file__).with_name("notes.txt").write_text("imported")\n',
            new="if __name__ == '__main__':\n"
            '    Path(__file__).with_name("notes.txt").write_text("imported")\n',
        ),
    ),
    "writes_into_project": (
        Edit(
            hint="write to a folder of tempfile.mkdtemp(), or name what a training script left "
            "there under weights:",
            file="model.py",
            old='Path(__file__).with_name("notes.txt").write',
            new='Path(__import__("tempfile").mkdtemp(), "notes.txt").write',
        ),
    ),
    "writes_beside": (
        Edit(
            hint="reproduce_keras_artifactbuild.py shows it again",
            file="model.py",
            old="        if any(frame.filename == LAST for frame in inspect.stack()):\n"
            '            Path("seen.txt").write_text("loaded")\n',
            new="",
        ),
    ),
    "wrong_dtype": (
        Edit(
            hint="write `dtype: int32`, and give inputs of that dtype",
            old="dtype: float32",
            new="dtype: int32",
        ),
        Edit(
            hint="write `dtype: int32`, and give inputs of that dtype",
            old="{normal: true,",
            new="{integers: [0, 9],",
        ),
    ),
    "wrong_input_names": (
        Edit(
            hint=ONCE,
            old="  - {name: x, shape: [null, 4], dtype: float32}\n",
            new="  - {name: left, shape: [null, 4], dtype: float32}\n"
            "  - {name: right, shape: [null, 4], dtype: float32}\n",
        ),
        Edit(
            hint=ONCE,
            old="    x: {normal: true, shape: [8, 4]}\n",
            new="    left: {normal: true, shape: [8, 4]}\n"
            "    right: {normal: true, shape: [8, 4]}\n",
        ),
    ),
    "wrong_shape": (
        Edit(
            hint="write `shape: [null, 4]`, and give inputs of that shape",
            old="shape: [null, 5]",
            new="shape: [null, 4]",
        ),
        Edit(
            hint="write `shape: [null, 4]`, and give inputs of that shape",
            old="shape: [8, 5]",
            new="shape: [8, 4]",
        ),
    ),
}
