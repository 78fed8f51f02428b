"""Modules that train and save when they are imported are told by their text alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from artifactbuild.manifest.import_time import training

TRAINS = {
    "plainly": "model.fit(x, y)\nmodel.save_weights('model.weights.h5')",
    "by a name": "OUT = 'model.weights.h5'\nmodel.fit(x, y)\nmodel.save_weights(OUT)",
    "beside the module": (
        "from pathlib import Path\nHERE = Path(__file__).resolve().parent\nmodel.fit(x)\n"
        "model.save(HERE / 'model.weights.h5')"
    ),
    "os.path": (
        "import os\nHERE = os.path.dirname(os.path.abspath(__file__))\nmodel.fit(x)\n"
        "model.save(os.path.join(HERE, 'model.weights.h5'))"
    ),
    "in a loop of its own": (
        "for epoch in range(9):\n    optimizer.apply_gradients(pairs)\n"
        "model.save('model.weights.h5')"
    ),
    "by a function": (
        "def main(out='model.weights.h5'):\n    model.fit(x)\n    model.save(out)\n\n\nmain()"
    ),
    "by a function with an argument": (
        "def main(out):\n    model.fit(x)\n    model.save(out)\n\n\nmain('model.weights.h5')"
    ),
    "in a try": "try:\n    model.fit(x)\nfinally:\n    model.save('model.weights.h5')",
    "a function of Keras": "model.fit(x)\nkeras.models.save_model(model, 'model.weights.h5')",
    "a SavedModel": "model.fit(x)\ntf.saved_model.save(model, 'model.weights.h5')",
    "open": "model.fit(x)\nwith open('model.weights.h5', 'wb') as f:\n    f.write(b'')",
    "joblib": "scaler.fit(x)\njoblib.dump(scaler, 'model.weights.h5')",
    "TensorFlow's own writer": "model.fit(x)\ntf.io.write_file('model.weights.h5', b'')",
    "a keyword": "model.fit(x)\nmodel.save(filepath='model.weights.h5')",
    "a condition that holds": (
        "import os\nif not os.path.exists('model.weights.h5'):\n    model.fit(x)\n"
        "    model.save('model.weights.h5')"
    ),
    "a constant": "TRAIN = True\nif TRAIN:\n    model.fit(x)\n    model.save('model.weights.h5')",
}

HARMLESS = {
    "guarded": ("if __name__ == '__main__':\n    model.fit(x)\n    model.save('model.weights.h5')"),
    "guarded the other way round": (
        "def main():\n    model.fit(x)\n    model.save('m')\n\n\n"
        "if '__main__' == __name__:\n    main()"
    ),
    "in a function that nobody calls": "def train():\n    model.fit(x)\n    model.save('m')",
    "trains only": "model.fit(x)",
    "fits a scaler and reads": "scaler.fit(x)\nweights = open('model.weights.h5').read()",
    "writes elsewhere": "model.fit(x)\nmodel.save('/tmp/elsewhere')",
    "writes where nobody knows": "model.fit(x)\nmodel.save(sys.argv[1])",
    "a temporary folder": (
        "import tempfile\nOUT = tempfile.mkdtemp()\nmodel.fit(x)\nmodel.save(OUT + '/m')"
    ),
    "a condition that nobody knows": "if args.train:\n    model.fit(x)\n    model.save('m')",
    "a name that may have changed": (
        "OUT = 'm'\nif x:\n    OUT = '/tmp/m'\nmodel.fit(x)\nmodel.save(OUT)"
    ),
    "another folder": "import os\nos.chdir('/tmp')\nmodel.fit(x)\nmodel.save('m')",
    "a text that is dumped": "model.fit(x)\njson.dump('model', sys.stdout)",
    "a store": "model.fit(x)\nmodel.save('gs://bucket/m')",
    "writes before it trains": "open('log', 'w')\nmodel.fit(x)",
    "an end before": "import sys\nsys.exit()\nmodel.fit(x)\nmodel.save('m')",
    "deeply nested": "model.fit(x)\ny = " + "-" * 900 + "1\nz = " + "f(" * 90 + ")" * 90,
    "a path that no file has": (
        "import os\nif os.path.exists('\\0'):\n    model.fit(x)\n    model.save('m')"
    ),
    "no Python": "def (",
    "itself": "import train\nmodel.fit(x)",
}


@pytest.mark.parametrize("kind", TRAINS)
def test_training_at_import_is_found(project: Path, kind: str) -> None:
    (project / "train.py").write_text(TRAINS[kind] + "\n")
    found = training("train", project, project)
    assert found is not None
    assert found.told(project) == (
        f"importing train.py trains and writes model.weights.h5 (train.py:{found.line})"
    )


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_not_certain_is_let_alone(project: Path, kind: str) -> None:
    (project / "train.py").write_text(HARMLESS[kind] + "\n")
    assert training("train", project, project) is None


def test_modules_that_are_imported_are_read(project: Path) -> None:
    (project / "lib").mkdir()
    (project / "lib" / "__init__.py").touch()
    (project / "lib" / "steps.py").write_text("def run(out):\n    m.fit(x)\n    m.save(out)\n")
    (project / "train.py").write_text("from lib.steps import run\n\nrun('old.keras')\n")
    (project / "model.py").write_text("import train\n")
    found = training("model", project, project)
    assert found is not None
    assert found.told(project) == (
        "importing lib/steps.py trains and writes old.keras (lib/steps.py:3)"
    )


def test_weights_that_are_there_are_not_trained_again(project: Path) -> None:
    (project / "train.py").write_text(TRAINS["a condition that holds"])
    (project / "model.weights.h5").touch()
    assert training("train", project, project) is None
