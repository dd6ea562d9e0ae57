"""Payloads that a schema of OCPP 2.0.1 allows, the odd more often than the usual."""

from math import inf
from typing import Any

from hypothesis import strategies as st

from tests.core.world import World
from tests.dialects.mutants import resolve

NUMBERS = (-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 4, 5, 60, 2**31, 2**53, 2**63, 2**64 - 1)
FRACTIONS = (*NUMBERS, 0.1, 1e-308, 1e27, 1e308, -1e308)
TIMES = ("0001-01-01T00:00:00+23:59", "1970-01-01T00:00:00Z", "2027-01-15T08:00:00Z", "9999-12-31T23:59:60-23:59")
WORDS = (
    "", "x", "1", "2", "1,2", "2,1", "0", "-1", "true", "false", "Ä", "\0", "\n", "٣", "²", "1e999",
    "nan", "99999999999999999999",
    "wss://[", "wss://a:b@c/", "wss://h:99999/", "ws://h", "https://u:p@h:x/", "https://h/../../etc/x.sh", "ftp://h/%0a",
    "TxCtrlr", *TIMES, "NTP,Heartbeat", "AAAA1111", "a" * 40, "+01:00", "Energy.Active.Import.Register",
)  # fmt: skip
REFS = [variable.ref for variable in World("2.0.1").variables.variables]


def values(part: dict[str, Any], whole: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a schema allows, the odd more often than the usual."""
    part = resolve(part, whole)
    if "enum" in part:
        return st.sampled_from(part["enum"])
    match part.get("type"):
        case "object":
            properties = {name: values(inner, whole) for name, inner in part.get("properties", {}).items()}
            must = {name: made for name, made in properties.items() if name in part.get("required", ())}
            may = {name: made for name, made in properties.items() if name not in must and name != "customData"}
            made = st.fixed_dictionaries(must, optional=may)
            return st.one_of(made, _of_the_model(made)) if {"component", "variable"} <= set(properties) else made
        case "array":
            return st.lists(values(part["items"], whole), min_size=part.get("minItems", 0), max_size=3)
        case "string" if part.get("format") == "date-time":
            return st.sampled_from(TIMES)
        case "string":
            most = part.get("maxLength", 1000)
            return st.one_of(
                st.sampled_from([word for word in WORDS if len(word) <= most]), st.text(max_size=min(most, 50))
            )
        case "integer" | "number":
            low, high = part.get("minimum", -inf), part.get("maximum", inf)
            numbers = NUMBERS if part["type"] == "integer" else FRACTIONS
            return st.sampled_from([number for number in numbers if low <= number <= high])
        case "boolean":
            return st.booleans()
    return st.just("thing")


def _of_the_model(made: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The same for a variable that there is."""

    def named(item: dict[str, Any], ref: Any) -> dict[str, Any]:
        component, variable = {"name": ref.component}, {"name": ref.variable}
        if ref.instance:
            variable["instance"] = ref.instance
        if ref.component_instance:
            component["instance"] = ref.component_instance
        if ref.evse_id:
            component["evse"] = {"id": ref.evse_id} | ({"connectorId": ref.connector_id} if ref.connector_id else {})
        return item | {"component": component, "variable": variable}

    return st.builds(named, made, st.sampled_from(REFS))
