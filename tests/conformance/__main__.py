"""`python -m tests.conformance [-n JOBS] [pytest options…]`: all cases, the table, and the key figures.

Exit code 1 unless every case that applies has passed.
"""

import sys
from pathlib import Path

import pytest

from tests.conformance import figures
from tests.conformance.catalogue import cases
from tests.conformance.results import Gathered, table
from tests.conformance.v201.not_applicable import NOT_APPLICABLE


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & {*arguments}:
        print(__doc__)
        return 0
    gathered = Gathered()
    here = str(Path(__file__).parent)
    code = pytest.main(["--dist", "loadgroup", "-p", "no:cacheprovider", *arguments, here], plugins=[gathered])
    print("\nOCPP 2.0.1, the charging station:\n")
    print(table(cases(), gathered.outcomes, NOT_APPLICABLE, colour=sys.stdout.isatty()))
    print("".join(f"\n  {stray}" for stray in gathered.strays))
    if code == pytest.ExitCode.INTERRUPTED:
        return int(code)
    print("Key figures (s), on loopback:\n", flush=True)
    print(figures.table(figures.measure()))
    unfinished = any(gathered.outcomes.get(id_, "-") for id_ in cases() if id_ not in NOT_APPLICABLE)
    return int(code) or int(unfinished)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
