"""`python -m tests.power [--cuts N] [--jobs N] [--seed N] [--evidence DIR]`: power cuts, and a table of them.

Each moment of a visit is cut at, in both dialects, on AC and DC; the further cuts of a visit come during the recovery
and after it. What was told, and the log, of a visit that failed are in DIR.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from tests import evidence
from tests.power.judge import Outcome
from tests.power.plan import further, moments, visits
from tests.power.run import CASES, Case, Told, play
from tests.power.saboteur import KINDS, Cut

DEFAULT = 2000


class Task(NamedTuple):
    case: Case
    cuts: tuple[Cut, ...] = ()
    uncut: Outcome | None = None


class Tally:
    def __init__(self, folder: Path) -> None:
        self.cuts: Counter[tuple[Case, str]] = Counter()
        self.failed: Counter[tuple[Case, str]] = Counter()
        """visits that went wrong, by the kind of their first cut"""
        self.visits = 0
        self._folder = folder

    def enter(self, task: Task, told: Told) -> None:
        self.visits += 1
        self.cuts.update((task.case, kind) for kind, _ in told.cuts)
        if told.complaints:
            self.failed[task.case, told.cuts[0][0] if told.cuts else "none"] += 1
            self._keep(task, told)

    def _keep(self, task: Task, told: Told) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        cuts = ", ".join(f"{kind} {number}" for kind, number in told.cuts)
        text = "\n".join((task.case.name, f"cuts: {cuts}", *told.complaints))
        print(f"\nFAILED {text}", flush=True)
        file = self._folder / f"{self.visits}-{task.case.name.replace(' ', '-')}.txt"
        file.write_text(f"{text}\n\n{told.evidence}")

    def table(self) -> Iterator[str]:
        yield f"{'dialect':8} {'supply':7} {'kind of moment':15} {'cuts':>6} {'failures':>9}"
        for case in CASES:
            for kind in KINDS:
                cuts, failed = self.cuts[case, kind], self.failed[case, kind]
                yield f"{case.dialect:8} {case.supply:7} {kind:15} {cuts:6} {failed:9}"
        yield f"{self.cuts.total()} cuts in {self.visits} visits, {self.failed.total()} visits went wrong"


def _play(task: Task) -> tuple[Task, Told]:
    evidence.forget()
    return task, play(*task)


def _uncut(pool: ProcessPoolExecutor) -> dict[Case, Told]:
    told = {task.case: told for task, told in pool.map(_play, [Task(case) for case in CASES])}
    for case, each in told.items():
        if each.complaints:
            sys.exit(f"{case.name}: wrong without a cut\n" + "\n".join((*each.complaints, each.evidence)))
    return told


def run(cuts: int, jobs: int, seed: int, folder: Path) -> int:
    chance, tally = random.Random(seed), Tally(folder)
    with ProcessPoolExecutor(jobs) as pool:
        uncut = _uncut(pool)
        tasks = [
            Task(case, each, uncut[case].outcome)
            for case in CASES
            for each in visits(moments(uncut[case].passed), cuts // len(CASES), chance)
        ]
        chance.shuffle(tasks)
        while tasks:
            for done in as_completed([pool.submit(_play, task) for task in tasks]):
                tally.enter(*done.result())
                print(f"\r{tally.cuts.total()} cuts, {tally.visits} visits ", end="", file=sys.stderr, flush=True)
            tasks = _more(uncut, tally, cuts, chance)
    print(f"\nseed {seed}")
    print("\n".join(tally.table()))
    return 1 if tally.failed else 0


def _more(uncut: dict[Case, Told], tally: Tally, cuts: int, chance: random.Random) -> list[Task]:
    """Instead of cuts that would have come after the end of their visit."""
    missing = cuts - tally.cuts.total()
    wanted = [further(min(4, missing - n), chance) for n in range(0, missing, 4)]
    cases = [CASES[n % len(CASES)] for n in range(len(wanted))]
    return [Task(case, tuple(each), uncut[case].outcome) for case, each in zip(cases, wanted, strict=True)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.power", description="Power cuts at every moment of a visit.")
    parser.add_argument("--cuts", type=int, default=DEFAULT, metavar="N", help=f"in all (default {DEFAULT})")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="visits at a time (default 2)")
    parser.add_argument("--seed", type=int, default=2026, metavar="N", help="of the cuts that are drawn")
    parser.add_argument("--evidence", type=Path, default=Path("build/power"), metavar="DIR", help="default build/power")
    given = parser.parse_args(argv)
    return run(given.cuts, given.jobs, given.seed, given.evidence)


if __name__ == "__main__":
    sys.exit(main())
