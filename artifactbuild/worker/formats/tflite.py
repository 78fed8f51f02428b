"""`model.tflite`: the traced graph for LiteRT, which runs it without Keras or the project's code.

Only the interpreter's own kernels are used. What needs TensorFlow's (SELECT_TF_OPS) converts, but
no published interpreter runs it, so it could not be proven. https://ai.google.dev/edge/litert
"""

from __future__ import annotations

import re
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from artifactbuild.manifest.leaving import leave_out
from artifactbuild.manifest.model import ReferenceCase
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Histogram, Loader, Record
from artifactbuild.worker import heap, reference
from artifactbuild.worker.blame import Stopped, described
from artifactbuild.worker.formats import calibration, constants, graphs, savedmodel, snippets
from artifactbuild.worker.formats.protocol import Load, Loading, Subject, Trusted
from artifactbuild.worker.inspection import tflite as inspection
from artifactbuild.worker.messages import Finding

FILE = "model.tflite"
OTHERS = "use savedmodel"
PATH = ("formats", "tflite")
NO_KERNELS = frozenset({"float16", "bfloat16", "float64"})
LOOPS = frozenset({"While", "StatelessWhile"})

_MISSING = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")
_ERROR = re.compile(r"error: (?:loc\(.*\): )?(.+)")
_TENSOR_LISTS = "op requires element_shape to be static"
PAYLOAD = re.compile(r"model\.tflite")


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse what the converter could only fail on with a page of its own words."""
    if options["quantization"] == "int8":
        if fault := _not_for_int8(subject):
            return fault
    elif "calibration" in options:
        return "tflite takes a calibration only with `quantization: int8`"
    if graphs.writes_state(subject.serving):
        return f"tflite cannot keep the state that the model changes when it answers; {OTHERS}"
    for layer in subject.model._flatten_layers():
        if layer.compute_dtype in NO_KERNELS and not isinstance(layer, keras.layers.InputLayer):
            return (
                f"tflite computes in float32, and {layer.name!r} in {layer.compute_dtype}; {OTHERS}"
                f"{_halved(layer.compute_dtype)}"
            )
    return ""


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Convert the traced function.

    Raises:
        Stopped: with one line on why the converter would not.
    """
    settled = constants.settled(subject.serving)
    if settled is not subject.serving:
        subject = replace(subject, serving=settled, signatures={}, saved=None)
    with _saved(subject) as saved:
        converter = _converter(subject, options, saved)
        _quantize(converter, subject, options)
        try:
            with heap.kept():
                content = converter.convert()
        except Exception as error:
            traceback.print_exc()
            raise Stopped(_failure(error)) from error
    (folder / FILE).write_bytes(content)


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """The interpreter that TensorFlow carries; `ai_edge_litert` has the same, under its name."""
    code = snippets.paragraphs(
        "import warnings\n\nimport tensorflow as tf\n",
        "with warnings.catch_warnings():\n"
        '    warnings.simplefilter("ignore")  # or ai_edge_litert.interpreter.Interpreter\n'
        f'    interpreter = tf.lite.Interpreter("{FILE}")\n'
        'runner = interpreter.get_signature_runner("serving_default")\n',
        "def predict(inputs):\n    return runner(**inputs)\n",
    )
    interpreter = Loader(
        name="interpreter",
        summary="the LiteRT interpreter, without any of the project's code",
        code=code,
        against="graph",
        exact=False,
        sources=False,
    )
    return (interpreter, graphs.ours())


def inspect(folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault]:
    """Read operators and buffers of the file."""
    yield from inspection.inspect(folder / FILE)


def portable(folder: Path, made: Record) -> Mapping[str, Load]:
    """Return the runtime that users load the file with."""
    how = Loading(custom_objects=None, into=None, safe_mode=True)
    return {"interpreter": lambda: restore(folder, made, how)}


