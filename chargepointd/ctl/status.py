"""The station as `chargepointctl status` shows it."""

from typing import Any

from chargepointd.control.table import Cell, Style, printable, state_cell, table
from chargepointd.ctl.words import Result, duration, joined, local_time, quantity


def status(result: Result, style: Style) -> str:
    station, csms = result.get("station") or {}, result.get("csms") or {}
    outbox = result.get("outbox") or {}
    faults = joined(result.get("faults"))
    firmware = result.get("firmware")
    facts: tuple[tuple[str, str], ...] = (
        ("Station", _station(station, style)),
        ("Up", f"{duration(station.get('uptime_s'))}, since {local_time(station.get('started_at'))}"),
        ("CSMS", _csms(csms, style)),
        ("Service", style.state(printable(result.get("availability")))),
        ("Outbox", _outbox_facts(outbox)),
        ("Faults", style.paint(faults, "red") if faults else "none"),
    )
    if result.get("clock") == "not known":
        told = "not known: nobody has told it since the power was off; what is noted gets its time when it is"
        facts = (*facts, ("Time", style.paint(told, "yellow")))
    if result.get("on_battery"):
        facts = (*facts, ("Supply", style.paint("the grid is away, a back-up supply runs: nobody may begin", "red")))
    if result.get("storage"):
        told = f"nothing can be kept, nobody may charge: {printable(result['storage'])}; "
        told += "make room on the disk, or make it writable, or replace it"
        facts = (*facts, ("Storage", style.paint(told, "red")))
    elif result.get("suspect"):
        facts = (*facts, ("Storage", style.paint(printable(result["suspect"]), "red")))
    if result.get("damaged"):
        facts = (*facts, ("Damaged", style.paint(f"lost on the disk: {joined(result['damaged'])}", "red")))
    if result.get("lobby"):
        facts = (*facts, ("To plug", _lobby(result["lobby"])))
    money = _money(result.get("evses") or ())
    if money:
        facts = (*facts, ("Money", money))
    if firmware:
        facts = (*facts, ("Firmware", f"update {printable(firmware.get('request'))}: {printable(firmware['state'])}"))
    head = "\n".join(f"{name:<8} {text}" for name, text in facts)
    return f"{head}\n\n{_evses(result.get('evses') or (), style)}"


def _money(evses: Any) -> str:
    """What drivers are told: "EVSE 1: EUR 1.23 so far (11:02), 0.30 per kWh"."""
    rows = []
    for evse in evses:
        told = evse.get("money") or {}
        parts = []
        if told.get("cost"):
            when = "in all" if told.get("final") else f"so far ({local_time(told.get('cost_at'))})"
            parts.append(f"{printable(told.get('currency') or '')} {printable(told['cost'])} {when}".strip())
        if told.get("price"):
            parts.append(printable(told["price"]))
        if parts:
            rows.append(f"EVSE {printable(evse.get('id'))}: {', '.join(parts)}")
    return "; ".join(rows)


def _lobby(seats: Any) -> str:
    """Who is authorized and has not chosen an EVSE yet."""
    return "; ".join(f"{printable(seat.get('token'))} at EVSE {joined(seat.get('evses'))}" for seat in seats or ())


def _station(station: Result, style: Style) -> str:
    about = (station.get("vendor"), station.get("model"), station.get("serial_number"), station.get("firmware_version"))
    names = ", ".join(printable(each) for each in about if each)
    return style.paint(printable(station.get("id")), "bold") + (f" ({names})" if names else "")


def _csms(csms: Result, style: Style) -> str:
    url = printable(csms.get("url")) + (f" by the proxy {printable(csms['proxy'])}" if csms.get("proxy") else "")
    if not csms.get("connected"):
        return f"{url}, {style.state('not connected')} for {duration(csms.get('offline_s'))}"
    registration = style.state(printable(csms.get("registration")))
    since = f" since {local_time(csms['since'])}" if csms.get("since") else ""
    url += f" (slot {csms['slot']})" if csms.get("slot", 1) != 1 else ""
    return f"{url}, {style.state('connected')}{since}, {printable(csms.get('subprotocol'))}, {registration}"


def _outbox_facts(outbox: Result) -> str:
    oldest = f", oldest of {local_time(outbox['oldest_at'])}" if outbox.get("oldest_at") else ""
    facts = f"{outbox.get('queued', 0)} waiting{oldest}, {outbox.get('sent', 0)} sent"
    facts += f", {outbox['dead']} set aside" if outbox.get("dead") else ""
    facts += dropped(outbox)
    return facts + (", FULL: nobody may begin" if outbox.get("full") else "")


def dropped(outbox: Result) -> str:
    dropped = outbox.get("dropped")
    if not dropped:
        return ""
    what = [f"{dropped[name]} {name}" for name in ("records", "values") if dropped.get(name)]
    return f", {' and '.join(what)} dropped for lack of room, the last at {local_time(dropped.get('at'))}"


def _evses(evses: Any, style: Style) -> str:
    heads = (
        "evse", "connector", "status", "service", "transaction", "token", "charging",
        "energy", "power", "limit", "since", "reserved by", "faults",
    )  # fmt: skip
    rows = [
        _evse_row(evse, connector, first=n == 0)
        for evse in evses
        for n, connector in enumerate(evse.get("connectors") or ({},))
    ]
    return table(heads, rows, style)


def _evse_row(evse: Result, connector: Result, first: bool) -> list[Cell | str]:
    place = f"{printable(connector.get('id'))} {printable(connector.get('type', ''))}"
    own: list[Cell | str] = [printable(evse.get("id")), place, state_cell(connector.get("status"))]
    if not first:  # what is the EVSE's stands once
        return [*own, *[""] * 10]
    session = evse.get("session") or {}
    return [
        *own,
        state_cell(evse.get("availability")),
        printable(session.get("reference") or session.get("transaction_id")),
        printable(session.get("token")),
        state_cell(session.get("charging_state")),
        quantity(session.get("energy_wh"), "Wh"),
        quantity(session.get("power_w"), "W"),
        _limit(session),
        local_time(session.get("started_at")),
        printable(evse.get("reserved_by")),
        Cell(joined(evse.get("faults")), "red"),
    ]


def _limit(session: Result) -> str:
    amps, watts = session.get("limit_a"), session.get("limit_w")
    told = [f"{amps:g} A"] if isinstance(amps, int | float) else []
    told += [f"{watts / 1000:g} kW"] if isinstance(watts, int | float) else []
    return ", ".join(told) or "-"
