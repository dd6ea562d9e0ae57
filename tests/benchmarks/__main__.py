"""`python -m tests.benchmarks [--ocpp 1.6|2.0.1|both] [--quick] [--pin] [--dir DIR] [--json FILE]`"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.benchmarks import drain, durable, hostile, idle, requests, start
from tests.benchmarks.bench import QUICK, Bench, Counts, bench
from tests.benchmarks.figures import Figure, table

PHASES = {"start": start, "idle": idle, "requests": requests, "durable": durable, "drain": drain, "hostile": hostile}
"""in this order; `start` comes before any other"""


async def run(ocpp: str, counts: Counts, directory: Path, cpus: set[int] | None, phases: Sequence[str]) -> list[Figure]:
    """All figures of one dialect."""
    figures: list[Figure] = []
    async with bench(ocpp, counts, directory, cpus) as made:
        if "start" not in phases:
            await _start(made)
        for name in phases:
            began = perf_counter()
            figures += await PHASES[name].measure(made)
            print(f"{ocpp}: {name} measured in {perf_counter() - began:.1f} s", file=sys.stderr)
    return figures


async def _start(made: Bench) -> None:
    await made.station.start()
    await made.station.settled()
    await made.station.make(1)
    await made.floor.start()


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="What the daemon costs. Both dialects take some eight minutes.",
    )
    parser.add_argument("--ocpp", choices=("1.6", "2.0.1", "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="a first look: a minute for each dialect")
    parser.add_argument(
        "--pin", action="store_true", help="this program on the first CPU, what it measures on the others"
    )
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()), help="on the disk to measure")
    parser.add_argument("--phase", action="append", choices=PHASES, help="these phases only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every value, for a comparison")
    return parser.parse_args(argv)


def pinned() -> set[int]:
    """Takes the first CPU for this process; the others are for what is measured."""
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise SystemExit("--pin: needs two CPUs")
    os.sched_setaffinity(0, {first})
    return set(others)


def main(argv: Sequence[str] | None = None) -> None:
    given = options(argv)
    cpus = pinned() if given.pin else None
    dialects = ("1.6", "2.0.1") if given.ocpp == "both" else (given.ocpp,)
    phases = [name for name in PHASES if not given.phase or name in given.phase]
    told: dict[str, Any] = {"machine": _machine(), "load": os.getloadavg(), "figures": {}}
    print(f"{told['machine']}; load {told['load'][0]:.1f}; state on {given.dir}")
    for ocpp in dialects:
        counts = QUICK if given.quick else Counts()
        figures = asyncio.run(run(ocpp, counts, given.dir, cpus, phases))
        print(f"\nOCPP {ocpp}\n{table(figures)}")
        told["figures"][ocpp] = [figure.as_json() for figure in figures]
    if given.json:
        given.json.write_text(json.dumps(told, indent=1))


def _machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
