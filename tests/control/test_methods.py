import re
from typing import Any

import pytest

import chargepointd.control
from chargepointd.control.methods import METHODS, check, unknown_method
from chargepointd.control.protocol import (
    INVALID_PARAMS,
    NOT_AVAILABLE,
    UNKNOWN_EVSE,
    UNKNOWN_METHOD,
    ControlError,
    unknown_evse,
)

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("status", {}),
    ("start", {"evse": 1, "token": "A" * 36, "type": "ISO14443"}),
    ("start", {"evse": 1, "token": "DE-8AA-1A2B3C4D5"}),
    ("stop", {"evse": 1}),
    ("stop", {"transaction_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}),
    ("availability", {"operative": False}),
    ("availability", {"operative": True, "evse": 1, "connector": 1}),
    ("get", {"variables": ["A.B", "C.D"]}),
    ("get", {"prefix": ""}),
    ("set", {"variable": "A.B", "value": ""}),
    ("reset", {"mode": "onidle"}),
    ("reset", {"mode": "resume", "evse": 2}),
    ("sim.meter", {"evse": 1, "energy_wh": 1.5}),
]

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("start", {"evse": 1}, "token: missing"),
    ("start", {"evse": 1, "token": "A" * 300}, "token: expected 1-36"),
    ("start", {"evse": 1, "token": "A" * 37}, "token: expected 1-36"),
    ("start", {"evse": 1, "token": ""}, "token: expected 1-36"),
    ("start", {"evse": 1, "token": "Ä"}, "token: expected 1-36"),
    ("start", {"evse": 1, "token": "a\nb"}, "token: expected 1-36"),
    ("start", {"evse": 1, "token": 7}, "token: expected 1-36"),
    ("start", {"evse": "1", "token": "A"}, "evse: expected a whole number"),
    ("start", {"evse": True, "token": "A"}, "evse: expected a whole number"),
    ("start", {"evse": 1.0, "token": "A"}, "evse: expected a whole number"),
    ("start", {"evse": 0, "token": "A"}, "evse: expected a whole number from 1"),
    ("start", {"evse": 10**30, "token": "A"}, "evse: expected a whole number"),
    ("start", {"evse": 1, "token": "A", "type": "RFID"}, 'type: expected "ISO14443"'),
    ("start", {"evse": 1, "tokn": "A"}, 'unknown param; did you mean "token"?'),
    ("status", {"evse": 1}, "unknown param; known here: none"),
    ("stop", {}, "exactly one of evse, transaction_id"),
    ("stop", {"evse": 1, "transaction_id": "x"}, "exactly one of evse, transaction_id"),
    ("availability", {"operative": 1}, "operative: expected true or false"),
    ("availability", {"operative": True, "connector": 1}, "evse: missing"),
    ("get", {}, "exactly one of"),
    ("get", {"variables": []}, "variables: expected a list"),
    ("get", {"variables": ["A.B", 3]}, "variables: expected a list"),
    ("set", {"variable": "A.B", "value": "x" * 2501}, "value: expected 0-2500"),
    ("set", {"variable": "A.B", "value": "\ud800"}, "value: expected"),
    ("set", {"variable": "A.B", "value": "1", "attribute": "Max"}, "attribute: expected"),
    ("reset", {"mode": "now"}, "mode: expected"),
    ("sim.meter", {"evse": 1, "energy_wh": -1}, "energy_wh: expected a number from 0"),
    ("sim.transactions", {"count": 0}, "count: expected a whole number from 1"),
]


@pytest.mark.parametrize("method, params", GOOD)
def test_good_params_pass_as_they_are(method: str, params: dict[str, Any]) -> None:
    assert check(method, params) == params


@pytest.mark.parametrize("method, params, words", BAD)
def test_bad_params_are_refused_by_name_and_limit(method: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(ControlError) as caught:
        check(method, params)
    assert caught.value.code == INVALID_PARAMS
    assert words in caught.value.message
    assert len(caught.value.message) < 300


def test_null_counts_as_not_given() -> None:
    assert check("outbox", {"limit": None}) == {}


def test_a_method_of_a_plug_in_checks_for_itself() -> None:
    assert check("acme.wash", {"any": ["thing"]}) == {"any": ["thing"]}


def test_an_unknown_method_is_answered_with_a_near_one() -> None:
    error = unknown_method("stauts", {"status", "start"})
    assert (error.code, error.message) == (UNKNOWN_METHOD, '"stauts": unknown method; did you mean "status"?')


def test_an_unknown_method_like_no_other_is_answered_with_all() -> None:
    assert "known here: start, status" in unknown_method("zzzzz", {"status", "start"}).message


def test_sim_without_the_simulator_is_not_available() -> None:
    error = unknown_method("sim.swipe", {"status"})
    assert error.code == NOT_AVAILABLE
    assert "simulator driver" in error.message


def test_an_unknown_evse_is_answered_with_the_known_ones() -> None:
    error = unknown_evse(9, [1, 2])
    assert (error.code, error.message) == (UNKNOWN_EVSE, "evse 9: unknown; this station has 1, 2")


def test_the_documented_methods_are_those_of_the_table() -> None:
    documented = set(re.findall(r"^    (\w+) {3,}(?:\{|-)", chargepointd.control.__doc__ or "", re.MULTILINE))
    assert documented == {name for name in METHODS if not name.startswith("sim.")}
