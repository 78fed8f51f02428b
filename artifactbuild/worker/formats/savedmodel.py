"""The full SavedModel: what servers need, and beside it all that Keras needs to go on training.

A `tf.Module` tracks the model's variables and its optimizer's as two ordered lists, with a `serve`
function of the model's own input structure and the named `serving_default` signature. Architecture
and training configuration lie in `assets.extra/keras/`, the place that the SavedModel format keeps
for its users. https://www.tensorflow.org/guide/saved_model
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from artifactbuild.data import dumps
from artifactbuild.release.record import Loader
from artifactbuild.worker import state
from artifactbuild.worker.canonical import archive, graph
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Subject

EXTRA = "assets.extra/keras"
ALL = ("weight", "seed", "optimizer")


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse layers whose adapted vocabulary lies outside the configuration."""
    return ""


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Save the traced functions and the variables, then what Keras needs beside them."""
    root = tf.Module()
    root.model_variables = state.model_variables(subject.model)
    root.optimizer_variables = state.optimizer_variables(subject.model)
    root.resources = _resources(subject)
    root.serve = _serve(subject)
    tf.saved_model.save(root, str(folder), signatures={"serving_default": subject.serving})
    graph.rewrite(folder)
    extra = folder / EXTRA
    extra.mkdir(parents=True)
    (extra / "config.json").write_text(
        dumps(archive.with_small_ids(subject.config)), encoding="utf-8"
    )


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """TensorFlow and TFSMLayer without any user code; Keras with the custom objects."""
    signature = Loader(
        name="signature",
        summary="TensorFlow, without any of the project's code",
        code=snippets.paragraphs(
            "import tensorflow as tf\n",
            'loaded = tf.saved_model.load(".")\nserving = loaded.signatures["serving_default"]\n',
            "def predict(inputs):\n"
            "    return serving(**{name: tf.constant(value) for name, value in inputs.items()})\n",
        ),
        against="graph",
        sources=False,
    )
    layer = Loader(
        name="tfsm",
        summary="Keras' TFSMLayer, without any of the project's code",
        code=snippets.paragraphs(
            "import keras\n",
            'layer = keras.layers.TFSMLayer(".", call_endpoint="serve")\n',
            f"def predict(inputs):\n    return layer({subject.signature.expression()})\n",
        ),
        against="graph",
        sources=False,
    )
    return (signature, layer, *_keras(subject))


def _keras(subject: Subject) -> tuple[Loader, ...]:
    registered = Loader(
        name="keras",
        summary="Keras, with the modules of the custom objects imported; goes on training",
        code=_restore(subject, snippets.imports_of_declared(subject), "", ""),
        against="eager",
        restores=ALL,
    )
    mapping = f"custom_objects = {snippets.custom_objects(subject)}\n"
    mapped = Loader(
        name="custom_objects",
        summary="Keras, with a custom_objects mapping and nothing registered; goes on training",
        code=_restore(subject, snippets.imports_by_name(subject), mapping, ", custom_objects"),
        against="eager",
        restores=ALL,
        declared=False,
    )
    return snippets.usable(subject, registered, mapped)


def _restore(subject: Subject, imports: str, mapping: str, argument: str) -> str:
    """Return the snippet that rebuilds the Keras model from the SavedModel's own files."""
    lists = ["model_variables=list(restored.variables)"]
    if subject.model.compiled:
        lists.append("optimizer_variables=list(restored.optimizer.variables)")
    call = ",\n    ".join(lists)
    return snippets.paragraphs(
        "import json\n\nimport keras\nimport tensorflow as tf\n" + imports,
        f'{mapping}with open("{EXTRA}/config.json", encoding="utf-8") as file:\n'
        "    config = json.load(file)\n"
        f"restored = keras.saving.deserialize_keras_object(config{argument})\n"
        f"checkpoint = tf.train.Checkpoint(\n    {call},\n)\n"
        'status = checkpoint.read("variables/variables")\n'
        "status.assert_existing_objects_matched().expect_partial()\n",
        snippets.predict(subject),
    )


def _serve(subject: Subject) -> Any:
    """Return the endpoint that takes and gives the model's own structures, as TFSMLayer calls it.

    It calls the one traced graph, so that both endpoints are the same numbers.
    """
    signature, serving = subject.signature, subject.serving
    specs = {t.name: tf.TensorSpec(t.shape, t.dtype, name=t.name) for t in signature.inputs}

    def serve(inputs: Any) -> Any:
        named = signature.named(inputs)
        outputs = serving(**named)
        return outputs["output"] if list(outputs) == ["output"] else outputs

    arranged = signature.arrange(specs)
    return tf.function(serve, autograph=False, input_signature=[arranged])


def _resources(subject: Subject) -> list[Any]:
    """Return the lookup tables and other resources that the model's layers hold."""
    found: dict[int, Any] = {}
    for layer in subject.model._flatten_layers():
        for value in vars(layer).values():
            if isinstance(value, tf.saved_model.experimental.TrackableResource) or hasattr(
                value, "resource_handle"
            ):
                found.setdefault(id(value), value)
    return list(found.values())
