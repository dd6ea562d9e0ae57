"""Results for a person. Tolerant: a daemon of another version may leave things out or tell more."""

from collections.abc import Callable, Mapping
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from chargepointd.control.table import Cell, Style, printable, state_cell, table
from chargepointd.ctl.status import dropped, status
from chargepointd.ctl.words import Result, anything, compact, done, duration, joined, local_time, number


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
    head = f"{result.get('queued', 0)} waiting{size}, {result.get('dead', 0)} set aside{dropped(result)}"
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
            f"{number(each.get('limit'))} {unit}",
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
    text = " to ".join(dict.fromkeys(number(limit) for limit in (*limits[:1], *limits[-1:])))
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
        compact(device.get("reading")),
        f"{age:.1f} s" if isinstance(age, int | float) else "-",
        joined(device.get("used_by")),
        printable(device.get("reason")),
        joined(device.get("abilities")),
    ]


def _pics(result: Result, style: Style) -> str:
    heads = ("id", "feature", "answer", "by")
    rows: list[list[str]] = []
    for each in result.get("answers") or ():  # a list is as long as a page is wide: it goes on in the next lines
        cells = [wrap(printable(each.get(name)).replace(",", ", ").replace(",  ", ", "), 48) or [""] for name in heads]
        rows += [list(line) for line in zip_longest(*cells, fillvalue="")]
    return table(heads, rows, style)


def _outside(result: Result, style: Style) -> str:
    if "limits" not in result:
        return done(result, style)
    rows = [
        [
            printable(each["evse"]) if each.get("evse") else "station",
            f"{number(each.get('limit'))} {printable(each.get('unit'))}",
            printable(each.get("source")),
            printable(each.get("by")),
            local_time(each["until"]) if each.get("until") else "-",
        ]
        for each in result["limits"] or ()
    ]
    return table(("evse", "limit", "source", "by", "until"), rows, style) if rows else "no limit from outside"


_VIEWS: dict[str, Callable[[Result, Style], str]] = {
    "status": status,
    "get": _variables,
    "outbox": _outbox,
    "limit": _outside,
    "drivers": _drivers,
    "schedule": _schedule,
    "profiles": _profiles,
    "pics": _pics,
    "security_log": _security_log,
    "reservations": _reservations,
    "start": done,
    "grid": done,
    "stop": done,
    "availability": done,
    "set": done,
    "unlock": done,
    "reset": done,
    "reset_csms": done,
}
