"""The long campaigns, by hand: `python tests/crash/campaign.py injection|races|cuts|kills [COUNT]`.

Prints what was tried, what was broken, and exits 1 if the publisher broke a promise or the
deliberately bad ones broke none. `injection` needs strace, `cuts` the right to mount.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.crash import injection, killing, powercut, racing, repairing


def injected(place: Path) -> bool:
    """Inject every fault at every system call of publishing."""
    good = True
    for way, by_claim in (("store", False), ("store", True), ("naive", False)):
        calls = injection.calls(way, place, by_claim=by_claim)
        chosen = [(call, fault) for call in calls for fault in injection.FAULTS]
        tried = list(injection.trials(way, place, chosen, by_claim=by_claim))
        name = f"{way}{' by claim' if by_claim else ''}: {len(calls)} system calls"
        good &= _told(name, [trial.violations for trial in tried], bad=way == "naive")
    for by_claim in (False, True):
        calls = injection.calls("repair", place, by_claim=by_claim, fresh=repairing.damaged_store)
        chosen = [(call, fault) for call in calls for fault in injection.FAULTS]
        tried = list(repairing.trials(place, chosen, by_claim=by_claim))
        name = f"repair{' by claim' if by_claim else ''}: {len(calls)} system calls"
        good &= _told(name, [trial.violations for trial in tried], bad=False)
    return good


def raced(place: Path, count: int) -> bool:
    """Race eight builders, again and again."""
    good = True
    for way in ("store", "claim", "naive"):
        for alike in (True, False):
            found = [
                list(racing.of_one_version(way, place / f"{way}{alike}{number}", alike=alike))
                for number in range(count)
            ]
            name = f"{way}, {'same' if alike else 'different'} contents"
            good &= (alike and way == "naive") or _told(name, found, bad=way == "naive")
    for way in ("store", "claim"):
        found = [
            list(racing.of_different_versions(way, place / f"{way}{number}"))
            for number in range(count)
        ]
        good &= _told(f"{way}, different versions", found, bad=False)
    return good


def cut(place: Path, count: int) -> bool:
    """Cut the power ten times on each of `count` disks."""
    good = True
    for way in ("store", "claim", "unsynced", "naive"):
        found = []
        for number in range(count):
            disk = place / f"{way}{number}"
            disk.mkdir()
            found += powercut.cuts(way, disk, 10, random.Random(number))
        good &= _told(way, found, bad=way in ("unsynced", "naive"))
    return good


def killed(place: Path, count: int) -> bool:
    """Kill full builds at random moments."""
    expected = killing.clean(place)
    tried = list(killing.kills(place, count, expected, random.Random(0), row=5))
    tried += killing.kills(place, count, expected, random.Random(1), late=True)
    for each in tried:
        print(each)
    return _told("kill -9", [each.violations for each in tried], bad=False)


def _told(name: str, found: list[Sequence[str]], *, bad: bool) -> bool:
    kinds = Counter(text.split(":")[0] for each in found for text in each)
    broken = sum(map(bool, found))
    if not bad:
        for each in filter(None, found):
            print(*each, sep="\n")
    print(f"{name}: {len(found)} tried, {broken} broke a promise {dict(kinds) or ''}", flush=True)
    return bool(broken) == bad


def main(campaign: str, count: str = "20") -> bool:
    """Run one campaign in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if campaign == "injection":
            return injected(place)
        runs = {"races": raced, "cuts": cut, "kills": killed}
        return runs[campaign](place, int(count))


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
