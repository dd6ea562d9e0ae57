"""The archive of a station that does not run, or does not answer: what is on its disk, read and not touched."""

import asyncio
import json
import logging
import shutil
import sqlite3
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargepointd.config import BadConfig, load
from chargepointd.core.saved import Saved
from chargepointd.daemon.bundle import about, crashes, finished, journal
from chargepointd.daemon.pseudonyms import Pseudonyms
from chargepointd.daemon.words import plain
from chargepointd.jobs.diagnostics import archive
from chargepointd.storage.store import Store, StoreError


def bundle(state_dir: Path, config_file: Path, why: str, since_s: float | None) -> dict[str, Any]:
    """As the daemon's method of that name has it. `why` it was not asked."""
    oldest = None if since_s is None else time.time() - since_s
    missing = dict.fromkeys(("recording.jsonl.gz", "log.txt", "status.json", "drivers.json"), why)
    names = Pseudonyms()
    saved = _tried("state.json", missing, lambda: _saved(state_dir))
    config = _tried("configuration.json", missing, lambda: load(config_file))
    reports = _tried("crash reports", missing, lambda: crashes(state_dir, oldest or 0.0, float("inf"))) or {}
    if saved:
        names.note(saved)
    names.settle(None)
    facts = about(config, state_dir, {"system": time.time()})
    if saved:
        facts["state"] = plain(names.veiled(saved))
    if config is None:
        del facts["configuration"]
    texts = {f"{name}.json": json.dumps(value, indent=1, default=str) for name, value in facts.items()}
    texts["journal.txt"] = asyncio.run(journal(oldest, None))
    made_at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time()))
    name = f"bundle-{config.station.id if config else 'station'}-{made_at}"
    parts = finished(texts, names, missing) | reports
    packed = archive(name, parts)
    return {"filename": f"{name}.tar.gz", "archive": b64encode(packed).decode(), "parts": sorted(parts)}


def _tried(part: str, missing: dict[str, str], get: Callable[[], Any]) -> Any:
    try:
        return get()
    except (OSError, BadConfig, StoreError, sqlite3.Error) as error:
        missing[part] = str(error)
    return None


def _saved(state_dir: Path) -> Saved:
    """Of copies: a daemon that stands still holds the file, and a file that is damaged must not be touched."""
    # It would name the copy as if that were damaged and set aside; what is lost stands in state.json.
    logging.getLogger("chargepointd.storage").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory(prefix="chargepointd-") as folder:
        for file in state_dir.glob("chargepointd.db*"):
            if file.name.removeprefix("chargepointd.db") in ("", "-wal"):
                shutil.copyfile(file, Path(folder) / file.name)
        if not any(Path(folder).iterdir()):
            raise FileNotFoundError(f"{state_dir}: there is no state")
        store = Store(Path(folder))
        try:
            return store.open()
        finally:
            store.close()
