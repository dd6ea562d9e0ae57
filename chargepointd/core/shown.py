"""What `chargepointctl` shows of the station: plain data."""

from typing import Any

from chargepointd.core.evse import Evse
from chargepointd.core.outbox import Outbox


def evse(
    one: Evse, statuses: dict[int, str], outbox: Outbox, money: dict[str, Any] | None, reserved_by: str
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "availability": "Operative" if one.operative else "Inoperative",
        "faults": [f"{f.code} ({f.source})" + (f": {f.info}" if f.info else "") for f in one.faults.values()],
        "connectors": [{"id": c.id, "type": c.type, "status": statuses[c.id]} for c in one.plan.connectors],
    }
    if reserved_by:
        shown["reserved_by"] = reserved_by
    if one.plugged or one.session.authorized or one.transaction:
        shown["session"] = _session(one, outbox)
    if money:
        shown["money"] = money
    return shown


def seat(one: Evse) -> dict[str, Any]:
    """Who is authorized and has not plugged in yet."""
    token = one.session.token
    return {"token": token.masked if token else None, "evses": list(one.session.choice)}


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
            "reference": outbox.reference_of(transaction.id),
            "started_at": transaction.started_at,
            "charging_state": transaction.charging_state,
            "energy_wh": None if start is None or now is None else max(0.0, now - start),
        }
    return shown


def outbox(box: Outbox, limit: int) -> dict[str, Any]:
    entries = box.waiting()
    return {
        "queued": len(entries),
        "dead": box.dead,
        "others": box.others(),
        "messages": [
            {
                "id": entry.id,
                "kind": entry.record.kind,
                "at": entry.record.stamp.at,
                "transaction_id": entry.record.transaction_id,
                "seq_no": entry.record.seq_no,
                "attempts": entry.attempts,
                "state": "waiting",
            }
            for entry in entries[:limit]
        ],
    }
