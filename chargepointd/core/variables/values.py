"""Whether a text is a value of a variable, and if not, why."""

import math
from datetime import datetime
from re import ASCII, fullmatch

from chargepointd.core.variables.model import Variable

LONGEST = 1000
"""characters, SetVariableDataType.attributeValue (DeviceDataCtrlr.ConfigurationValueSize)"""


def complaint(variable: Variable, value: str) -> str:
    """Empty when `value` fits; else what is wrong with it and what would be right, for a person."""
    kind = variable.datatype
    if len(value) > LONGEST:
        return f"longer than {LONGEST} characters"
    if kind == "boolean":
        return "" if value.lower() in ("true", "false") else "expected true or false"
    if kind in ("integer", "decimal"):
        return _number(variable, value, whole=kind == "integer")
    if kind == "OptionList":
        return "" if value in variable.values else f"expected one of {', '.join(variable.values)}"
    if kind in ("MemberList", "SequenceList"):
        return _list(variable, value)
    if kind == "dateTime":
        return _moment(value)
    return _text(variable, value)


def _number(variable: Variable, value: str, *, whole: bool) -> str:
    form = r"[+-]?\d+" if whole else r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
    if not fullmatch(form, value, ASCII):
        return "expected a whole number" if whole else "expected a number"
    number: float = int(value) if whole else float(value)
    if not math.isfinite(number):
        return "expected a finite number"
    if variable.min_limit is not None and number < variable.min_limit:
        return f"below the least value {variable.min_limit:g}"
    if variable.max_limit is not None and number > variable.max_limit:
        return f"above the largest value {variable.max_limit:g}"
    return ""


def _list(variable: Variable, value: str) -> str:
    items = [item.strip() for item in value.split(",")] if value.strip() else []
    strangers = [item for item in items if variable.values and item not in variable.values]
    if strangers:
        return f"not supported: {', '.join(strangers)}; known: {', '.join(variable.values)}"
    if len(set(items)) != len(items):
        return "an item stands twice"
    if variable.max_limit is not None and len(value) > variable.max_limit:
        return f"longer than {variable.max_limit:g} characters"
    return ""


def _moment(value: str) -> str:
    """RFC 3339 with an offset; or nothing, for what is not set."""
    if value and not fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value, ASCII):
        return 'expected a time such as "2026-03-29T01:00:00Z"'
    try:
        datetime.fromisoformat(value.upper()) if value else None
    except ValueError as error:
        return str(error)
    return ""


def _text(variable: Variable, value: str) -> str:
    if variable.max_limit is not None and len(value) > variable.max_limit:
        return f"longer than {variable.max_limit:g} characters"
    if variable.min_limit is not None and len(value) < variable.min_limit:
        return f"shorter than {variable.min_limit:g} characters"
    return ""
