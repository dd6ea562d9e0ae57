"""Local Authorization List Management."""

from collections.abc import Iterable

import pytest

from tests.conformance.v16.tester import OTHER_TOKEN, TOKEN, Tester
from tests.csms import Csms

without = pytest.mark.under_test(variables={"LocalAuthListCtrlr.Available": False})


def send(csms: Csms, version: int, tokens: Iterable[str] = (), *, kind: str = "Full", expect: str = "Accepted") -> None:
    """T> SendLocalList, all tokens Accepted."""
    rows = [{"idTag": token, "idTagInfo": {"status": "Accepted"}} for token in tokens]
    payload = {"listVersion": version, "updateType": kind} | ({"localAuthorizationList": rows} if rows else {})
    status = csms.call("SendLocalList", payload)["status"]
    assert status == expect, csms.told(f"SendLocalList: {status}")


def version(csms: Csms) -> int:
    """T> GetLocalListVersion"""
    return int(csms.call("GetLocalListVersion")["listVersion"])


@pytest.mark.parametrize(
    "why",
    [
        pytest.param("no such profile", marks=without),
        pytest.param("disabled", marks=pytest.mark.under_test(keys={"LocalAuthListEnabled": "false"})),
    ],
)
def test_tc_042_1_cs(tester: Tester, csms: Csms, why: str) -> None:
    """Get Local List Version (not supported)"""
    profiles = tester.configuration("SupportedFeatureProfiles")["SupportedFeatureProfiles"].split(",")
    assert ("LocalAuthListManagement" in profiles) is (why == "disabled")
    assert version(csms) == -1


def test_tc_042_2_cs(tester: Tester, csms: Csms) -> None:
    """Get Local List Version (empty)"""
    send(csms, 1)
    assert version(csms) == 0


def test_tc_043_cs(tester: Tester, csms: Csms) -> None:
    """Send Local Authorization List"""
    send(csms, 1, [TOKEN])
    send(csms, 2, [OTHER_TOKEN], kind="Differential")
    assert [tester.station.ctl("list", token=token)["known_by"] for token in (TOKEN, OTHER_TOKEN)] == ["list"] * 2


@without
def test_tc_043_1_cs(tester: Tester, csms: Csms) -> None:
    """Send Local Authorization List - NotSupported"""
    send(csms, 1, [TOKEN], expect="NotSupported")


def test_tc_043_2_cs(tester: Tester, csms: Csms) -> None:
    """Send Local Authorization List - VersionMismatch"""
    send(csms, 2, [TOKEN])
    assert version(csms) == 2
    send(csms, 5, [OTHER_TOKEN], kind="Differential")
    assert version(csms) == 5
    send(csms, 4, [TOKEN], kind="Differential", expect="VersionMismatch")
    assert version(csms) == 5


@pytest.mark.parametrize(
    "full",
    [
        "message",
        pytest.param("list", marks=pytest.mark.under_test(variables={"LocalAuthListCtrlr.ItemsPerMessage": 2500})),
    ],
)
def test_tc_043_3_cs(tester: Tester, csms: Csms, full: str) -> None:
    """Send Local Authorization List - Failed"""
    limits = tester.configuration("SendLocalListMaxLength", "LocalAuthListMaxLength")
    in_message, in_list = int(limits["SendLocalListMaxLength"]), int(limits["LocalAuthListMaxLength"])
    tokens = [f"{number:08X}" for number in range(in_list + 1)]
    send(csms, 1, tokens[:1])
    kept = 1
    if full == "list":
        for sent in range(0, in_list, in_message):
            kept = min(sent + in_message, in_list)
            send(csms, 2 + sent, tokens[sent:kept], kind="Differential")
        send(csms, 20_000, tokens[kept:], kind="Differential", expect="Failed")
    else:
        send(csms, 20_000, tokens[: in_message + 1], expect="Failed")
    assert version(csms) < 20_000
    assert tester.station.ctl("list")["entries"] == kept


@pytest.mark.under_test(
    keys={
        "LocalPreAuthorize": "true",
        "LocalAuthListEnabled": "true",
        "AuthorizeRemoteTxRequests": "true",
        "AuthorizationCacheEnabled": "false",
    }
)
def test_tc_008_cs(tester: Tester, csms: Csms) -> None:
    """Regular Start Charging Session - Id in Local Authorization List"""
    tester.listed(TOKEN)
    tester.charging()
    assert not csms.calls("Authorize")


def test_a_conflict_with_the_list_is_told(tester: Tester, csms: Csms) -> None:
    """1.6 §3.5.2"""
    tester.listed(TOKEN)
    csms.tokens[TOKEN] = "Blocked"
    tester.present()
    tester.status(0, "Available", errorCode="LocalListConflict")


@without
def test_a_key_of_a_profile_that_is_not_there_is_unknown(tester: Tester, csms: Csms) -> None:
    keys = ["LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength"]
    assert csms.call("GetConfiguration", {"key": keys})["unknownKey"] == keys
    assert not set(keys) & set(tester.configuration())
    tester.configure("LocalAuthListEnabled", "true", "NotSupported")
