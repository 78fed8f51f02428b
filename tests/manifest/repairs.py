"""What a reader does who follows the hints of the broken manifests, where no machine can tell.

A hint that spells its edit out (`did you mean 'X'?`, `write KEY: VALUE`) is applied by machine. For
the others stand here the edit and the hint that it follows, word for word.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tests.hints.edits import Edit

RAMP = "features: {linspace: [-1.0, 1.0], shape: [1, 4]}"
GOOD = f"""\
schema_version: 1
name: my_model
version: v1
factory: model:make_model
formats:
  keras: {{}}
input_signature:
  - {{name: features, shape: [null, 4], dtype: float32}}
reference_inputs:
  - name: ramp
    {RAMP}
"""
KEYS = (
    "allow_lambda, assets, card, custom_objects, evaluate, factory, formats, input_signature, "
    "kwargs, metadata, name, processor, reference_inputs, schema_version, seed, signatures, "
    "stochastic, validation, version, weights"
)
DEFINED = "it defines: ScaledDense, make_model"
FORMATS = "h5, keras, onnx, savedmodel, tflite, weights, weights_h5"
DECIMAL = "write it in decimal, or quote it where text is meant"
PATH = "copy it into the project, and write its path from the manifest's folder, with '/'"
SMALLER = "write a smaller one, or quote it where text is meant"
COPY = "copy the file into the project"
ONE = "keep one of the two"


def _saved(name: str, **arrays: object) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        np.savez(folder / name, **{key: np.asarray(given) for key, given in arrays.items()})

    return save


ROWS = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)

FILES: Mapping[str, Callable[[Path], None]] = {
    "reference_dtype": _saved("rows_float64.npz", features=ROWS),
    "reference_missing_array": _saved("rows_unnamed.npz", features=ROWS),
    "reference_not_npz": _saved("rows_written.npz", features=ROWS),
    "reference_pickled": _saved("rows_pickled.npz", features=ROWS),
    "rows_empty": _saved("rows_empty.npz", features=ROWS),
    "rows_of_two_sizes": _saved("rows_of_two_sizes.npz", features=ROWS, mask=ROWS),
    "reference_shape": _saved("rows_wide.npz", features=ROWS),
}
"""What is saved anew because a hint says so."""

REPAIRS: Mapping[str, tuple[Edit, ...]] = {
    "argument_renamed": (Edit(hint="rename it", old="a-b", new="a_b"),),
    "case_without_inputs": (
        Edit(
            hint="add 'file: rows.npz', or a generator for each input", new="    file: rows.npz\n"
        ),
    ),
    "empty_range": (Edit(hint="widen the range", old="[1.0, 1.0]", new="[1.0, 2.0]"),),
    "integer_too_large": (Edit(hint=SMALLER, old="9" * 23, new="9" * 9),),
    "integers_out_of_range": (
        Edit(hint="keep them between 0 and 255", old="[0, 300]", new="[0, 255]"),
    ),
    "key_is_a_list": (Edit(hint="write a plain key", old="? [a, b] :", new="a_b:"),),
    "missing_dtype": (
        Edit(
            hint="add 'dtype' (the dtype of the input)",
            old="shape: [null, 4]}",
            new="shape: [null, 4], dtype: float32}",
        ),
    ),
    "missing_shape": (Edit(hint="add 'shape'", old="1.0]}", new="1.0], shape: [1, 4]}"),),
    "module_nowhere": (
        Edit(
            hint="it is sought in the manifest's folder, the project and the installed packages",
            old="completely_other",
            new="model",
        ),
    ),
    "name_too_long_for_a_file": (
        Edit(
            hint="name a file by a relative path of ordinary characters",
            old="t" * 300,
            new="model.py",
        ),
    ),
    "number_too_large": (Edit(hint=SMALLER, old="1.0e999", new="1.0e9"),),
    "path_nowhere": (
        Edit(
            hint="paths are relative to the manifest's folder",
            old="nothing_like_it.md",
            new="model.py",
        ),
    ),
    "rows_empty": (Edit(hint="save at least one"),),
    "rows_of_two_sizes": (Edit(hint="save the same number of rows of each"),),
    "shape_beside_values": (Edit(hint="remove 'shape'; the values tell it", old=", shape: [4]"),),
    "target_of_one_word": (
        Edit(
            hint="write the module that defines it, a colon and its name",
            old="[ScaledDense]",
            new="[model:ScaledDense]",
        ),
    ),
    "unknown_key_given_already": (
        Edit(
            hint=f"remove it: 'keras' is given already; formats are: {FORMATS}",
            old="  kears: {}\n",
        ),
    ),
    "unknown_key_of_normal": (
        Edit(hint="keys here are: mean, stddev", old="sigma: 1", new="stddev: 1"),
    ),
    "value_in_list": (
        Edit(hint="shorten it", old="english", new="eng"),
        Edit(hint="for example en", old="eng", new="en"),
    ),
    "value_without_shape": (
        Edit(
            hint="add 'shape', which the value fills, or write a list",
            old="values: 3.0",
            new="values: 3.0, shape: [1, 4]",
        ),
    ),
    "values_mixed": (Edit(hint="write one kind", old="[1.0, one]", new="[1.0, 2.0]"),),
    "values_shape": (
        Edit(
            hint="give values of shape [1, 4]",
            old="[1.0, 2.0, 3.0]",
            new="[1.0, 2.0, 3.0, 4.0]",
        ),
    ),
    "absolute_path": (
        Edit(
            hint=PATH,
            old="/etc/hostname",
            new="copied/hostname",
        ),
        Edit(hint="", file="copied/hostname", new="a template\n"),
    ),
    "alias": (
        Edit(
            hint="remove it; a value is written where it is used",
            old="&options ",
        ),
        Edit(hint="write the value out", old="*options", new="{}"),
    ),
    "all_at_once": (
        Edit(hint="paths are relative to the manifest's folder", old="nowhere.npz", new="rows.npz"),
        Edit(
            hint="paths are relative to the manifest's folder",
            old="run43.weights.h5",
            new="weights.bin",
        ),
        Edit(hint=DEFINED, old="[model:Nowhere]", new="[model:ScaledDense]"),
        Edit(
            hint="run `sha256sum` on the file, and write the digits that it prints",
            old="sha256: 1",
            new="sha256: 2e33f43c9045c19783946d2622c8deacc86f30f3f9b4568dad6ffa2e03ab95b2",
        ),
    ),
    "batch_sizes_differ": (
        Edit(
            hint="give all inputs of a case the same first size",
            old="shape: [2, 4]",
            new="shape: [1, 4]",
        ),
    ),
    "custom_object_missing": (Edit(hint=DEFINED, old="WeightedMSE", new="make_model"),),
    "custom_object_twice": (Edit(hint="remove one of the two", old=", model:ScaledDense"),),
    "deep_nesting": (Edit(hint="flatten it", old="[" * 40 + "]" * 40, new="[]"),),
    "directive": (Edit(hint="remove the '%' line", old="%YAML 1.1\n---\n"),),
    "duplicate_case": (
        Edit(hint="rename one of the two", old="ramp\n    file", new="rows\n    file"),
    ),
    "duplicate_input": (
        Edit(
            hint="rename one of the two",
            old="{name: features, shape: [null, 1]",
            new="{name: mask, shape: [null, 1]",
        ),
        Edit(
            hint="add 'mask'; generators for int32 are: integers, ones, values, zeros",
            old=RAMP,
            new=RAMP + "\n    mask: {ones: true, shape: [1, 1]}",
        ),
    ),
    "duplicate_key": (Edit(hint=ONE, old="name: other_model\n"),),
    "empty_formats": (
        Edit(hint=f"add one of: {FORMATS}", old="formats: {}", new="formats: {keras: {}}"),
    ),
    "factory_missing_submodule": (
        Edit(hint="modules in it are: none, it is a single file", old="model.layers", new="model"),
    ),
    "factory_syntax_error": (
        Edit(
            hint="repair it; it is named by factory_syntax_error.yaml:4",
            file="syntax_error.py",
            old="def make_model()",
            new="def make_model():",
        ),
    ),
    "file_and_inputs": (Edit(hint="keep either 'file' or the inputs", old="    file: rows.npz\n"),),
    "folder_as_file": (
        Edit(hint="name a regular file", old="template: .", new="template: model.py"),
    ),
    "generator_dtype": (
        Edit(
            hint="generators for int32 are: integers, ones, values, zeros",
            old="linspace: [-1.0, 1.0]",
            new="integers: [-1, 1]",
        ),
    ),
    "invisible_escape": (Edit(hint="remove its escape", old="\\u202E"),),
    "key_not_a_string": (
        Edit(hint="write a name of letters, digits and '_' instead", old="1: one", new="one_: 1"),
    ),
    "list_of_manifest": (
        Edit(
            hint="begin with 'schema_version: 1', not indented",
            old="- " + textwrap.indent(GOOD, "  ")[2:],
            new=GOOD,
        ),
    ),
    "many_at_once": (
        Edit(hint=ONE, old="seed: 2\n"),
        Edit(hint="write an integer here", old="seed: 1.5", new="seed: 1"),
        Edit(hint="write a number that is at least 1", old="[0,", new="[1,"),
        Edit(hint=DECIMAL, old="0x4", new="4"),
        Edit(
            hint=f"remove it: 'version' is given already; keys here are: {KEYS}",
            old="verison: v1\n",
        ),
    ),
    "merge_key": (Edit(hint="write the keys out", old="<<: {h5: {}}", new="h5: {}"),),
    "missing_input": (
        Edit(
            hint="add 'mask'; generators for bool are: ones, values, zeros",
            new="    mask: {ones: true, shape: [1, 4]}\n",
        ),
    ),
    "no_reference": (Edit(hint="add what is missing", old="[]", new=f"[{{name: ramp, {RAMP}}}]"),),
    "not_finite": (
        Edit(
            hint="write a finite number, or quote it where text is meant", old="-.inf", new="-1.5"
        ),
    ),
    "not_utf8": (Edit(hint="save the file as UTF-8", old="\udce9", new="é"),),
    "octal_number": (Edit(hint=DECIMAL, old="010", new="8"),),
    "path_escapes": (
        Edit(hint=COPY, old="../" * 10 + "etc/hostname", new="hostname"),
        Edit(hint="", file="hostname", new="a template\n"),
    ),
    "ragged_values": (
        Edit(hint="give every row the same length", old="[5.0, 6.0]", new="[5.0, 6.0, 7.0, 8.0]"),
    ),
    "reference_dtype": (Edit(hint="save it as float32, or change the input's dtype"),),
    "reference_missing_array": (
        Edit(hint="save it as 'features'; it holds: arr_0"),
        Edit(hint="remove or rename it; declared inputs are: features"),
    ),
    "reference_not_npz": (
        Edit(hint="write it with numpy.savez", old="weights.bin", new="rows_written.npz"),
    ),
    "reference_pickled": (Edit(hint="save plain arrays"),),
    "reference_shape": (Edit(hint="save it in that shape, or change the input's shape"),),
    "seed_out_of_range": (
        Edit(hint="write a number that is at least 0", old="seed: -1", new="seed: 0"),
    ),
    "seed_without_randomness": (Edit(hint="keys here are: linspace, shape", old="seed: 3, "),),
    "short_sha256": (
        Edit(
            hint="run `sha256sum` on the file, and write the digits that it prints",
            old="sha256: 2e33f43c9045",
            new="sha256: 2e33f43c9045c19783946d2622c8deacc86f30f3f9b4568dad6ffa2e03ab95b2",
        ),
    ),
    "syntax_error": (
        Edit(hint="quote a value that holds ': '", old="first: second", new="'first: second'"),
    ),
    "tag": (
        Edit(
            hint="remove it; types follow from how values are written",
            old="!!python/object/apply:os.system ",
        ),
    ),
    "two_documents": (
        Edit(hint="remove it from here on: one file is one manifest", old="---\n" + GOOD),
    ),
    "two_generators": (Edit(hint="keep one of them", old="zeros: true, "),),
    "underscored_number": (Edit(hint=DECIMAL, old="1_000", new="1000"),),
    "values_of_wrong_type": (Edit(hint="write numbers", old="four", new="4.0"),),
    "values_out_of_range": (Edit(hint="write integers between 0 and 255", old="256", new="255"),),
}
