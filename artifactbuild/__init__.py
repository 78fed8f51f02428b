"""A declarative build system for TensorFlow and Keras model artifacts.

The manifest is the only input, the published version directory is the only output, the lock is the
only memory, and data moves one way:

    model.artifact.yaml -> Manifest -> Plan -> staged artifacts -> Checks -> Record -> version, lock
                           manifest/   plan    worker/             worker/   release/  release/

A corridor and three wings: `manifest` is what was asked, `worker` is what makes (and all that
imports TensorFlow), `release` is what is kept. `pipeline` walks through them in order; `commands`
holds one verb a file; `cli` is the only place that exits.
"""
