"""`python -m tests.conformance [-n JOBS] [pytest options…]`: the cases of all versions, the table, key figures.

Exit code 1 unless every case that applies has passed.
"""

import sys
from pathlib import Path

import pytest

from tests.conformance import figures
from tests.conformance.catalogue import PROGRAMMES
from tests.conformance.results import Gathered, failed, table


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & {*arguments}:
        print(__doc__)
        return 0
    gathered = Gathered()
    here = str(Path(__file__).parent)
    code = pytest.main(["--dist", "loadgroup", "-p", "no:cacheprovider", *arguments, here], plugins=[gathered])
    print("\n" + table(PROGRAMMES, gathered.outcomes, colour=sys.stdout.isatty()))
    print("".join(f"\n  {stray}" for stray in gathered.strays))
    if code == pytest.ExitCode.INTERRUPTED:
        return int(code)
    for programme in PROGRAMMES:
        print(f"Key figures of OCPP {programme.version} (s), on loopback:\n", flush=True)
        print(figures.table(figures.measure(programme.version)), end="\n\n", flush=True)
    unfinished = any(failed(programme, gathered.outcomes) for programme in PROGRAMMES)
    return int(code) or int(unfinished)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
