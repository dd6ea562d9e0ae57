"""What `chargepointctl` shows of the station: plain data."""

from typing import TYPE_CHECKING, Any

from chargepointd.core.context import Step
from chargepointd.core.evse import Evse
from chargepointd.core.outbox import Outbox
from chargepointd.core.values import Stamp

if TYPE_CHECKING:
    from chargepointd.core.station import Station


def station(this: "Station", step: Step) -> dict[str, Any]:
    waiting = this.outbox
    oldest = next(iter(waiting.records), None)
    return {
        "time": step.utc,
        "clock": this.context.clock.how,
        "time_offset_s": this.timekeeping.offset_s(step.utc),
        "registration": this.registration.state,
        "availability": _operative(this.availability.station_operative),
        "on_battery": this.resets.on_battery,
        "storage": this.context.unkept,
        **({"suspect": this.context.suspect} if this.context.suspect else {}),
        "damaged": list(this.security.damaged),
        "faults": [f"{f.code} ({f.source})" for f in this.statuses.station_faults.values()],
        "firmware": this.firmware.show(),
        "reservations": this.reservations.show(),
        "lobby": [_seat(seat) for seat in this.lobby.seats.values() if seat.session.authorized],
        "evses": [_evse(evse, this, step) for evse in this.evses.values()],
        "outbox": {
            "queued": len(waiting),
            "sent": this.outbox.sent,
            "dead": this.outbox.dead,
            "dropped": this.outbox.records.dropped,
            "full": this.context.no_room,
            "oldest_at": oldest.record.stamp.at if oldest else None,
        },
    }


def _operative(operative: bool) -> str:
    return "Operative" if operative else "Inoperative"


def _seat(seat: Evse) -> dict[str, Any]:
    """Who is authorized and has not plugged in yet."""
    token = seat.session.token
    return {"token": token.masked if token else None, "evses": list(seat.session.choice)}


def _evse(evse: Evse, this: "Station", step: Step) -> dict[str, Any]:
    status = this.statuses.shown
    shown: dict[str, Any] = {
        "id": evse.id,
        "availability": _operative(evse.operative),
        "faults": [f"{f.code} ({f.source})" + (f": {f.info}" if f.info else "") for f in evse.faults.values()],
        "connectors": [{"id": c.id, "type": c.type, "status": status((evse.id, c.id))} for c in evse.plan.connectors],
    }
    reserved_by = this.reservations.reserved_by(evse)
    if reserved_by:
        shown["reserved_by"] = reserved_by
    if evse.plugged or evse.session.authorized or evse.transaction:
        shown["session"] = _session(evse, this.outbox)
    money = this.pricing.begun(step).shown(evse.id, step) if this.pricing else None
    if money:
        shown["money"] = money
    return shown


def _session(one: Evse, outbox: Outbox) -> dict[str, Any]:
    session, measured = one.session, one.measured
    shown: dict[str, Any] = {
        "cable": bool(one.plugged),
        "authorized": session.authorized,
        "token": session.token.masked if session.token else None,
        "power": one.power_on,
        "power_w": measured.power_w if measured else None,
        "limit_a": one.allowed_a,
        **({"limit_w": one.allowed_w} if one.plan.supply == "DC" else {}),
    }
    transaction = session.transaction
    if transaction:
        start = transaction.energy_start_wh
        now = measured.energy_import_wh if measured else None
        shown |= {
            "transaction_id": transaction.id,
            "reference": outbox.names.reference_of(transaction.id),
            "started_at": transaction.started_at,
            "charging_state": transaction.charging_state,
            "energy_wh": None if start is None or now is None else max(0.0, now - start),
        }
    return shown


def how_known(stamp: Stamp) -> str:
    return stamp.how or ("known" if stamp.sure else "not known yet")


def outbox(box: Outbox, limit: int) -> dict[str, Any]:
    entries = list(box.records)
    return {
        "queued": len(box),
        "bytes": box.records.size,
        "dropped": box.records.dropped,
        "dead": box.dead,
        "others": box.others(),
        "messages": [
            {
                "id": entry.id,
                "kind": entry.record.kind,
                "at": entry.record.stamp.at,
                "transaction_id": entry.record.transaction_id,
                "seq_no": entry.record.seq_no,
                "time": how_known(entry.record.stamp),
                "attempts": box.records.attempts(entry),
                "state": "waiting",
            }
            for entry in entries[:limit]
        ],
    }
