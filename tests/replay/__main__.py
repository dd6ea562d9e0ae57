"""`python -m tests.replay [--show | --renew] FILE …`: see the package."""

import argparse
import gzip
import itertools
import json
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from chargepointd.daemon.recorder import Recorded
from chargepointd.daemon.recording import Read, read, written
from chargepointd.daemon.words import NoSuchValue
from tests.replay.replaying import differing, made

Act = Callable[[Path, Read], int]
CONTEXT = 10
"""steps that are shown before the one that differs"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description="Replay recordings of stations.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--show", action="store_true", help="what is in it")
    parser.add_argument("--renew", action="store_true", help="write down what the station does today")
    given = parser.parse_args(argv)
    act = show if given.show else renew if given.renew else replay
    return max([_tried(act, file) for file in given.files])


def _tried(act: Act, file: Path) -> int:
    try:
        return act(file, read(file))
    except (NoSuchValue, ValueError, OSError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        return 2


def replay(file: Path, recording: Read) -> int:
    """0 when all is as it was, 1 after the first step that differs."""
    last: deque[Recorded] = deque(maxlen=CONTEXT)
    first = next(differing(recording), None)
    if first is None:
        print(f"{file}: {len(recording.steps)} steps, all as recorded")
        return 0
    last.extend(itertools.takewhile(lambda step: step.number < first.recorded.number, recording.steps))
    print(f"{file}: of {recording.about.get('program')}, made {recording.about.get('made_at')}")
    for step in last:
        _print(step)
    print(first)
    return 1


def show(file: Path, recording: Read) -> int:
    print(json.dumps(recording.about, indent=1))
    print(recording.start)
    for step in recording.steps:
        _print(step)
    return 0


def renew(file: Path, recording: Read) -> int:
    """The start and the events stay; the effects are those of today."""
    changed = list(differing(recording))
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        head = list(itertools.islice(lines, 2))
    steps = [written(step._replace(effects=effects)) + "\n" for step, effects in made(recording)]
    with gzip.GzipFile(file, "wb", mtime=0) as packed:
        packed.write("".join([*head, *steps]).encode())
    for each in changed:
        print(each)
    print(f"{file}: {len(changed)} of {len(steps)} steps are others now")
    return 0


def _print(step: Recorded) -> None:
    print(f"step {step.number}, {step.now.mono:.3f} s, {step.event}")
    for effect in ["it raised"] if step.effects is None else step.effects:
        print(f"      {effect}")


if __name__ == "__main__":
    sys.exit(main())
