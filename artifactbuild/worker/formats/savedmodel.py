"""The full SavedModel: what servers need, and beside it all that Keras needs to go on training.

A `tf.Module` tracks the model's variables and its optimizer's as two ordered lists, with a `serve`
function of the model's own input structure and the named `serving_default` signature. Architecture
and training configuration lie in `assets.extra/keras/`, the place that the SavedModel format keeps
for its users. https://www.tensorflow.org/guide/saved_model
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from artifactbuild.data import dumps
from artifactbuild.manifest.model import Tensor
from artifactbuild.release.fault import Fault
from artifactbuild.release.record import Loader, Record
from artifactbuild.worker import reference, state
from artifactbuild.worker.canonical import archive, savedmodel
from artifactbuild.worker.formats import snippets
from artifactbuild.worker.formats.protocol import Load, Loading, Subject, Trusted
from artifactbuild.worker.inspection import checkpoint, npz, objects
from artifactbuild.worker.inspection import savedmodel as inspection
from artifactbuild.worker.signature import arranged
from artifactbuild.worker.undrawn import undrawn

EXTRA = "assets.extra/keras"
LAYERS = "layers"
VARIABLES = "variables/variables"
ALL = ("weight", "seed", "optimizer")
PAYLOAD = re.compile(
    r"saved_model\.pb|fingerprint\.pb|variables/variables\.(index|data-00000-of-00001)"
    r"|assets/[^/]+|assets\.extra/keras/config\.json"
    r"|assets\.extra/keras/layers/\d{4}/[^/]+"
)


def refusal(subject: Subject, options: Mapping[str, Any]) -> str:
    """Refuse what Keras could not give back as it is."""
    return subject.flaw


def write(subject: Subject, options: Mapping[str, Any], folder: Path) -> None:
    """Save the traced functions and the variables, then what Keras needs beside them."""
    write_graph(subject, folder)
    extra = folder / EXTRA
    extra.mkdir(parents=True)
    config = archive.canonical_config(subject.config)
    (extra / "config.json").write_text(dumps(config), encoding="utf-8")
    state.save_side(subject.model, extra / LAYERS)


def write_graph(subject: Subject, folder: Path, *, gradients: bool = True) -> None:
    """Save what needs no Keras to be run: the traced functions and the variables.

    Custom gradients are left out where nobody trains: those of a function that was traced from a
    graph cannot be saved.
    """
    root = tf.Module()
    root.model_variables = _tracked(state.model_variables(subject.model))
    root.optimizer_variables = _tracked(state.optimizer_variables(subject.model))
    root.resources = _resources(subject)
    root.assets = [tf.saved_model.Asset(path) for path in subject.manifest.assets]
    root.serve = _serve(subject)
    signatures = {"serving_default": subject.serving, **subject.signatures}
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=gradients)
    tf.saved_model.save(root, str(folder), signatures=signatures, options=options)
    savedmodel.rewrite(folder)


def loaders(subject: Subject, options: Mapping[str, Any]) -> tuple[Loader, ...]:
    """TensorFlow and TFSMLayer without any user code; Keras with the custom objects."""
    layer = Loader(
        name="tfsm",
        summary="Keras' TFSMLayer, without any of the project's code",
        code=snippets.paragraphs(
            "import keras\n",
            f'layer = keras.layers.TFSMLayer(".", call_endpoint="serve"{_dtype(subject)})\n',
            f"def predict(inputs):\n    return layer({subject.signature.expression()})\n",
        ),
        against="graph",
        sources=False,
    )
    further = [_signature(name, reference.SIGNATURE + name) for name in subject.signatures]
    stock = (_signature("serving_default", "graph"), layer, *further, *_keras(subject))
    return (*stock, snippets.ours(subject, ALL))


def inspect(folder: Path, made: Record, trusted: Trusted) -> Iterator[Fault | objects.Unverified]:
    """Read graph, checkpoint, Keras' configuration and what layers keep aside."""
    yield from inspection.inspect(folder, trusted.operations)
    yield from checkpoint.inspect(folder, VARIABLES)
    config = f"{EXTRA}/config.json"
    names = objects.names(made, trusted.declaration, lambdas=trusted.lambdas)
    yield from objects.inspect((folder / config).read_bytes(), config, "", names)
    for name in sorted(made.files):
        if name.startswith(f"{EXTRA}/{LAYERS}/") and name.endswith(".npz"):
            yield from npz.inspect(folder / name, name)


