"""A recording as a file: JSON lines, gzip.

    {"recording": 1, "program": "0.5.0", "made_at": "…", "why": "…", "replayable": true, "note": "…"}
    {"start": {…}}                                    what the station began with; only where it can be replayed
    [1, 12.25, 1800000012.5, {event}, [{effect}, …]]  number, monotonic and system's clock (s); null for effects: raised

Values are as `words` writes them, and without secrets (`pseudonyms`). Numbers that are missing were questions.
"""

import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from chargepointd import __version__
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Now
from chargepointd.daemon.assembly import Start
from chargepointd.daemon.pseudonyms import Pseudonyms
from chargepointd.daemon.recorder import Recorded, Taken, recorded
from chargepointd.daemon.words import NoSuchValue, plain, valued

FORMAT = 1
REPORTS = 20
REPORTS_BYTES = 8 * 1024 * 1024
ALL = (0.0, float("inf"))
_WHOLE = "from the start of the process; questions that changed nothing are only among the last steps"
_PART = "the last steps only: too much has happened since the start of the process for the room there is"
_SPAN = "the steps of the time that was asked for"

_line = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Read(NamedTuple):
    """A recording that was read."""

    about: dict[str, Any]
    start: Start | None
    steps: tuple[Recorded, ...]


# -- writing -----------------------------------------------------------------------------------------------------------


def write(taken: Taken, file: IO[bytes], why: str = "", span: tuple[float, float] = ALL) -> Pseudonyms:
    """All that is known, or the steps of a span (UTC by the system's clock, s since 1970). Returns the names that were
    given, for what else goes along with it. It takes a while: not for the loop's thread."""
    names = Pseudonyms()
    start = taken.began()
    if start:
        names.note(start)
    for chunk in taken.chunks():
        for step in recorded(chunk):
            names.note_step(step)
    names.settle(start.plan if start else None)
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
        for line in _lines(taken, start, names, why, span):
            packed.write(line.encode("utf-8", "surrogatepass") + b"\n")
    return names


def _lines(taken: Taken, start: Start | None, names: Pseudonyms, why: str, span: tuple[float, float]) -> Iterator[str]:
    whole = start is not None and span == ALL
    about = {
        "recording": FORMAT,
        "program": __version__,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time())),
        "why": names.text(why),
        "replayable": whole,
        "note": _WHOLE if whole else _SPAN if span != ALL else _PART,
    }
    yield _line(about)
    if whole:
        yield _line({"start": {name: plain(value) for name, value in names.veiled(start)._asdict().items()}})
    for chunk in taken.chunks():
        for step in recorded(chunk):
            if span[0] <= step.now.wall <= span[1]:
                yield written(names.veiled_step(step))


def written(step: Recorded) -> str:
    effects = None if step.effects is None else [plain(effect) for effect in step.effects]
    return _line([step.number, *step.now, plain(step.event), effects])


def write_report(taken: Taken, directory: Path, why: str) -> Path:
    """What led to a bug: the file. OSError where there is no room for it; then nothing of it is left."""
    path = directory / f"crash-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(time.time()))}.jsonl.gz"
    _make_room(directory)
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            write(taken, file, why)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _make_room(directory: Path) -> None:
    """A station that fails at every start must not fill its disk as well: the newest reports are kept."""
    kept = 0
    for number, old in enumerate(sorted(directory.glob("crash-*.jsonl*"), reverse=True), 1):
        kept += old.stat().st_size
        if number >= REPORTS or kept > REPORTS_BYTES:
            old.unlink(missing_ok=True)


# -- reading -----------------------------------------------------------------------------------------------------------


def read(path: Path) -> Read:
    """NoSuchValue for what is no recording, or one of another format or program that cannot be understood here."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", errors="surrogatepass") as lines:
        try:
            return _read(lines)
        except (ValueError, TypeError, KeyError, EOFError) as error:
            raise NoSuchValue(f"{path}: {error}") from error


def _read(lines: Any) -> Read:
    about = json.loads(next(lines, "{}"))
    if not isinstance(about, dict) or about.get("recording") != FORMAT:
        raise ValueError(f"expected a recording of format {FORMAT}")
    start, taken = None, []
    for line in lines:
        data = json.loads(line)
        if isinstance(data, dict):
            start = Start(**{name: valued(item) for name, item in data["start"].items()})
            continue
        number, mono, wall, event, effects = data
        done = None if effects is None else [valued(effect) for effect in effects]
        taken.append(Recorded(number, Now(mono, wall), valued(event), done))
    return Read(about, start, tuple(taken))
