"""A security profile raised without a new address: at once, on trial, and never down (Improved security, A05)."""

from typing import Any

import pytest

from chargepointd.core import certificates as c
from chargepointd.core import messages as m
from chargepointd.core import network as n
from chargepointd.core.plan import CsmsPlan
from chargepointd.core.slots import PASSWORD, PRIORITY
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.dialects.dialect import VERSIONS, load
from tests.core.test_certificates import root
from tests.core.test_network import ATTEMPTS, NEW, OLD, fill, order, tried
from tests.core.world import NOON, PLAN, World

PROFILE = "SecurityCtrlr.SecurityProfile"


def world(
    profile: int = 1, version: str = "1.6", *, secure_url: str = "", root_known: bool = True, **more: Any
) -> World:
    """A station at a CSMS without TLS below profile 2, with a root and a certificate unless it should not."""
    scheme = "ws" if profile < 2 else "wss"
    plan = PLAN._replace(csms=CsmsPlan(f"{scheme}://one:8080/ocpp", profile, secure_url=secure_url))
    w = World(version, {PASSWORD: OLD, ATTEMPTS: "2"} | more, plan=plan)
    if root_known:
        w.tidied = c.Tidied((), "digest", (root("ca"), root("own", c.STATION)))
        w.cut()
        w.tidied = None
    return w.online()


def raise_(w: World, level: Any) -> str:
    """T> ChangeConfiguration SecurityProfile."""
    dialect = load(VERSIONS["1.6"], w.plan, w.variables)
    payload = {"key": "SecurityProfile", "value": str(level)}
    said = dialect.response("ChangeConfiguration", payload, w.ask(dialect.command("ChangeConfiguration", payload)))
    return str(said["status"])


def used(w: World) -> tuple[int, str]:
    profile = w.station.network.way().profile
    return profile.security_profile, profile.url


@pytest.mark.parametrize(("active", "level"), [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)])
def test_up_at_once_by_a_new_connection_and_the_lower_one_goes(active: int, level: int) -> None:
    w = world(active)
    boots = len(w.told(m.Boot))
    assert raise_(w, level) == "Accepted"
    assert w.dialled_anew == [f"security profile {level}"]
    assert not w.restarts
    assert w.variables.text(PROFILE) == str(active), "not before it works"
    w.offline()
    assert used(w) == (level, f"{'wss' if level >= 2 else 'ws'}://one:8080/ocpp")
    w.online()
    assert w.variables.text(PROFILE) == str(level)
    assert len(w.told(m.Boot)) == boots + 1
    w.offline()
    assert {used(w)[0] for _ in tried(w, 5)} == {level}
    w.cut()
    assert used(w)[0] == level
    w.online()
    assert raise_(w, active) == "Rejected"


@pytest.mark.parametrize(
    ("active", "level"), [(1, 1), (1, 0), (2, 1), (3, 2), (2, 2), (1, 4), (1, -1), (1, ""), (1, "2.0"), (1, "two")]
)
def test_down_and_nonsense_is_rejected(active: int, level: Any) -> None:
    w = world(active, **{"SecurityCtrlr.AllowSecurityProfileDowngrade": "true"})
    assert raise_(w, level) == "Rejected"
    assert used(w)[0] == active
    assert not w.dialled_anew


def test_not_without_what_it_takes() -> None:
    w = world(0, root_known=False, **{PASSWORD: ""})
    assert raise_(w, 1) == "Rejected", "no password"
    w.set(PASSWORD, NEW)
    assert raise_(w, 2) == "Rejected", "no root"
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    w.finish(root("ca"))
    assert raise_(w, 3) == "Rejected", "no certificate of the station"
    assert raise_(w, 2) == "Accepted"


def test_what_does_not_work_is_given_up_for_the_one_before() -> None:
    w = world(1)
    assert raise_(w, 2) == "Accepted"
    w.offline()
    assert tried(w, 3) == [2, 2, 1]
    assert used(w)[0] == 1
    w.online()
    assert w.variables.text(PROFILE) == "1"
    assert w.variables.text(PRIORITY) == "1"
    w.offline()
    tried(w, 6)
    assert used(w) == (1, "ws://one:8080/ocpp"), "no second trial that nobody asked for"
    w.online()
    assert raise_(w, 2) == "Accepted", "but one that is asked for"


def test_a_trial_goes_on_after_a_power_cut() -> None:
    w = world(1)
    raise_(w, 2)
    w.cut()
    assert used(w)[0] == 2
    tried(w, 2)
    assert used(w)[0] == 1
    w.cut()
    assert used(w)[0] == 2
    tried(w, 2)
    w.online()
    w.cut()
    assert used(w)[0] == 1


def test_the_address_with_tls_may_be_another() -> None:
    w = world(1, secure_url="wss://one/secure")
    raise_(w, 2)
    assert used(w) == (2, "wss://one/secure")


def test_a_slot_of_2_x_is_not_lost_by_it() -> None:
    w = world(2, "2.0.1")
    fill(w, 2, 2)
    assert order(w, "2,1") == "RebootRequired"
    w.cut()
    w.online()
    w.switch_to("1.6")
    assert raise_(w, 3) == "Accepted"
    assert w.variables.text(PRIORITY) == "3,2,1"
    assert used(w) == (3, "wss://two/")
    w.offline()
    tried(w, 2)
    assert used(w) == (2, "wss://two/")


def test_when_all_slots_are_full_the_least_wanted_makes_way() -> None:
    w = world(2, "2.0.1")
    for slot in (2, 3, 4):
        fill(w, slot, 2, f"wss://{slot}/")
    assert order(w, "1,3,2") == "RebootRequired"
    assert raise_(w, 3) == "Accepted"
    assert w.variables.text(PRIORITY) == "4,1,3,2"


def test_a_slot_that_the_csms_fills_anew_is_no_trial_any_more() -> None:
    w = world(1)
    raise_(w, 2)
    w.offline()
    tried(w, 2)
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.cut()
    tried(w, 2)
    w.online()
    assert fill(w, 2, 1, "ws://two/").status == "Accepted"
    w.after(200)
    assert w.station.registration.state == "Accepted"
    assert order(w, "2,1") == "RebootRequired", "it was not deleted with the trial"


def test_a_technician_goes_back_from_a_trial() -> None:
    w = world(1)
    raise_(w, 2)
    assert w.ask(n.ResetNetwork()).status == "Accepted"
    w.offline().online()
    assert used(w)[0] == 1
    assert w.variables.text(PRIORITY) == "1"


def test_a_station_can_be_made_secure_while_its_registration_is_pending() -> None:
    w = world(1)
    w.offline()
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.cut()
    w.online()
    assert raise_(w, 2) == "Accepted"
    w.offline()
    tried(w, 1)
    assert used(w)[0] == 2, "the connection it was asked over was no attempt of the new one"


def test_1_6_may_set_what_2_x_only_reads() -> None:
    w = world(1)
    dialect = load("ocpp1.6", w.plan, w.variables)
    payload: dict[str, Any] = {"key": ["SecurityProfile"]}
    said = dialect.response("GetConfiguration", payload, w.ask(dialect.command("GetConfiguration", payload)))
    assert said == {"configurationKey": [{"key": "SecurityProfile", "readonly": False, "value": "1"}]}
    assert w.variables.set(parse_name(PROFILE), "Actual", "2")[0].status == "Rejected"
