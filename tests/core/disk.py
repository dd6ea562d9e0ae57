"""What a power cut leaves of the small world (`tests.core.world`)."""

import json
from collections.abc import Callable
from copy import copy
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import records
from chargepointd.core.dead_letters import DeadLetter
from chargepointd.core.records import Behind, Entry, amended
from chargepointd.core.saved import Saved
from chargepointd.core.security import Logged
from chargepointd.core.token_store import Remembered
from chargepointd.core.values import Stamp


class Disk:
    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.sessions: dict[int, Any] = {}
        self.records: dict[int, Entry] = {}
        self.dead: dict[int, tuple[Entry, f.SettleRecord]] = {}
        """those that were set aside, and why"""
        self.tokens: dict[str, Remembered] = {}
        self.listed: dict[str, str] = {}
        self.state: dict[str, Any] = {}
        self.security: dict[int, Logged] = {}
        self.last_id = 0

    def copied(self) -> "Disk":
        made = copy(self)
        for name, value in vars(self).items():
            setattr(made, name, copy(value))
        return made

    def keep(self, save: Any) -> None:
        keep = _KEPT.get(type(save))
        if keep:
            keep(self, save)

    def _record(self, save: f.SaveRecord) -> None:
        self.records[save.record_id] = Entry(save.record_id, save.message_id, save.record, len(save.body.encode()))
        self.last_id = max(self.last_id, save.record_id)

    def _settle(self, save: f.SettleRecord) -> None:
        entry = self.records.pop(save.record_id)
        if save.dead:
            self.dead[entry.id] = entry, save

    def _drop(self, save: f.DropRecords) -> None:
        for number in save.record_ids:
            del self.records[number]

    def _amend(self, save: f.AmendRecords) -> None:
        last = dict(save.last)
        for entry in sorted(self.records.values()):
            if entry.id > save.after_id and entry.id not in save.sent and not entry.again:
                self.records[entry.id] = entry._replace(record=amended(entry, save, last))

    def _retry(self, save: f.RetryDead) -> None:
        for number in save.record_ids:
            self.records[number] = self.dead.pop(number)[0]._replace(again=True)

    def _drop_dead(self, save: f.DropDead) -> None:
        for number in save.record_ids:
            del self.dead[number]

    def _session(self, save: f.SaveSession) -> None:
        self.sessions[save.evse_id] = save.session

    def _variable(self, save: f.SaveVariable) -> None:
        self.variables[save.name] = save.value

    def _token(self, save: f.SaveToken) -> None:
        if save.info:
            self.tokens[save.key] = Remembered(save.kind, save.info, *save[3:])
        else:
            self.tokens.pop(save.key, None)

    def _drop_tokens(self, _: f.DropTokens) -> None:
        self.tokens.clear()

    def _listed(self, save: f.SaveListed) -> None:
        kept = ({} if save.full else self.listed) | dict(save.entries)
        self.listed = {key: text for key, text in kept.items() if text is not None}

    def _security_event(self, save: f.SaveSecurityEvent) -> None:
        self.security[save.id] = Logged(save.id, save.kind, Stamp(save.at), save.info, save.message_id)

    def _settle_security_event(self, save: f.SettleSecurityEvent) -> None:
        self.security[save.id] = self.security[save.id]._replace(message_id="")

    def _state(self, save: f.SaveState) -> None:
        self.state[save.name] = json.loads(json.dumps(save.value))

    def waiting(self, after_id: int, limit: int) -> tuple[tuple[Entry, ...], bool]:
        """The next records that wait, and whether they are the last."""
        entries = sorted(entry for entry in self.records.values() if entry.id > after_id)
        return tuple(entries[:limit]), len(entries) <= limit

    def letters(self, ids: tuple[int, ...], limit: int) -> tuple[DeadLetter, ...]:
        """What was set aside."""
        kept = [
            DeadLetter(
                entry.id, entry.message_id, entry.record, entry.size, why.dead, why.at, why.attempts, why.reference
            )
            for entry, why in (self.dead[number] for number in sorted(self.dead) if not ids or number in ids)
        ]
        return tuple(kept[:limit])

    def saved(self) -> Saved:
        first, _ = self.waiting(0, records.WINDOW)
        rest, _ = self.waiting(first[-1].id if first else 0, len(self.records))
        held: dict[str, int] = {}
        for entry in rest:
            held[entry.record.transaction_id] = held.get(entry.record.transaction_id, 0) + 1
        return Saved(
            variables=dict(self.variables),
            sessions={n: s for n, s in self.sessions.items() if s is not None},
            records=first,
            behind=Behind(len(rest), sum(entry.size for entry in rest), held),
            next_record_id=self.last_id + 1,
            tokens=tuple(self.tokens.items()),
            listed=dict(self.listed),
            dead=len(self.dead),
            dead_size=sum(entry.size for entry, _ in self.dead.values()),
            security=tuple(self.security.values()),
            state={name: value for name, value in self.state.items() if value is not None},
        )


_KEPT: dict[type, Callable[[Disk, Any], None]] = {
    f.SaveRecord: Disk._record,
    f.SettleRecord: Disk._settle,
    f.DropRecords: Disk._drop,
    f.AmendRecords: Disk._amend,
    f.RetryDead: Disk._retry,
    f.DropDead: Disk._drop_dead,
    f.SaveSession: Disk._session,
    f.SaveVariable: Disk._variable,
    f.SaveToken: Disk._token,
    f.DropTokens: Disk._drop_tokens,
    f.SaveListed: Disk._listed,
    f.SaveSecurityEvent: Disk._security_event,
    f.SettleSecurityEvent: Disk._settle_security_event,
    f.SaveState: Disk._state,
}
