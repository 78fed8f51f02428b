"""Names in Keras' configurations: what Keras finds is a building block, whoever declares it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import keras
import pytest

from artifactbuild.release.fault import Fault
from artifactbuild.release.record import CustomObject
from artifactbuild.worker.inspection import blocks, objects
from artifactbuild.worker.inspection.objects import Declaration, Unverified

MODEL = Declaration(targets=frozenset({"model:Scaled"}), locked=False)


def declared(*names: str, target: str = "") -> Any:
    """Return as much of a record as names custom objects."""
    items = [
        CustomObject(
            target=target or f"model:{name.split('>')[-1]}",
            kind="class",
            name=name,
            registered=True,
        )
        for name in names
    ]
    return SimpleNamespace(custom_objects=tuple(items))


def inspect(
    config: Any, made: Any, declaration: Declaration | None = None, *, lambdas: bool = False
) -> list[Any]:
    names = objects.names(made, declaration, lambdas=lambdas)
    return list(objects.inspect(json.dumps(config).encode(), "config.json", "", names))


def kinds(found: list[Any]) -> list[str]:
    return [each.kind if isinstance(each, Fault) else f"? {each.name}" for each in found]


def function(module: Any, name: Any, **more: Any) -> dict[str, Any]:
    return {"class_name": "function", "module": module, "config": name, **more}


def of_class(module: Any, name: Any, **more: Any) -> dict[str, Any]:
    return {"class_name": name, "module": module, "config": {}, "registered_name": None, **more}


OWN = [
    function("keras.applications.imagenet_utils", "decode_predictions"),
    function("keras.applications.resnet50", "ResNet50"),
    function("keras.utils", "get_file"),
    function("keras.src.utils.file_utils", "get_file"),
    function("keras.utils.file_utils", "get_file"),
    function("keras.datasets.mnist", "load_data"),
    function("keras", "utils.get_file"),
    function("keras.ops.numpy", "array_split"),
    function("keras.losses", "get"),
    function("builtins", "deserialize"),
    function("builtins", "serialize"),
    function("keras.tree", "map_structure"),
    function("keras.nowhere", "thing"),
    of_class("keras.utils", "PyDataset"),
    of_class("keras.utils", "get_file"),
    of_class("keras.callbacks", "CSVLogger"),
    of_class("keras.callbacks", "BackupAndRestore"),
    of_class("keras.src.utils.file_utils", "Archive"),
    of_class("keras.export", "ExportArchive"),
    of_class("keras", "Nowhere"),
    of_class("keras.layers", "TFSMLayer"),
    of_class("keras.src.export.tfsm_layer", "TFSMLayer"),
    of_class("keras.layers", "TorchModuleWrapper"),
    of_class(None, "TFSMLayer"),
]


def _spelt(config: dict[str, Any]) -> str:
    name = config["config"] if config["class_name"] == "function" else config["class_name"]
    return f"{config['module']}.{name}"


@pytest.mark.parametrize("config", OWN, ids=_spelt)
@pytest.mark.parametrize("locked", [None, False, True])
def test_no_declaration_makes_keras_own_a_block(config: Any, locked: bool | None) -> None:
    name = config["config"] if config["class_name"] == "function" else config["class_name"]
    targets = frozenset({f"model:{name}"})
    declaration = None if locked is None else Declaration(targets=targets, locked=locked)
    assert kinds(inspect(config, declared(name), declaration)) == ["keras-name"]
    registered = {**config, "registered_name": f"model>{name}"}
    assert kinds(inspect(registered, declared(f"model>{name}"), declaration)) == ["keras-name"]


BLOCKS = [
    function("builtins", "relu"),
    function("builtins", "mean_squared_error", registered_name="function"),
    function("keras.ops", "relu"),
    function("keras.losses", "huber"),
    of_class("keras.layers", "Dense"),
    of_class("keras.layers", "Lambda", config={"function": function("builtins", "relu")}),
    of_class("keras.src.models.functional", "Functional", registered_name="Functional"),
    of_class("keras.src.ops.numpy", "Add", registered_name="Add"),
    of_class("keras", "DTypePolicy"),
    of_class(None, "Dense"),
    of_class("keras.optimizers", "Adam"),
    of_class("keras.initializers", "GlorotUniform"),
    {"class_name": "__tensor__", "config": {"value": 1, "dtype": "int32"}},
]


@pytest.mark.parametrize("config", BLOCKS, ids=lambda config: config["class_name"])
def test_block_needs_no_declaration(config: Any) -> None:
    assert inspect(config, declared()) == []


FOREIGN = [
    function("os", "system"),
    function("subprocess", "check_output"),
    function("builtins", "eval"),
    function("builtins", "__import__"),
    function("numpy", "load"),
    function("tensorflow", "io.read_file"),
    of_class("subprocess", "Popen"),
    of_class("numpy.lib", "NpyFile"),
    of_class("tensorflow.keras.layers", "Dense2"),
    of_class("tf_keras.layers", "Thing"),
    of_class("keras_hub.models", "Backbone"),
    of_class(["keras"], "Dense"),
    of_class("model", ["os", "system"]),
    function("model", {"a": 1}),
    {"class_name": "__typespec__", "config": [], "module": "model", "registered_name": "Scaled"},
    {"class_name": "__elsewhere__", "config": {}, "module": "model"},
]


@pytest.mark.parametrize("config", FOREIGN, ids=lambda config: str(config["class_name"]))
def test_record_alone_cannot_declare_what_is_not_of_the_project(config: Any) -> None:
    name = config["config"] if config["class_name"] == "function" else config["class_name"]
    made = declared(*(n for n in (name, "Scaled", "__typespec__") if isinstance(n, str)))
    assert kinds(inspect(config, made)) == ["keras-object"]


class TestWhoDeclares:
    """The manifest vouches for names; a record alone only claims them."""

    CONFIG = of_class("model", "Scaled", registered_name="shop>Scaled")

    def test_nobody(self) -> None:
        (fault,) = inspect(self.CONFIG, declared())
        assert fault == Fault(
            kind="keras-object",
            file="config.json",
            at="$",
            message="names the class 'model.Scaled', neither a building block of Keras nor a "
            "declared custom object",
            hint="declare it under `custom_objects:` of the manifest, if it is the model's own",
        )

    def test_record_alone(self) -> None:
        assert inspect(self.CONFIG, declared("shop>Scaled")) == [Unverified(name="shop>Scaled")]

    def test_manifest(self) -> None:
        assert inspect(self.CONFIG, declared("shop>Scaled"), MODEL) == []

    def test_manifest_that_declares_another(self) -> None:
        other = Declaration(targets=frozenset({"model:Other"}), locked=False)
        assert kinds(inspect(self.CONFIG, declared("shop>Scaled"), other)) == ["keras-object"]

    def test_record_that_gives_it_another_name(self) -> None:
        """Without a lock nothing ties the name under which it is registered to the manifest."""
        made = declared("shop>Renamed", target="model:Scaled")
        config = of_class("model", "Scaled", registered_name="shop>Renamed")
        assert inspect(config, made, MODEL) == [Unverified(name="shop>Renamed")]

    def test_lock(self) -> None:
        made = declared("shop>Renamed", target="model:Scaled")
        config = of_class("model", "Scaled", registered_name="shop>Renamed")
        assert inspect(config, made, Declaration(targets=frozenset(), locked=True)) == []

    def test_name_that_takes_the_place_of_a_block(self) -> None:
        """Keras takes a registered object first, and its own if nobody registered one."""
        config = of_class("keras.layers", "Dense", registered_name="shop>Scaled")
        assert kinds(inspect(config, declared())) == ["keras-object"]
        assert kinds(inspect(config, declared("shop>Scaled"))) == ["keras-object"]
        assert inspect(config, declared("shop>Scaled"), MODEL) == []


def test_lambda_is_not_declared_away() -> None:
    config = of_class("keras.layers", "Lambda", config={"function": ["4wAAAA==", None, None]})
    made = declared("Lambda", "__lambda__", "shop>Lambda")
    assert kinds(inspect(config, made, Declaration(targets=frozenset(), locked=True))) == ["lambda"]
    inner = {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}
    assert kinds(inspect({"loss": inner}, made)) == ["lambda"]


def test_names_are_found_wherever_keras_looks() -> None:
    evil = function("keras.utils", "get_file")
    for key in ("build_config", "compile_config", "config", "arguments", "output_shape", "other"):
        config = of_class("keras.layers", "Dense", **{key: {"deep": [{"deeper": evil}]}})
        assert kinds(inspect(config, declared("get_file"))) == ["keras-name"], key


def test_keras_takes_what_is_refused_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function of the first case is what safe mode gives back, for a name that is declared."""
    found = keras.saving.deserialize_keras_object(
        {**OWN[0], "registered_name": "decode_predictions"}, safe_mode=True
    )
    assert found is keras.applications.imagenet_utils.decode_predictions


def test_no_block_loads_a_program_under_another_name() -> None:
    class Subclass(keras.layers.TFSMLayer):
        pass

    assert blocks.loads_a_program(Subclass)
    assert not blocks.loads_a_program(keras.layers.Dense)
