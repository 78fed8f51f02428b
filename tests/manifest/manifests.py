"""A good manifest, and changes to it, for the tests of this folder."""

from __future__ import annotations

from artifactbuild.manifest.text import Document, read

HEAD = """\
schema_version: 1
name: my_model
version: v1
factory: model:make_model
"""
FORMATS = "formats: {keras: {}}\n"
SIGNATURE = "input_signature: [{name: x, shape: [null, 4], dtype: float32}]\n"
REFERENCE = "reference_inputs: [{name: ramp, x: {linspace: [0, 1], shape: [2, 4]}}]\n"


def document(
    rest: str = "",
    *,
    head: str = HEAD,
    formats: str = FORMATS,
    signature: str = SIGNATURE,
    reference: str = REFERENCE,
) -> Document:
    """Read a manifest that is clean as YAML."""
    found = read((head + formats + signature + reference + rest).encode(), "f")
    assert found.problems == ()
    return found


def case(inputs: str) -> str:
    """Write one reference case with the given inputs."""
    return f"reference_inputs: [{{name: ramp, {inputs}}}]\n"
