"""A power cut takes what was not synced: all of it, none of it, or any blocks or sectors. Whatever it takes, what the
CSMS was told before is kept.

The real daemon under strace: each write, each sync and each message is known, in order. For moments all over a visit
the files are built as a disk may have them then, and opened.
"""

import json
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from chargepointd.storage.store import Store
from tests.csms import Csms
from tests.daemon.process import COMMAND, Station
from tests.daemon.syscalls import Disk, Operation, Told, Write, command, operations
from tests.daemon.visit import TOKEN, begin, brisk, delivered, finish, until

pytestmark = pytest.mark.process

if shutil.which("strace") is None:
    pytest.skip("strace is not installed", allow_module_level=True)

NAME = "chargepointd.db"
MOMENTS = 120
DOUBT = "the last write, unless the power was cut in its midst"
"""some sectors of it are there, and it cannot be seen that it was not finished: it is not used, and that is told. Where
but the sector with a frame's header is missing, that may look like damage, and is mended as such"""


def visit(csms: Csms, dialect: str, trace: Path) -> list[Operation]:
    """What the process of a visit wrote, synced and told, until it was killed."""
    config = brisk(csms.url, dialect)
    with Station(config, command=command(trace, *COMMAND)) as station:
        running = begin(station, csms)
        until(lambda: len(running.in_order) >= 5, "samples")
        finish(station, csms)
        delivered(station)
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token=TOKEN)
        csms.wait_event("Started")
        station.kill()
    return list(operations(trace))


def told_records(text: str) -> list[str]:
    """The message id under which a record is kept."""
    kind, message_id, *rest = json.loads(text)
    records = ("TransactionEvent", "StartTransaction", "StopTransaction", "MeterValues")
    return [message_id.rsplit("-", 1)[0]] if kind == 2 and rest[0] in records else []


def kept(directory: Path, how: str) -> set[str]:
    """The records that the daemon's own store finds, settled ones included."""
    store = Store(directory)
    saved = store.open()
    store.close()
    assert store.trouble is None
    assert how == "sectors" or not saved.damaged, "what was only not synced was called damage"
    assert not saved.lost or (how == "sectors" and saved.lost[0] == DOUBT)
    db = sqlite3.connect(directory / NAME)
    try:
        return {row[0] for row in db.execute("SELECT message_id FROM record")}
    finally:
        db.close()


def test_what_was_told_is_kept_whatever_the_power_cut_takes(csms: Csms, dialect: str, tmp_path: Path) -> None:
    ops = visit(csms, dialect, tmp_path / "trace")
    writes = [n for n, op in enumerate(ops) if isinstance(op, Write | Told)]
    chance = random.Random(dialect)
    moments = sorted({*chance.sample(writes, min(MOMENTS, len(writes))), len(ops) - 1})
    disk, told, done = Disk(), list[str](), 0
    for moment in moments:
        for op in ops[done : moment + 1]:
            disk.do(op)
            if isinstance(op, Told):
                told += told_records(op.text)
        done = moment + 1
        for how in ("none", "all", "sectors", "blocks"):
            directory = tmp_path / f"{moment}-{how}"
            directory.mkdir()
            for file, data in disk.after_a_cut(how, chance).items():
                if file.startswith(NAME):
                    (directory / file).write_bytes(data)
            missing = set(told) - kept(directory, how)
            assert not missing, f"told before operation {moment}, and gone with {how} of what was not synced: {missing}"
    assert len(told) >= 5, "nothing was told"
