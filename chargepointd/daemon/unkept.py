"""What is to be kept while the disk cannot be written."""

from collections.abc import Iterable
from typing import Any

from chargepointd.core import effects as f

MOST = 10_000
"""things to be kept: people who do not charge make few, and of each only the newest value waits. At more the process
begins anew from what is kept, as after a power cut: nothing of the rest has been told"""
_KEYED = frozenset((
    f.SaveRecord, f.SaveSession, f.SaveVariable, f.SaveToken, f.SaveState, f.SaveSecurityEvent, f.SettleSecurityEvent
))  # fmt: skip
"""of which the newest with the same first field is all that counts"""


class Unkept:
    def __init__(self) -> None:
        self._saves: dict[Any, f.Save] = {}
        self._count = 0

    def add(self, saves: Iterable[f.Save]) -> None:
        for save in saves:
            self._count += 1
            key: Any = (type(save), next(iter(save))) if type(save) in _KEYED else self._count
            self._saves.pop(key, None)  # what is newer comes later: between the two may be what drops them all
            self._saves[key] = save

    @property
    def saves(self) -> list[f.Save]:
        """In order."""
        return list(self._saves.values())

    @property
    def too_many(self) -> bool:
        return len(self._saves) > MOST
