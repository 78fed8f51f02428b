"""Models that must not be published: each folder in `faults/` is named after its fault.

Their manifests are well-formed; only the running model shows what is wrong. `expected.txt` is what
the user reads, to the letter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.pipeline import Outcome
from artifactbuild.problems import Refusal
from artifactbuild.release.store import Store

FAULTS = sorted(path.parent for path in Path(__file__).parent.glob("faults/*/manifest.yaml"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda path: path.name)
def test_fault_is_named_and_publishes_nothing(
    fault: Path,
    copied: Callable[[Path], Path],
    build: Callable[[Path], Outcome],
    project: Path,
    update_golden: bool,
) -> None:
    manifest = copied(fault)
    with pytest.raises(Refusal) as refused:
        build(manifest)
    said = f"{refused.value}\nkept for a look: {refused.value.kept}\n"
    golden = fault / "expected.txt"
    if update_golden:
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert list(Store(root=project / "artifacts").versions()) == []
    assert not manifest.with_suffix(".lock").exists()
    assert (project / refused.value.kept / "build.log").is_file()
    assert list((project / "artifacts" / ".staging").iterdir()) == []
