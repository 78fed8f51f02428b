"""What was asked: `model.artifact.yaml`, from text to frozen nouns.

`text` reads strict YAML with positions, `schema` holds it against the published JSON Schema,
`model` is the outcome, `meaning` and `files` find what a schema cannot, `load` is the door.
Nothing here imports or runs what a manifest names.
"""
