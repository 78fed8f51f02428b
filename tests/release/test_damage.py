"""Damage of every kind to every file of every format: `verify` notices all of it.

`pytest tests/release/test_damage.py -m slow` is the full campaign, and prints its figures.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from artifactbuild.release import verify
from artifactbuild.release.record import CARD, FILE
from tests.release import kept

Damage = Callable[[bytearray, random.Random], bytes]


def flipped(content: bytearray, draw: random.Random) -> bytes:
    """Flip one bit."""
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def truncated(content: bytearray, draw: random.Random) -> bytes:
    """Cut off an end."""
    return bytes(content[: draw.randrange(len(content))])


def zeroed(content: bytearray, draw: random.Random) -> bytes:
    """Zero a block, as a bad disk does, that was not zero."""
    places = [index for index, byte in enumerate(content) if byte]
    start = draw.choice(places)
    content[start : start + 64] = bytes(len(content[start : start + 64]))
    return bytes(content)


KINDS: tuple[Damage, ...] = (flipped, truncated, zeroed)


def campaign(root: Path, rounds: int) -> tuple[int, list[str]]:
    """Damage each file `rounds` times in each way; return how often, and what went unnoticed."""
    lock = json.loads((root.parent / "dense" / "model.artifact.lock").read_text())
    draw, count, unnoticed = random.Random(20_260_101), 0, []
    for format in kept.FORMATS:
        folder = root / "dense" / format / "v1"
        locked = lock["artifacts"][format]["files"]
        for name in sorted(locked):
            path, beside = folder / name, name in (FILE, CARD)
            whole = path.read_bytes()
            for damage in KINDS:
                for _ in range(rounds):
                    path.write_bytes(damage(bytearray(whole), draw))
                    found = verify.hold(folder, locked if beside else None)
                    count += 1
                    if name not in {fault.file for fault in found.all_faults()}:
                        unnoticed.append(f"{format}/{name} {damage.__name__}")
            path.write_bytes(whole)
        assert verify.hold(folder, locked).all_faults() == (), "whole again, and so it is"
    return count, unnoticed


def test_damage_is_noticed(project: Path) -> None:
    count, unnoticed = campaign(kept.lay_out(project), 1)
    assert unnoticed == []
    assert count >= 3 * 4 * len(kept.FORMATS)


@pytest.mark.slow
def test_damage_is_noticed_in_hundreds(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count, unnoticed = campaign(kept.lay_out(project), 100)
    with capsys.disabled():
        print(f"\n{count} times damaged, {len(unnoticed)} times unnoticed")
    assert unnoticed == []


def test_control_of_the_campaign(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_digest", lambda path, size, expected, copy: "0" * 64)
    root = kept.lay_out(project)
    with pytest.raises(AssertionError, match="whole again"):
        campaign(root, 1)
