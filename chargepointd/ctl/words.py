"""Times, numbers and whatever has no view of its own, in words for a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chargepointd.control.table import Style, printable, table

Result = Mapping[str, Any]


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


def quantity(value: Any, unit: str) -> str:
    if not isinstance(value, int | float):
        return "-"
    return f"{value / 1000:.2f} k{unit}" if abs(value) >= 1000 else f"{value:.0f} {unit}"


def number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else printable(value)


def joined(values: Any) -> str:
    return ", ".join(printable(each) for each in values or ())


def compact(value: Any) -> str:
    """A reading in one cell: what is not known is left out."""
    if isinstance(value, Mapping):
        pairs = ((name, compact(each)) for name, each in value.items())
        return " ".join(f"{printable(name)}={text}" for name, text in pairs if text not in ("", "-"))
    if isinstance(value, list | tuple):
        return "/".join(compact(each) for each in value).strip("/-")
    return f"{value:g}" if isinstance(value, float) else printable(value)


def done(result: Result, style: Style) -> str:
    if result.get("taken") is True and len(result) == 1:
        return style.state("ok")
    status = style.state(printable(result.get("status")))
    return f"{status}: {printable(result['reason'])}" if result.get("reason") else status


def anything(value: Any, style: Style) -> str:
    """A result without a view of its own: a list of objects as a table, an object as lines."""
    if value is None or value == {} or value is True:
        return style.state("ok")
    if isinstance(value, Mapping):
        return done(value, style) if value == {"taken": True} else _facts(value, style)
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
            lines.append(f"{printable(name):<{width}}  {compact(each)}".rstrip())
    return "\n\n".join(["\n".join(lines), *blocks] if lines else blocks)


def _rows(items: list[Any], style: Style) -> str:
    if not items or not all(isinstance(each, Mapping) for each in items):
        return "\n".join(compact(each) for each in items) or "none"
    heads = list(dict.fromkeys(name for each in items for name in each))
    return table([printable(name) for name in heads], [[compact(each.get(n)) for n in heads] for each in items], style)
