"""The list of allowed operations: all of them TensorFlow's, none that reaches outside."""

from __future__ import annotations

import re

from tensorflow.python.framework import op_def_registry

from artifactbuild.worker.inspection.operations import ALLOWED, SAVING

REACHES_OUTSIDE = re.compile(
    "File|PyFunc|Python|Rpc|Send|Recv|Socket|Remote|Record|Save|Restore|Checkpoint|Dataset"
    "|Iterator|Summary|Print|Abort|Decode(?!Base64)|Encode(?!Base64)|Xla|TPU|Collective|Session"
    "|Immutable|Memmapped|Reader|Queue|Debug|Load"
)
"""What the names of operations that do more than compute in memory have in common."""

PURE = frozenset({"UnicodeDecode", "UnicodeDecodeWithOffsets", "UnicodeEncode"})


def test_no_allowed_operation_reaches_outside() -> None:
    assert {name for name in ALLOWED - PURE if REACHES_OUTSIDE.search(name)} == set()
    assert not SAVING & ALLOWED


def test_no_allowed_operation_takes_a_path_or_an_address() -> None:
    reach = re.compile("file|path|prefix|dir|address|url|host|module|library|token")
    found = {name: op_def_registry.get(name) for name in ALLOWED}
    taken = {
        f"{name}.{operand.name}"
        for name, definition in found.items()
        for operand in (*definition.input_arg, *definition.attr)
        if reach.search(operand.name)
    }
    assert taken == set()


def test_list_is_not_longer_than_it_says() -> None:
    assert len(ALLOWED) == 545, "the README tells the number"
