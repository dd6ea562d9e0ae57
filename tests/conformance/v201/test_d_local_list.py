"""D: the local authorization list is sent, and its version is asked for."""

from typing import Any

import pytest

from tests.conformance.tester import OTHER_TOKEN, TOKEN, Tester
from tests.csms import Csms

LISTS = {"LocalAuthListCtrlr.Enabled": True, "AuthCtrlr.LocalPreAuthorize": True}
GOOD = {"status": "Accepted"}

pytestmark = pytest.mark.under_test(variables=LISTS)


class List:
    """The list as the tester sends it."""

    def __init__(self, csms: Csms) -> None:
        self._csms = csms

    def send(self, kind: str, version: int, entries: dict[str, Any] | None = None, expect: str = "Accepted") -> None:
        """T> SendLocalList; entries: token -> idTokenInfo, None to remove it."""
        rows = [
            {"idToken": {"idToken": token, "type": "ISO14443"}} | ({"idTokenInfo": info} if info else {})
            for token, info in (entries or {}).items()
        ]
        payload = {"versionNumber": version, "updateType": kind} | ({"localAuthorizationList": rows} if rows else {})
        status = self._csms.call("SendLocalList", payload)["status"]
        assert status == expect, self._csms.told(f"SendLocalList: {status}")

    def version(self) -> int:
        """T> GetLocalListVersion"""
        return int(self._csms.call("GetLocalListVersion")["versionNumber"])


@pytest.fixture
def the_list(csms: Csms, tester: Tester) -> List:
    return List(csms)


def entries(tester: Tester) -> int:
    return int(tester.get("LocalAuthListCtrlr.Entries"))


def listed(tester: Tester, token: str) -> bool:
    """The station knows it by the list."""
    return bool(tester.station.ctl("list", token=token)["known_by"] == "list")


def test_tc_d_01_cs(the_list: List, tester: Tester) -> None:
    """Send Local Authorization List - Full"""
    the_list.send("Full", 3, {TOKEN: GOOD})
    assert the_list.version() == 3
    assert listed(tester, TOKEN)


def test_tc_d_02_cs(the_list: List, tester: Tester) -> None:
    """Send Local Authorization List - Differential Update"""
    the_list.send("Full", 1, {TOKEN: GOOD})
    the_list.send("Differential", 2, {OTHER_TOKEN: GOOD})
    assert the_list.version() == 2
    assert listed(tester, TOKEN)
    assert listed(tester, OTHER_TOKEN)


def test_tc_d_03_cs(the_list: List, tester: Tester) -> None:
    """Send Local Authorization List - Differential Remove"""
    the_list.send("Full", 1, {TOKEN: GOOD, OTHER_TOKEN: GOOD})
    the_list.send("Differential", 2, {TOKEN: None})
    assert the_list.version() == 2
    assert not listed(tester, TOKEN)
    assert listed(tester, OTHER_TOKEN)


def test_tc_d_04_cs(the_list: List, tester: Tester) -> None:
    """Send Local Authorization List - Full with empy list"""
    the_list.send("Full", 1, {TOKEN: GOOD})
    the_list.send("Full", 2)
    assert the_list.version() == 2
    assert entries(tester) == 0


def test_tc_d_05_cs(the_list: List, tester: Tester) -> None:
    """Send Local Authorization List - Differential with empty list"""
    the_list.send("Full", 1, {TOKEN: GOOD})
    the_list.send("Differential", 2)
    assert the_list.version() == 2
    assert listed(tester, TOKEN)


def test_tc_d_06_cs(the_list: List, tester: Tester) -> None:
    """Send Local Authorization List - VersionMismatch"""
    the_list.send("Full", 5, {TOKEN: GOOD})
    the_list.send("Differential", 4, {TOKEN: None, OTHER_TOKEN: GOOD}, "VersionMismatch")
    assert the_list.version() == 5
    assert entries(tester) == 1
    assert listed(tester, TOKEN)


def test_tc_d_07_cs(the_list: List, tester: Tester) -> None:
    """Send Local Authorization List - Persistent over reboot"""
    the_list.send("Full", 7, {TOKEN: GOOD})
    tester.reset()
    tester.booted()
    assert the_list.version() == 7
    assert listed(tester, TOKEN)


def test_tc_d_08_cs(the_list: List) -> None:
    """Get Local List Version - Success"""
    the_list.send("Full", 1, {TOKEN: GOOD})
    assert the_list.version() == 1


@pytest.mark.under_test(variables={"LocalAuthListCtrlr.Enabled": False})
def test_tc_d_10_cs(the_list: List) -> None:
    """Get Local List Version - Function disabled"""
    assert the_list.version() == 0
