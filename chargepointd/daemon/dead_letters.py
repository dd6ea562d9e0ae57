"""What a person is shown of the records that the CSMS did not take."""

from collections.abc import Callable, Sequence
from typing import Any

from chargepointd.core import events as e
from chargepointd.core.dead_letters import UNREADABLE, DeadLetter
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import Dialect
from chargepointd.storage.set_aside import Unreadable
from chargepointd.storage.store import Store
from chargepointd.storage.writer import Writer

Read = tuple[DeadLetter, ...] | Unreadable


def ask(
    writer: Writer,
    post: Callable[[e.Event], None],
    answered: Callable[[Read], object],
    ids: Sequence[int] = (),
    *,
    after_id: int = 0,
    limit: int,
) -> None:
    """Those named, or the oldest behind an id. Where they are damaged, the station hears of it."""

    def read(store: Store) -> Read:
        try:
            return store.dead(ids, after_id=after_id, limit=limit)
        except Unreadable as error:
            return error

    def told(found: Read) -> None:
        answered(found)
        if isinstance(found, Unreadable):
            post(e.DamageMet(str(found)))

    writer.ask(read, told)


def listed(letter: DeadLetter) -> dict[str, Any]:
    """Without tokens."""
    shown: dict[str, Any] = {
        "id": letter.id,
        "set_aside_at": format_time(letter.at) if letter.at else None,
        "attempts": letter.attempts,
        "reason": letter.reason,
    }
    record = letter.record
    if record is None:
        return shown | {"kind": UNREADABLE}
    return shown | {
        "transaction_id": record.transaction_id,
        "kind": record.kind,
        "seq_no": record.seq_no,
        "at": format_time(record.stamp.at),
        "evse": record.evse_id,
    }


def exported(letter: DeadLetter, dialect: Dialect) -> dict[str, Any]:
    """With all that billing needs: the message in the words of OCPP, and what the station knows beside it. `reference`
    is the number that the CSMS gave the transaction (1.6), `energy_wh` the register of the meter at this moment."""
    shown = listed(letter)
    record = letter.record
    if record is None:
        return shown
    reference = letter.reference if letter.reference is not None and letter.reference > 0 else None
    spoken = dialect.call(record, reference)
    action, payload = spoken if spoken else (None, None)
    return shown | {
        "message_id": letter.message_id,
        "reference": reference,
        "action": action,
        "payload": payload,
        "starter": record.starter._asdict() if record.starter else None,
        "energy_wh": record.energy_wh,
        "time_is_sure": record.stamp.sure,
    }
