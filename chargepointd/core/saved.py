"""What an earlier process committed: the station begins from it."""

from typing import Any

from chargepointd.core.clock import PLAUSIBLE
from chargepointd.core.records import Behind, Entry
from chargepointd.core.security import Logged
from chargepointd.core.session import Session
from chargepointd.core.token_store import Remembered
from chargepointd.core.tuples import NamedTuple


class Saved(NamedTuple):
    variables: dict[str, str] = {}
    sessions: dict[int, Session] = {}
    records: tuple[Entry, ...] = ()
    """the first of those that wait"""
    next_record_id: int = 1
    tokens: tuple[tuple[str, Remembered], ...] = ()
    listed: dict[str, str] = {}
    """the local authorization list: key of a token -> what is kept of it"""
    state: dict[str, Any] = {}
    """small facts by name: availability, boot_reason, reference/TRANSACTION …"""
    dead: int = 0
    """records that were set aside"""
    security: tuple[Logged, ...] = ()
    """the security log, oldest first"""
    damaged: bool = False
    """something on the disk was, and that is not told yet: this is what could be saved"""
    behind: Behind = Behind()
    """the other records"""
    dead_size: int = 0
    """bytes of the records that were set aside"""

    lost: tuple[str, ...] = ()
    """what was damaged and could not be saved: "session 1", "variable AuthCtrlr.Enabled" …"""

    @property
    def last_known(self) -> float:
        """A moment that has been, in UTC (s since 1970): no transaction that goes on may be told anything earlier."""
        running = [session.transaction.stamped_at for session in self.sessions.values() if session.transaction]
        return max((at for at in running if at >= PLAUSIBLE), default=0.0)

    @property
    def references(self) -> dict[str, int]:
        """transaction id -> the number the CSMS gave it"""
        prefix = "reference/"
        return {name.removeprefix(prefix): value for name, value in self.state.items() if name.startswith(prefix)}
