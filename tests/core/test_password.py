"""The password of the station: a text in 2.x, bytes in 1.6, one and the same in both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepointd.core.password import as_bytes, as_text, complaint
from chargepointd.core.plan import CsmsPlan
from chargepointd.core.slots import PASSWORD
from chargepointd.dialects.dialect import VERSIONS, load
from tests.core.world import PLAN, World

OLD = "o" * 16
TEXT = "nineteen-characters"
RAW = bytes(range(240, 256)) + b"\0\x10"


@given(st.binary(max_size=64))
def test_any_bytes_are_kept(password: bytes) -> None:
    assert as_bytes(as_text(password)) == password
    assert complaint(as_text(password)) == ""


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"))))
def test_a_text_stays_one(text: str) -> None:
    assert complaint(text) == ""
    assert as_bytes(text) == text.encode()


@pytest.mark.parametrize("text", ["tab\tin it", "\x10abc", "\x10zz", "\x10AB", "\x1041", "\x10 ff", "\ud800"])
def test_what_is_neither_is_no_password(text: str) -> None:
    assert complaint(text) == "expected printable characters"


def world(version: str) -> World:
    plan = PLAN._replace(csms=CsmsPlan("ws://one/", 1))
    return World(version, {PASSWORD: OLD}, plan=plan).online()


def change(w: World, action: str, payload: dict[str, object]) -> str:
    """A request of the CSMS in the words of the version in use; the status."""
    dialect = load(VERSIONS[w.version], w.plan, w.variables)
    reply = w.ask(dialect.command(action, payload))
    said = dialect.response(action, payload, reply)
    status = said.get("status") or said["setVariableResult"][0]["attributeStatus"]
    return str(status)


def set_key(w: World, value: str) -> str:
    return change(w, "ChangeConfiguration", {"key": "AuthorizationKey", "value": value})


def set_password(w: World, value: str) -> str:
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}, "attributeValue": value}
    return change(w, "SetVariables", {"setVariableData": [row]})


def used(w: World) -> bytes:
    return w.station.network.way().password


@pytest.mark.parametrize("password", [TEXT.encode(), RAW, b"\xc3\xa4" * 9])
def test_a_key_of_1_6_holds_in_2_0_1_and_after_a_power_cut(password: bytes) -> None:
    w = world("1.6")
    assert set_key(w, password.hex().upper()) == "Accepted"
    assert w.dialled_anew == ["a new password"]
    w.offline().online()
    w.switch_to("2.0.1")
    assert used(w) == password
    w.cut()
    assert used(w) == password
    w.online()
    assert set_password(w, "another-password-2.0.1") == "Accepted"
    w.offline().online()
    w.switch_to("1.6")
    assert used(w) == b"another-password-2.0.1"


def test_bytes_that_the_csms_refuses_give_way_to_the_password_that_worked() -> None:
    w = world("1.6")
    set_key(w, RAW.hex())
    w.offline()
    assert used(w) == RAW
    w.fail("unauthorized")
    assert used(w) == OLD.encode()
    w.cut()
    w.fail("unauthorized")
    assert used(w) == OLD.encode()


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("ab" * 15, "Rejected"),
        ("ab" * 16, "Accepted"),
        ("ab" * 16 + "c", "Rejected"),
        ("ab" * 20, "Accepted"),
        ("ab" * 21, "Rejected"),
        ("", "Rejected"),
        ("a password as it is", "Accepted"),
        ("too short, no hex"[:15], "Rejected"),
        ("x" * 41, "Rejected"),
        ("a\ttab where none is", "Rejected"),
    ],
)
def test_what_is_a_key_of_1_6(value: str, status: str) -> None:
    w = world("1.6")
    assert set_key(w, value) == status
    assert (used(w) == OLD.encode()) == (status == "Rejected")


def test_a_key_that_is_no_hex_is_the_password_itself() -> None:
    w = world("1.6")
    set_key(w, "a password as it is")
    assert used(w) == b"a password as it is"


def test_the_password_is_told_to_nobody() -> None:
    w = world("1.6")
    set_key(w, RAW.hex())
    dialect = load("ocpp1.6", w.plan, w.variables)
    for keys in ({}, {"key": ["authorizationkey"]}):
        payload: dict[str, object] = dict(keys)
        said = dialect.response("GetConfiguration", payload, w.ask(dialect.command("GetConfiguration", payload)))
        rows = [row for row in said["configurationKey"] if row["key"] == "AuthorizationKey"]
        assert rows == [{"key": "AuthorizationKey", "readonly": False}]
    assert not any(RAW.hex() in note for note in w.notes)