def restore(
    folder: Path, made: Record, how: Loading
) -> Callable[[reference.Arrays], reference.Arrays]:
    """Return the function from arrays by name to arrays by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(str(folder / FILE))
    runner = interpreter.get_signature_runner("serving_default")
    return lambda inputs: dict(runner(**inputs))


@contextmanager
def _saved(subject: Subject) -> Iterator[Path]:
    """Give the folder of a SavedModel, which the converter reads: the one there is, or one more."""
    if subject.saved is not None:
        yield subject.saved
        return
    with tempfile.TemporaryDirectory() as folder:
        savedmodel.write_graph(subject, Path(folder), gradients=False)
        yield Path(folder)


def _converter(subject: Subject, options: Mapping[str, Any], saved: Path) -> Any:
    """Return a converter that keeps the names of inputs and outputs.

    By itself it would save the model once more, which traces as much again: of ResNet50, a quarter
    of the time of all formats. `from_saved_model` would load it twice.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions([subject.serving], tf.Module())

    def prepared(folder: str) -> Any:
        del folder
        tags = {tf.saved_model.SERVING}
        converter.saved_model_dir = str(saved)
        converter._saved_model_tags = tags
        converter._saved_model_exported_names = ["serving_default"]
        converter._parse_saved_model_args(always_enable_saved_model_import=True)
        return converter._load_saved_model(str(saved), tags)

    converter._convert_concrete_functions_to_saved_model = prepared
    # To look for infinities takes the converter most of its time: 0.1 µs for each number.
    converter.canonicalizing_inf_as_min_max_float = _holds_infinity(subject)
    if options["quantization"] != "int8":
        # To share buffers among several graphs, of which there is one, and to say in the file what
        # the record says, each takes the model apart into Python objects and puts it together
        # again: of a large model, half of the time and the peak of memory.
        converter._optimize_tflite_model = _unchanged
        converter.exclude_conversion_metadata = True
    return converter


def _unchanged(model: bytes, *modes: Any, **settings: Any) -> bytes:
    del modes, settings
    return model


def _holds_infinity(subject: Subject) -> bool:
    """Tell whether a number that may go into the file is infinite: the kernels take none.

    Of the weights, the histograms tell, which count what is not finite; NaN does no harm here.
    """
    weights = (each.histogram for each in subject.facts.variables if each.role == "weight")
    return any(map(_is_not_finite, weights)) or any(
        map(_is_infinite, graphs.constants(subject.serving))
    )


def _is_not_finite(histogram: Histogram | None) -> bool:
    return histogram is None or histogram.not_finite > 0


def _is_infinite(array: Any) -> bool:
    kind = array.dtype.kind
    return kind == "V" or (kind == "f" and bool(np.isinf(array).any()))  # V: bfloat16 and its like


def _quantize(converter: Any, subject: Subject, options: Mapping[str, Any]) -> None:
    quantization = options["quantization"]
    if quantization == "none":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif quantization == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = _calibration(subject, options.get("calibration"))
        converter._quantize = calibration.settling(converter)


def _calibration(subject: Subject, file: str | None) -> Callable[[], Iterator[reference.Arrays]]:
    """Return what yields the inputs that the ranges of int8 are read from, case by case."""
    manifest = subject.manifest
    if file is not None:
        case = ReferenceCase(name="calibration", file=file, inputs=())
        manifest = replace(manifest, reference_inputs=(case,))
    try:
        cases = reference.inputs(manifest, subject.signature, Path())
    except Stopped as stopped:
        where = (*PATH, "calibration")
        raise Stopped(*(replace(finding, path=where) for finding in stopped.findings)) from None
    return lambda: iter(cases.values())


def _not_for_int8(subject: Subject) -> str:
    """Refuse what the converter dies of while it quantizes, and takes the process with it."""
    if any(operation.op in LOOPS for operation in graphs.operations(subject.serving)):
        return "tflite in int8 has no loops over time; use `quantization: dynamic`, or unroll them"
    for tensor in subject.signature.inputs:
        if tensor.dtype == "string":
            return f"tflite in int8 cannot calibrate on strings, as {tensor.name!r} takes"
    return ""


def _halved(dtype: str) -> str:
    if dtype != "float16":
        return ""
    return ", or a float32 model with `quantization: float16`, which halves the file as well"


def _failure(error: Exception) -> Finding:
    """Return a converter's page of text as one line: the operations, or its first error."""
    text = str(error)
    hint = leave_out("tflite")
    if missing := sorted(set(_MISSING.findall(text))):
        named = ", ".join(missing)
        return Finding(path=PATH, message=f"tflite has no kernel for {named}; {OTHERS}", hint=hint)
    if _TENSOR_LISTS in text:
        message = "tflite runs a loop over time only with a fixed batch"
        hint = (
            "declare a fixed batch in `input_signature:`, such as `shape: [1, …]`, and give "
            "inputs of it"
        )
        return Finding(path=PATH, message=message, hint=hint)
    found = _ERROR.search(text)
    said = found[1] if found else described(error)
    return Finding(path=PATH, message=f"tflite cannot be converted: {said}", hint=hint)