def portable(folder: Path, made: Record) -> Mapping[str, Load]:
    """Return TensorFlow's loader for each signature, and TFSMLayer."""
    against = [loader.against for loader in made.loaders]
    further = [a.removeprefix(reference.SIGNATURE) for a in against if reference.SIGNATURE in a]
    return {
        "signature": lambda: _signed(folder, "serving_default"),
        "tfsm": lambda: _layered(folder, made),
        **{f"signature_{name}": partial(_signed, folder, name) for name in further},
    }


def _signed(folder: Path, name: str) -> Any:
    loaded = tf.saved_model.load(str(folder))
    serving = loaded.signatures[name]
    serving.owner = loaded  # its variables go with what was loaded
    return lambda inputs: serving(**{key: tf.constant(value) for key, value in inputs.items()})


def _layered(folder: Path, made: Record) -> Any:
    layer = keras.layers.TFSMLayer(
        str(folder), call_endpoint="serve", dtype=_float(made.input_signature)
    )
    return lambda inputs: layer(arranged(made.structure, inputs))


def restore(folder: Path, made: Record, how: Loading) -> keras.Model:
    """Rebuild the Keras model with its optimizer, its seeds and what its layers keep aside."""
    config = json.loads((folder / EXTRA / "config.json").read_text(encoding="utf-8"))
    model = undrawn(
        lambda: keras.saving.deserialize_keras_object(
            config, how.custom_objects, safe_mode=how.safe_mode
        )
    )
    state.load_side(model, folder / EXTRA / LAYERS)
    state.complete(model)
    saved = tf.train.Checkpoint(
        model_variables=state.model_variables(model),
        optimizer_variables=state.optimizer_variables(model),
    )
    status = saved.read(str(folder / VARIABLES))
    status.assert_existing_objects_matched().expect_partial()
    state.finalize(model)
    return model


def _tracked(held: Sequence[Any]) -> list[Any]:
    """Return what is held, with TensorFlow's variables in place of Keras' wrappers.

    Of a wrapper the graph would restore a copy of its own: `tf.saved_model.load` sees no
    difference, but a server, which runs the graph's own restore function, finds the variables that
    the signatures read uninitialized.
    """
    return [each.value if isinstance(each, keras.Variable) else each for each in held]


def _signature(name: str, against: str) -> Loader:
    own = name == "serving_default"
    return Loader(
        name="signature" if own else f"signature_{name}",
        summary=f"TensorFlow, the signature {name}, without any of the project's code",
        code=snippets.paragraphs(
            "import tensorflow as tf\n",
            f'loaded = tf.saved_model.load(".")\nserving = loaded.signatures["{name}"]\n',
            "def predict(inputs):\n"
            "    return serving(**{name: tf.constant(value) for name, value in inputs.items()})\n",
        ),
        against=against,
        sources=False,
    )


def _keras(subject: Subject) -> tuple[Loader, ...]:
    registered = Loader(
        name="keras",
        summary="Keras, with the modules of the custom objects imported; goes on training",
        code=_restore(subject, snippets.imports_of_declared(subject), "", snippets.trust(subject)),
        against="eager",
        restores=ALL,
        resumes=subject.model.compiled,
    )
    imports, mapping, argument = snippets.mapped(subject)
    mapped = replace(
        registered,
        name="custom_objects",
        summary="Keras, with a custom_objects mapping and nothing registered; goes on training",
        code=_restore(subject, imports, mapping, argument),
        declared=False,
    )
    if state.has_side(subject.model):
        return ()
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


def _dtype(subject: Subject) -> str:
    """Return the argument that keeps Keras from casting inputs to float32."""
    dtype = _float(subject.signature.inputs)
    return f', dtype="{dtype}"' if dtype else ""


def _float(inputs: Iterable[Tensor]) -> str | None:
    """Return the one float dtype of the inputs, None if it is Keras' own choice anyway."""
    floats = {tensor.dtype for tensor in inputs if "float" in tensor.dtype}
    return floats.pop() if len(floats) == 1 and floats != {"float32"} else None


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
    """Return the lookup tables, RNN states and other resources that the model's layers hold."""
    known = {id(variable) for variable in subject.model.variables}
    found: dict[int, Any] = {}
    for layer in subject.model._flatten_layers():
        for value in _held(vars(layer).values()):
            if id(value) not in known and _is_resource(value):
                found.setdefault(id(value), value)
    return _tracked(list(found.values()))


def _held(values: Iterable[Any]) -> Iterator[Any]:
    """Yield values, and those in lists and tuples of them."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _held(value)
        else:
            yield value


def _is_resource(value: Any) -> bool:
    kinds = (tf.saved_model.experimental.TrackableResource, tf.Variable, keras.Variable)
    return isinstance(value, kinds) or hasattr(value, "resource_handle")
