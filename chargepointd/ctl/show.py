"""Results for a person. Tolerant: a daemon of another version may leave things out or tell more."""

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from chargepointd.control.table import Cell, Style, printable, state_cell, table

Result = Mapping[str, Any]


def shown(method: str, result: Any, style: Style) -> str:
    """The text of a result, without the last newline; empty when there is nothing to say."""
    view = _VIEWS.get(method)
    if view is not None and isinstance(result, Mapping):
        return view(result, style)
    return anything(result, style)


def event_line(event: Result, style: Style) -> str:
    """One event of `watch`: time, where, what."""
    where = _where(event)
    text = printable(event.get("text") or event.get("kind"))
    kind = printable(event.get("kind", ""))
    look = "red" if "fault" in kind.lower() or "error" in kind.lower() else ""
    parts = (style.paint(local_time(event.get("at")), "faint"), f"{where:<8}", style.paint(text, look))
    return "  ".join(parts).rstrip()


def _where(event: Result) -> str:
    if event.get("evse") is None:
        return "station"
    connector = event.get("connector")
    return f"evse {event['evse']}" + (f".{connector}" if connector is not None else "")


def local_time(at: Any) -> str:
    """A time of the daemon (ISO 8601, UTC) as the clock on the wall here; as it is when it is no such time."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (TypeError, ValueError):
        return printable(at)


def duration(seconds: Any) -> str:
    """90 -> "1 min 30 s": the two largest units that count."""
    if not isinstance(seconds, int | float):
        return "-"
    left = int(seconds)
    parts: list[str] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _quantity(value: Any, unit: str) -> str:
    if not isinstance(value, int | float):
        return "-"
    return f"{value / 1000:.2f} k{unit}" if abs(value) >= 1000 else f"{value:.0f} {unit}"


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else printable(value)


def _list(values: Any) -> str:
    return ", ".join(printable(each) for each in values or ())


def _status(result: Result, style: Style) -> str:
    station, csms = result.get("station") or {}, result.get("csms") or {}
    outbox = result.get("outbox") or {}
    faults = _list(result.get("faults"))
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
        facts = (*facts, ("Damaged", style.paint(f"lost on the disk: {_list(result['damaged'])}", "red")))
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
    return "; ".join(f"{printable(seat.get('token'))} at EVSE {_list(seat.get('evses'))}" for seat in seats or ())


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
    facts += _dropped(outbox)
    return facts + (", FULL: nobody may begin" if outbox.get("full") else "")


def _dropped(outbox: Result) -> str:
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
        _quantity(session.get("energy_wh"), "Wh"),
        _quantity(session.get("power_w"), "W"),
        _limit(session),
        local_time(session.get("started_at")),
        printable(evse.get("reserved_by")),
        Cell(_list(evse.get("faults")), "red"),
    ]


def _limit(session: Result) -> str:
    amps, watts = session.get("limit_a"), session.get("limit_w")
    told = [f"{amps:g} A"] if isinstance(amps, int | float) else []
    told += [f"{watts / 1000:g} kW"] if isinstance(watts, int | float) else []
    return ", ".join(told) or "-"


def _variables(result: Result, style: Style) -> str:
    rows: list[list[Cell | str]] = []
    for each in result.get("variables") or ():
        status = each.get("status", "Accepted")
        if each.get("mutability") == "WriteOnly":
            status = "Accepted"  # nobody is shown it: no fault
        value = printable(each.get("value")) + (f" {printable(each['unit'])}" if each.get("unit") else "")
        attribute = each.get("attribute")
        rows.append([
            printable(each.get("name")),
            value if status == "Accepted" else Cell(printable(status), "red"),
            "" if attribute == "Actual" else printable(attribute),
            printable(each.get("mutability")),
            printable(each.get("type")),
        ])  # fmt: skip
    return table(("name", "value", "attribute", "mutability", "type"), rows, style) if rows else "no such variable"


def _letters(result: Result, style: Style) -> str:
    rows: list[list[Cell | str]] = [
        [
            printable(each.get("id")),
            printable(each.get("kind")),
            printable(each.get("transaction_id", "")),
            printable(each.get("seq_no", "")),
            local_time(each.get("at")),
            local_time(each.get("set_aside_at")),
            printable(each.get("attempts")),
            Cell(printable(each.get("reason")), "red"),
        ]
        for each in result["letters"]
    ]
    heads = ("id", "kind", "transaction", "seq", "at", "set aside", "attempts", "why")
    more = "\n\nthere are more; --json shows the last id, --export writes all" if result.get("more") else ""
    return table(heads, rows, style) + more if rows else "nothing is set aside"


def _minded(result: Result) -> str:
    did = f"{result['sent']} sent again" if "sent" in result else f"{result['dropped']} dropped"
    return f"{did}, {result.get('dead', 0)} set aside"


def _outbox(result: Result, style: Style) -> str:
    if "letters" in result:
        return _letters(result, style)
    if "refused" in result:
        return _minded(result)
    size = f" ({result['bytes'] / 1000:.0f} kB)" if result.get("bytes") else ""
    head = f"{result.get('queued', 0)} waiting{size}, {result.get('dead', 0)} set aside{_dropped(result)}"
    if result.get("others"):
        head += f", {result['others']} that are no transaction records"
    rows: list[list[Cell | str]] = [
        [
            printable(each.get("id")),
            printable(each.get("kind")),
            local_time(each.get("at")),
            printable(each.get("transaction_id")),
            printable(each.get("seq_no")),
            printable(each.get("attempts")),
            state_cell(each.get("state")),
            printable(each.get("time")),
        ]
        for each in result.get("messages") or ()
    ]
    heads = ("id", "kind", "at", "transaction", "seq", "attempts", "state", "time is")
    return f"{head}\n\n{table(heads, rows, style)}" if rows else head


def _security_log(result: Result, style: Style) -> str:
    rows: list[list[Cell | str]] = [
        [
            local_time(each.get("at")),
            printable(each.get("kind")),
            state_cell(each.get("state")),
            printable(each["info"]),
        ]
        for each in result.get("events") or ()
    ]
    kept = result.get("kept", 0)
    head = f"{kept} event{'' if kept == 1 else 's'}"
    return f"{head}\n\n{table(('at', 'event', 'state', 'what'), rows, style)}" if rows else head


def _schedule(result: Result, style: Style) -> str:
    unit = printable(result.get("unit"))
    where = f"EVSE {result['evse']}" if result.get("evse") else "station"
    head = f"{where}, from {local_time(result.get('starts_at'))} for {duration(result.get('duration_s'))}"
    rows: list[list[Cell | str]] = [
        [
            local_time(each.get("at")),
            duration(each.get("start_s")),
            f"{_number(each.get('limit'))} {unit}",
            printable(each.get("phases")) + (f" (L{each['phase_to_use']})" if each.get("phase_to_use") else ""),
        ]
        for each in result.get("periods") or ()
    ]
    return f"{head}\n\n{table(('from', 'after', 'at most', 'phases'), rows, style)}"


def _profiles(result: Result, style: Style) -> str:
    rows: list[list[Cell | str]] = [
        [
            printable(each.get("id")),
            printable(each["evse"]) if each.get("evse") else "all",
            printable(each.get("purpose")),
            printable(each.get("level")),
            " ".join(printable(each[name]) for name in ("kind", "recurrency") if each.get(name)),
            _limits(each),
            _validity(each),
            "awaited" if each.get("awaited") else printable(each.get("transaction_id")),
            printable(each.get("source")),
        ]
        for each in result.get("profiles") or ()
    ]
    heads = ("id", "evse", "purpose", "level", "kind", "limits", "valid", "transaction", "source")
    return table(heads, rows, style) if rows else "no charging profile"


EVER = "1970-01-01T00:00:00"
"""the start of what holds since it was set, such as a limit from outside"""


def _limits(profile: Result) -> str:
    """ "6 to 16 A, 4 periods, 2 h from 2026-03-01 10:00:00" """
    periods = profile.get("periods") or ()
    limits = sorted(each.get("limit", 0) for each in periods)
    text = " to ".join(dict.fromkeys(_number(limit) for limit in (*limits[:1], *limits[-1:])))
    text = f"{text} {printable(profile.get('unit'))}"
    text += f", {len(periods)} periods" if len(periods) > 1 else ""
    text += f", {duration(profile['duration_s'])}" if profile.get("duration_s") else ""
    starts_at = profile.get("starts_at") or EVER
    return text + ("" if starts_at.startswith(EVER) else f" from {local_time(starts_at)}")


def _validity(profile: Result) -> str:
    begins, ends = profile.get("valid_from"), profile.get("valid_to")
    parts = [f"from {local_time(begins)}"] if begins else []
    return " ".join([*parts, f"to {local_time(ends)}"] if ends else parts) or "-"


def _reservations(result: Result, style: Style) -> str:
    rows: list[list[Cell | str]] = [
        [
            printable(each.get("id")),
            ".".join(printable(each[name]) for name in ("evse", "connector") if each.get(name)) or "any",
            printable(each.get("connector_type")),
            printable(each.get("token")),
            printable(each.get("group")),
            local_time(each.get("expires_at")),
        ]
        for each in result.get("reservations") or ()
    ]
    return table(("id", "evse", "type", "token", "group", "until"), rows, style) if rows else "no reservation"


def _drivers(result: Result, style: Style) -> str:
    drivers = result.get("drivers") or ()
    rows: list[list[Cell | str]] = [
        [
            printable(each.get("name")),
            printable(each.get("driver")),
            state_cell(each.get("state")),
            local_time(each.get("since")),
            printable(each.get("reason")),
        ]
        for each in drivers
    ]
    devices = [_device_row(driver, device) for driver in drivers for device in driver.get("devices") or ()]
    if not rows:
        return "no drivers"
    text = table(("driver", "kind", "state", "since", "reason"), rows, style)
    heads = ("device", "state", "reading", "age", "used by", "reason", "abilities")
    return f"{text}\n\n{table(heads, devices, style)}" if devices else text


def _device_row(driver: Result, device: Result) -> list[Cell | str]:
    age = device.get("age_s")
    return [
        f"{printable(driver.get('name'))}.{printable(device.get('name'))}",
        state_cell(device.get("state")),
        _compact(device.get("reading")),
        f"{age:.1f} s" if isinstance(age, int | float) else "-",
        _list(device.get("used_by")),
        printable(device.get("reason")),
        _list(device.get("abilities")),
    ]


def _compact(value: Any) -> str:
    """A reading in one cell: what is not known is left out."""
    if isinstance(value, Mapping):
        pairs = ((name, _compact(each)) for name, each in value.items())
        return " ".join(f"{printable(name)}={text}" for name, text in pairs if text not in ("", "-"))
    if isinstance(value, list | tuple):
        return "/".join(_compact(each) for each in value).strip("/-")
    return f"{value:g}" if isinstance(value, float) else printable(value)


def _done(result: Result, style: Style) -> str:
    if result.get("taken") is True and len(result) == 1:
        return style.state("ok")
    status = style.state(printable(result.get("status")))
    return f"{status}: {printable(result['reason'])}" if result.get("reason") else status


def anything(value: Any, style: Style) -> str:
    """A result without a view of its own: a list of objects as a table, an object as lines."""
    if value is None or value == {} or value is True:
        return style.state("ok")
    if isinstance(value, Mapping):
        return _done(value, style) if value == {"taken": True} else _facts(value, style)
    if isinstance(value, list):
        return _rows(value, style)
    return printable(value)


def _facts(value: Result, style: Style) -> str:
    blocks, lines = [], []
    width = max(len(printable(name)) for name in value)
    for name, each in value.items():
        if isinstance(each, list) and each and all(isinstance(item, Mapping) for item in each):
            blocks.append(f"{style.paint(printable(name), 'bold')}\n{_rows(each, style)}")
        else:
            lines.append(f"{printable(name):<{width}}  {_compact(each)}".rstrip())
    return "\n\n".join(["\n".join(lines), *blocks] if lines else blocks)


def _rows(items: list[Any], style: Style) -> str:
    if not items or not all(isinstance(each, Mapping) for each in items):
        return "\n".join(_compact(each) for each in items) or "none"
    heads = list(dict.fromkeys(name for each in items for name in each))
    return table([printable(name) for name in heads], [[_compact(each.get(n)) for n in heads] for each in items], style)


def _pics(result: Result, style: Style) -> str:
    heads = ("id", "feature", "answer", "by")
    rows: list[list[str]] = []
    for each in result.get("answers") or ():  # a list is as long as a page is wide: it goes on in the next lines
        cells = [wrap(printable(each.get(name)).replace(",", ", ").replace(",  ", ", "), 48) or [""] for name in heads]
        rows += [list(line) for line in zip_longest(*cells, fillvalue="")]
    return table(heads, rows, style)


def _outside(result: Result, style: Style) -> str:
    if "limits" not in result:
        return _done(result, style)
    rows = [
        [
            printable(each["evse"]) if each.get("evse") else "station",
            f"{_number(each.get('limit'))} {printable(each.get('unit'))}",
            printable(each.get("source")),
            printable(each.get("by")),
            local_time(each["until"]) if each.get("until") else "-",
        ]
        for each in result["limits"] or ()
    ]
    return table(("evse", "limit", "source", "by", "until"), rows, style) if rows else "no limit from outside"


_VIEWS: dict[str, Callable[[Result, Style], str]] = {
    "status": _status,
    "get": _variables,
    "outbox": _outbox,
    "limit": _outside,
    "drivers": _drivers,
    "schedule": _schedule,
    "profiles": _profiles,
    "pics": _pics,
    "security_log": _security_log,
    "reservations": _reservations,
    "start": _done,
    "grid": _done,
    "stop": _done,
    "availability": _done,
    "set": _done,
    "unlock": _done,
    "reset": _done,
    "reset_csms": _done,
}
