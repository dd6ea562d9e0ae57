"""Weeks of a station's life. The exit code is 1 when the books do not balance, or something has grown."""

import argparse
import random
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

from tests.soak.fate import Plan
from tests.soak.soak import Soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--supply", choices=("AC", "DC", "both"), default="both", help="both: side by side")
    parser.add_argument("--often", type=float, default=1.0, help="how much more often than usual everything happens")
    parser.add_argument("--pace", type=float, default=5.0, help="s between two readings of a meter while energy flows")
    parser.add_argument("--keep", type=Path, help="a folder for the whole log, all that was said, and recordings")
    given = parser.parse_args()
    if given.supply == "both":
        return side_by_side(given)
    return run(given)


def side_by_side(given: argparse.Namespace) -> int:
    common = ["--days", f"{given.days:g}", "--seed", str(given.seed), "--often", f"{given.often:g}"]
    common += ["--pace", f"{given.pace:g}"]
    running = []
    for supply in ("AC", "DC"):
        command = [sys.executable, "-m", "tests.soak", *common, "--supply", supply]
        command += ["--keep", str(given.keep / supply)] if given.keep else []
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        told = threading.Thread(target=tell, args=(supply, process))
        told.start()
        running.append((process, told))
    for process, told in running:
        told.join()
        process.wait()
    return max(process.returncode for process, _ in running)


def tell(supply: str, process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        print(f"{supply} | {line}", end="", flush=True)


def run(given: argparse.Namespace) -> int:
    days = given.days
    outages = ((days * 0.28, days * 0.28 + 1.9),) if days >= 7 else ()
    plan = Plan(days, days / 2, 2, given.supply, outages, often=given.often, pace=given.pace)
    print(f"{days:g} days, {given.supply}, seed {given.seed}", flush=True)
    soak = Soak(plan, given.seed, lambda text: print(text, flush=True), given.keep)
    began = time.monotonic()
    try:
        soak.run()
    except BaseException as error:  # noqa: BLE001 - told, and the exit code says it
        print("\n".join(soak.site.csms.tail))
        print(soak.site.station.tail(60))
        print("".join(traceback.format_exception(error)))
        print(
            f"FAILED on day {soak.site.day:.3f}: python -m tests.soak --days {days:g} --seed {given.seed} "
            f"--supply {given.supply} --often {given.often:g} --pace {given.pace:g}"
        )
        return 1
    print(f"balanced: {soak.ledger.transactions} transactions, {dict(sorted(soak.fate.counts.items()))}")
    print(f"{time.monotonic() - began:.0f} s of real time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
