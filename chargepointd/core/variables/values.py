"""Whether a text is a value of a variable, and if not, why."""

import math

from chargepointd.core.variables.model import Variable

LONGEST = 2500
"""characters; SetVariableDataType.attributeValue and 1.6 keep below it (ReportingValueSize, ConfigurationValueSize)"""


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
    return _text(variable, value)


def _number(variable: Variable, value: str, *, whole: bool) -> str:
    try:
        number: float = int(value) if whole else float(value)
    except ValueError:
        return "expected a whole number" if whole else "expected a number"
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


def _text(variable: Variable, value: str) -> str:
    if variable.max_limit is not None and len(value) > variable.max_limit:
        return f"longer than {variable.max_limit:g} characters"
    if variable.min_limit is not None and len(value) < variable.min_limit:
        return f"shorter than {variable.min_limit:g} characters"
    return ""
