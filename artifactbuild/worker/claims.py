"""What the manifest says, held against the model: metadata that lies does not build."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from artifactbuild.manifest.model import Manifest
from artifactbuild.release.record import CustomObject
from artifactbuild.worker import state
from artifactbuild.worker.messages import Finding


def training(manifest: Manifest, model: keras.Model) -> list[Finding]:
    """Return a finding for each of optimizer, loss and metrics that the model contradicts."""
    claims = manifest.training
    config = state.training_config(model)
    claimed = [key for key in ("optimizer", "loss", "metrics") if claims.get(key)]
    if config is None:
        return [_not_compiled(key) for key in claimed]
    checks = {"optimizer": _optimizer, "loss": _loss, "metrics": _metrics}
    return [finding for key in claimed for finding in checks[key](claims[key], config.get(key))]


def lambdas(config: Any) -> tuple[str, ...]:
    """Return the names of the layers whose configuration holds Python bytecode."""
    if isinstance(config, (list, tuple)):
        return tuple(name for item in config for name in lambdas(item))
    if not isinstance(config, Mapping):
        return ()
    own = config.get("config")
    if isinstance(own, Mapping) and _is_lambda(own.get("function")):
        return (str(own.get("name", config.get("class_name"))),)
    here = tuple(str(key) for key, value in config.items() if _is_lambda(value))
    return (*here, *(name for value in config.values() for name in lambdas(value)))


def held_back(model: keras.Model) -> list[Finding]:
    """Return a finding for each raw `tf.Variable` that a layer holds: Keras does not save it."""
    return [
        Finding(
            path=("factory",),
            message=f"layer {layer.name!r} ({type(layer).__name__}) holds the tf.Variable "
            f"{name!r}, which Keras does not save",
            hint="make it with `self.add_weight(…)` or as a `keras.Variable`",
        )
        for layer in model._flatten_layers()
        if not _is_keras(type(layer).__module__)
        for name, value in vars(layer).items()
        if isinstance(value, tf.Variable)
    ]


def not_whole(model: keras.Model) -> str:
    """Say which Keras loss has a configuration that leaves out how it was made."""
    wrapper = keras.src.losses.losses.LossFunctionWrapper
    for loss in keras.tree.flatten(model.loss):
        if not isinstance(loss, wrapper):
            continue
        again = type(loss).from_config(loss.get_config())
        if again._fn_kwargs != loss._fn_kwargs:
            return (
                f"Keras does not keep the arguments of the loss {type(loss).__name__}: "
                f"{loss._fn_kwargs} would come back as {again._fn_kwargs}; wrap it in a loss of "
                "your own, or give up the claim that training can go on: "
                "`validation: {resume_steps: 0}`"
            )
    return ""


def retrained(model: keras.Model) -> str:
    """Say that `trainable` was changed after compiling: the optimizer would reload fresh."""
    fault = state.trained_otherwise(model)
    if not fault:
        return ""
    return f"`trainable` was changed after compiling: {fault}; compile again after changing it"


def declared(
    manifest: Manifest, objects: tuple[Any, ...], config: Any, model: keras.Model
) -> tuple[tuple[CustomObject, ...], list[Finding]]:
    """Describe the declared custom objects; find those that the model needs beside them."""
    needed = {need["name"]: need for need in needs(config)}
    described = tuple(
        _described(str(target), obj, needed, model)
        for target, obj in zip(manifest.custom_objects, objects, strict=True)
    )
    known = {item.name for item in described}
    missing = [needed[name] for name in sorted(set(needed) - known)]
    return described, [_undeclared(need, manifest) for need in missing]


def summary(config: Any) -> Any:
    """Return the names in a loss or metrics configuration: None, one name, or a list of names."""
    names = _names(config)
    return (names[0] if len(names) == 1 and not isinstance(config, list) else names) or None


def optimizer(config: Any) -> str:
    """Return the name of an optimizer by its configuration, without what wraps it."""
    return _names(config["config"].get("inner_optimizer") or config)[0]


def _optimizer(claim: str, config: Any) -> list[Finding]:
    real = optimizer(config)
    if _canonical(claim) == _canonical(real):
        return []
    return [_lie("optimizer", repr(claim), repr(real), real)]


def _loss(claim: Any, config: Any) -> list[Finding]:
    stated, real = _names(claim), _names(config)
    if list(map(_loss_name, stated)) == list(map(_loss_name, real)):
        return []
    return [_lie("loss", _shown(stated), _shown(real), _yaml(real))]


def _metrics(claim: Any, config: Any) -> list[Finding]:
    stated, real = _names(claim), _names(config)
    if sorted(map(_metric_name, stated)) == sorted(map(_metric_name, real)):
        return []
    return [_lie("metrics", _shown(stated), _shown(real), f"[{', '.join(real)}]")]


def _lie(key: str, stated: str, real: str, line: str) -> Finding:
    return Finding(
        path=("metadata", "training", key),
        message=f"metadata says {key} {stated}, but the model was compiled with {real}",
        hint=f"write `{key}: {line}`, or compile the model with what the manifest says",
    )


def _not_compiled(key: str) -> Finding:
    return Finding(
        path=("metadata", "training", key),
        message=f"metadata names {key}, but the factory returned a model that is not compiled",
        hint="compile the model in the factory, or remove the line and what is empty without it",
    )


def _names(entry: Any) -> list[str]:
    """Return the names in a string, a serialized object, or nested lists and mappings of them."""
    if entry is None:
        return []
    if isinstance(entry, str):
        return [entry]
    if isinstance(entry, Mapping) and "class_name" in entry:
        is_function = entry["class_name"] == "function"
        return [entry["config"] if is_function else entry["class_name"]]
    if isinstance(entry, Mapping):
        return [name for key in sorted(entry) for name in _names(entry[key])]
    return [name for item in entry for name in _names(item)]


def _canonical(name: str) -> str:
    return name.replace("_", "").lower()


def _loss_name(name: str) -> str:
    return _canonical(_spelled_out(name, keras.losses))


def _metric_name(name: str) -> str:
    return _canonical(_spelled_out({"acc": "accuracy"}.get(name, name), keras.metrics))


def _spelled_out(name: str, module: Any) -> str:
    """Return the full name of a Keras abbreviation, such as mse; any other name as it is."""
    try:
        found = module.get(name)
    except ValueError:
        return name
    return getattr(found, "__name__", None) or type(found).__name__


def _shown(names: list[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _yaml(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def needs(config: Any) -> Iterator[dict[str, Any]]:
    """Yield name, module, attribute, config keys of each custom object that a config speaks of.

    Of a function the module is None, and the keys too.
    """
    if isinstance(config, (list, tuple)):
        for item in config:
            yield from needs(item)
    if not isinstance(config, Mapping):
        return
    name, module = config.get("registered_name"), config.get("module")
    if config.get("class_name") == "function" and isinstance(config.get("config"), str):
        if not _is_keras_function(config["config"]):
            name = config["config"]
            yield {"name": name, "module": None, "attribute": name.split(">")[-1], "keys": None}
    elif name and "class_name" in config and not _is_keras(module or ""):
        keys = config["config"] if isinstance(config.get("config"), Mapping) else {}
        attribute = config["class_name"]
        yield {"name": name, "module": module, "attribute": attribute, "keys": frozenset(keys)}
    for value in config.values():
        yield from needs(value)


def _is_keras_function(name: str) -> bool:
    """Tell whether a name, without a package, is one of Keras' own functions."""
    own = (keras.losses, keras.metrics, keras.activations, keras.initializers, keras.ops)
    return any(getattr(getattr(m, name, None), "__module__", "").startswith("keras") for m in own)


