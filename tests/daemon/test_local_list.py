"""The power is cut while the CSMS sends its local list: the station has the old one or the new one, whole."""

import time
from typing import Any

import pytest

from chargepointd.core.local_list import CAPACITY
from tests.csms import ConnectionLost, Csms
from tests.daemon.process import Station

pytestmark = pytest.mark.process

SIZE = 1000
WORDS = {
    "1.6": ("listVersion", lambda token: {"idTag": token, "idTagInfo": {"status": "Accepted"}}),
    "2.0.1": (
        "versionNumber",
        lambda token: {"idToken": {"idToken": token, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}},
    ),
}


def request(dialect: str, version: int, kind: str, tokens: range) -> dict[str, Any]:
    number, entry = WORDS[dialect]
    return {number: version, "updateType": kind, "localAuthorizationList": [entry(f"{n:08X}") for n in tokens]}


def accepted(csms: Csms) -> None:
    """What is told first by who is accepted; a process that was killed may have said it too, just before."""
    boot = csms.wait("BootNotification").id.partition("-")[0]
    csms.wait("StatusNotification", lambda m: m.id.partition("-")[0] == boot)


def kept(station: Station) -> tuple[int, int]:
    shown = station.ctl("list")
    return shown["version"], shown["entries"]


def test_it_has_one_list_or_the_other(csms: Csms, dialect: str, station: Station) -> None:
    accepted(csms)
    csms.call("SendLocalList", request(dialect, 1, "Full", range(SIZE)))
    before = (1, SIZE)
    for cut in range(6):
        version = before[0] + 1
        after = (version, SIZE * version)
        asked = csms.start_call("SendLocalList", request(dialect, version, "Differential", range(before[1], after[1])))
        time.sleep(0.01 * cut)
        csms.forget()
        station.restart(Station.kill)
        found = kept(station)
        assert found in (before, after)
        try:
            promised = asked.answer()["status"]
        except ConnectionLost:
            promised = "nothing"
        assert promised in ("nothing", "Accepted")
        assert found == after or promised == "nothing", "what was promised is kept"
        before = found
        accepted(csms)


def test_ten_thousand_tokens_are_there_again_after_a_restart(csms: Csms, dialect: str, station: Station) -> None:
    accepted(csms)
    for version in range(1, 11):
        kind = "Full" if version == 1 else "Differential"
        reply = csms.call("SendLocalList", request(dialect, version, kind, range(SIZE * (version - 1), SIZE * version)))
        assert reply["status"] == "Accepted"
    assert kept(station) == (10, CAPACITY)
    station.restart()
    assert kept(station) == (10, CAPACITY)
    assert station.ctl("list", token=f"{CAPACITY - 1:08x}") == {"known_by": "list", "status": "Accepted"}
