"""What a power cut leaves as it was: meter registers, and where cars are plugged in. A small file, changed in place.

One `pwrite` of a few hundred bytes, without fsync, and only of what differs: the process may be killed at any instant,
an idle station writes nothing, and who reads a register that has moved finds it in the file.
"""

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hal.drivers.simulator.physics import Evse
from hal.errors import NotConnected

log = logging.getLogger(__name__)


class Register:
    def __init__(self, path: Path, contacts: dict[str, bool]) -> None:
        self.path = path
        self._contacts = contacts
        """of somebody else's devices, which go on while the station is without power"""
        self._written = b""
        self._failed = False

    def load(self, evses: Iterable[Evse]) -> None:
        """NotConnected when the file cannot be read; one that is damaged is told of and begun anew."""
        try:
            self._written = self.path.read_bytes()
            kept = json.loads(self._written)
            self._contacts |= {name: bool(kept.get(name)) for name in self._contacts}
            for evse in evses:
                _restore(evse, kept.get(str(evse.number), {}))
        except FileNotFoundError:
            return
        except OSError as error:
            raise NotConnected(f"{self.path}: {error.strerror}") from error
        except (ValueError, TypeError, AttributeError) as error:
            log.warning("%s: damaged, registers begin at 0: %s", self.path, error)

    def save(self, evses: Iterable[Evse]) -> None:
        """A file that cannot be written is told of once; the hardware goes on, as any other does."""
        closed = {name: True for name, closed in self._contacts.items() if closed}
        text = json.dumps({evse.number: _kept(evse) for evse in evses} | closed).encode()
        if text == self._written.rstrip():
            return
        text = text.ljust(len(self._written))  # in place: a shorter text leaves no rest of a longer one behind it
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o640)
            try:
                os.pwrite(file, text, 0)
            finally:
                os.close(file)
        except OSError as error:
            if not self._failed:
                log.warning("%s: cannot be written, registers are as old as it after a restart: %s", self.path, error)
            self._failed = True
            return
        self._written, self._failed = text, False


def _kept(evse: Evse) -> dict[str, Any]:
    return {
        "energy_wh": round(evse.energy_wh, 1),
        "connector": evse.connector,
        "stored_wh": round(evse.stored_wh, 1),
        "paused": evse.paused,
        "plugs": evse.plugs,
        "in_bay": evse.in_bay,
        "passing": evse.passing,
    }


def _restore(evse: Evse, kept: dict[str, Any]) -> None:
    evse.energy_wh = float(kept.get("energy_wh", 0.0))
    connector = int(kept.get("connector", 0))
    evse.connector = connector if 0 <= connector <= evse.config.connectors else 0
    evse.stored_wh = float(kept.get("stored_wh", 0.0))
    evse.paused = bool(kept.get("paused", False))
    evse.in_bay = bool(kept.get("in_bay", evse.connector))
    evse.passing = bool(kept.get("passing", evse.connector))
    plugs = [bool(plug) for plug in kept.get("plugs", ())]
    if len(plugs) == evse.config.connectors:
        evse.plugs = plugs
    elif evse.connector:
        evse.plugs[evse.connector - 1] = not evse.cable_fixed