def _is_keras(module: str) -> bool:
    return module.split(".")[0] == "keras"


def _is_lambda(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__lambda__"


def _described(
    target: str, obj: Any, needed: Mapping[str, Any], model: keras.Model
) -> CustomObject:
    name = keras.saving.get_registered_name(obj)
    keys = needed.get(name, {}).get("keys")
    return CustomObject(
        target=target,
        kind="class" if inspect.isclass(obj) else "function",
        name=name,
        registered=keras.saving.get_registered_object(name) is obj,
        forgets=() if keys is None else _forgotten(obj, keys),
        arrays=_arrays(obj, model),
    )


def _arrays(obj: Any, model: keras.Model) -> tuple[str, ...]:
    layers = [layer for layer in model._flatten_layers() if type(layer) is obj]
    names = {k for layer in layers for k, v in vars(layer).items() if isinstance(v, np.ndarray)}
    return tuple(sorted(names))


def _forgotten(cls: Any, keys: frozenset[str]) -> tuple[str, ...]:
    """Return the arguments of `__init__` that are not in the config: they reload as defaults."""
    if not inspect.isclass(cls):
        return ()
    if issubclass(cls, keras.Model):
        keys = keys | {"inputs", "outputs"}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return tuple(p.name for p in parameters if p.kind in named and p.name not in keys)


def unreachable(name: str) -> Finding:
    """Return the finding for an object that nobody can import."""
    return Finding(
        path=("factory",),
        message=f"the model uses the custom object {name!r}, which no module has under that name",
        hint="define it at the top of its module: whoever loads the model must import it",
    )


def _undeclared(need: Mapping[str, Any], manifest: Manifest) -> Finding:
    name, module = need["attribute"], need["module"] or manifest.factory.module
    if module in sys.modules and not hasattr(sys.modules[module], name):
        return unreachable(name)
    target = f"{module}:{name}"
    line = f"add `- {target}`" if manifest.custom_objects else f"add `custom_objects: [{target}]`"
    return Finding(
        path=("custom_objects",) if manifest.custom_objects else ("factory",),
        message=f"the model uses the custom object {name!r}, which the manifest does not declare",
        hint=line,
    )
