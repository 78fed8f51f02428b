"""A declarative build system for TensorFlow and Keras model artifacts.

The manifest is the only input, the published version directory is the only output, the lock is the
only memory, and data moves one way:

    model.artifact.yaml -> Manifest -> Plan -> staged artifacts -> Checks -> Record -> version, lock
                           manifest/   plan    worker/             worker/   release/  release/

A corridor and three wings: `manifest` is what was asked, `worker` is what makes (and all that
imports TensorFlow), `release` is what is kept. `pipeline` walks through them in order; `commands`
holds one verb a file. `reproduction` and `relock` make a released version again: one compares it
with its lock, one lets the lock accept other inputs of the same payload. `entry` says again what
was said while nothing has changed, `cli` runs all else; nothing but these two exits.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    import keras

    from artifactbuild.problems import Problem, Refusal

__all__ = ["Problem", "Refusal", "load"]


def load(
    path: str | Path,
    custom_objects: Mapping[str, Any] | None = None,
    *,
    weights_into: keras.Model | None = None,
    allow_lambda: bool = False,
    expect: str | None = None,
) -> Any:
    """Load a published artifact, after its digests were checked.

    Returns what the artifact is: a Keras model with its optimizer and seed states (`savedmodel`,
    `keras`, `h5`), a function from arrays by name to arrays by name (`tflite`, `onnx`), or
    `weights_into`, filled (`weights`, `weights_h5`).

    Args:
        path: the version's folder, `artifacts/<model>/<format>/<version>`.
        custom_objects: classes and functions by name, `Name` or `Package>Name`; not needed for
            those that are registered.
        weights_into: a model of the same architecture, for the formats that hold weights alone.
        allow_lambda: run the Python bytecode of Lambda layers; only if you trust who made it.
        expect: which artifact it must be, `MODEL[@VERSION][/FORMAT]`, such as `digits@v1/keras`.

    The files are copied into a private temporary folder while they are hashed, and loaded from
    there, so that nobody can exchange them in between. The logger `artifactbuild` names at level
    INFO the artifact that the metadata states.

    Raises:
        Refusal: when a file is missing, extra or changed, when the artifact is in the place of a
            different one or is not the expected one, when the temporary folder has no room, when
            the weights do not fit, or when this system or this Python is not supported.
        ValueError: when `expect` is not of that form.
    """
    # Importing this package must not start TensorFlow, nor cost what a command need not.
    from pathlib import Path

    _hold_platform()
    from artifactbuild.worker.load import load as load_artifact

    return load_artifact(
        Path(path), custom_objects, weights_into, allow_lambda=allow_lambda, expect=expect
    )


def _hold_platform() -> None:
    """Raise Refusal where artifacts cannot be loaded by us, before an import of ours fails."""
    from artifactbuild import supported
    from artifactbuild.problems import Problem, Refusal

    refused = supported.refused()
    if refused is not None:
        place, message, hint = refused
        raise Refusal(Problem(file=place, message=message, hint=hint))


def __getattr__(name: str) -> Any:
    """Import what is asked for: whoever learns that nothing changed needs none of it."""
    if name in ("Problem", "Refusal"):
        from artifactbuild import problems

        return getattr(problems, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
