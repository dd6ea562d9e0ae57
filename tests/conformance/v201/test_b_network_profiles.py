"""B09, B10: network connection profiles, their order, and the ways back."""

import time

import pytest

from tests.conformance.security import HOST, PRIORITY, ROOT, Lab, endpoint, hashes, lab
from tests.csms import Csms
from tests.daemon.process import Station
from tests.pki import Authority

ATTEMPTS = "OCPPCommCtrlr.NetworkProfileConnectionAttempts"
ACTIVE = "OCPPCommCtrlr.ActiveNetworkProfile"
CSMS = "CSMSRootCertificate"


def migrate(here: Lab, csms: Csms, *order: int, profile: int | None = None) -> None:
    """T> SetNetworkProfile in the free slot, T> the order, T> Reset OnIdle."""
    here.profile_set(2, csms.url, profile or here.profile)
    here.prefer(*(order or (2, 1)))
    here.tester.reset("OnIdle")


def test_tc_b_43_cs() -> None:
    """Set new NetworkConnectionProfile - Rejected"""
    with lab() as here:
        reply = here.profile_set(999, here.csms.url, 1, "Rejected")
        assert reply["statusInfo"]["reasonCode"] == "InvalidConfSlot"


@pytest.mark.parametrize("profile", [1, 2, 3])
def test_tc_b_45_cs(profile: int) -> None:
    """Migrate to new ConnectionProfile - Success - Same CSMS Root"""
    with lab(profile) as here, endpoint(profile) as new:
        migrate(here, new)
        here.csms.wait_disconnected()
        there = here.at(new)
        there.tester.booted("ScheduledReset")
        assert there.tester.get(ACTIVE) == "2"
        assert there.station.ctl("status")["csms"]["slot"] == 2


def test_tc_b_46_cs() -> None:
    """Migrate to new ConnectionProfile - Fallback mechanism - Same CSMS Root"""
    with lab(variables={ATTEMPTS: 2}) as here, endpoint(1, password="known-to-nobody-else") as new:
        migrate(here, new)
        for _ in range(2):
            new.wait_refused()
        here.tester.booted()
        assert here.tester.get(ACTIVE) == "1"
        assert len([m for m in new.transcript.messages if m.kind == "refused"]) == 2


def test_tc_b_47_cs() -> None:
    """Migrate to new ConnectionProfile - Fallback after NetworkProfileConnectionAttempts per
    NetworkConfigurationPriority failed - New CSMS Root - New CSMS"""
    variables = {ATTEMPTS: 1, "SecurityCtrlr.AdditionalRootCertificateCheck": True}
    with lab(2, variables=variables) as here, endpoint(2) as new:
        root = ROOT.authority("Next CSMS root")
        here.install(root.pem)
        migrate(here, new)  # and it shows a certificate of the old root
        here.tester.booted()
        here.security_event("InvalidCsmsCertificate")
        assert (CSMS, hashes(ROOT.pem, ROOT.pem)) in here.installed(CSMS)
        assert not new.calls("BootNotification")


@pytest.mark.parametrize("order", [(2, 1), (2,)])
def test_tc_b_49_cs(order: tuple[int, ...]) -> None:
    """Migrate to new ConnectionProfile - Fallback after NetworkProfileConnectionAttempts per
    NetworkConfigurationPriority failed - Same CSMS Root"""
    with lab(variables={ATTEMPTS: 1}) as here, endpoint(1, password="known-to-nobody-else") as new:
        password, here.csms.password = here.csms.password, "known-to-nobody-else"
        here.csms.forget()
        migrate(here, new, *order)
        new.wait_refused()
        here.csms.wait_refused()
        refused = time.monotonic()
        here.csms.password = password
        here.tester.booted()
        assert time.monotonic() - refused >= 0.9
        assert here.tester.get(ACTIVE) == "1"


@pytest.mark.parametrize("profile", [2, 3])
def test_tc_b_50_cs(profile: int) -> None:
    """Migrate to new ConnectionProfile - Success - New CSMS Root - New CSMS"""
    root = Authority("Root of the new CSMS")
    with lab(profile) as here, endpoint(profile, shown=root.issue(HOST, HOST)) as new:
        here.install(root.pem)
        migrate(here, new)
        here.at(new).tester.booted()


# -- never locked out --------------------------------------------------------------------------------------------------


def test_when_all_slots_fail_the_round_begins_again() -> None:
    with lab(variables={ATTEMPTS: 1}) as here, endpoint(1) as new:
        new.offline()
        migrate(here, new)
        here.csms.offline()
        here.station.wait_log("trying slot 1")
        new.online()
        here.at(new).tester.booted()


def test_another_csms_is_told_who_we_are_without_a_restart() -> None:
    with lab(variables={ATTEMPTS: 1}) as here, endpoint(1) as new:
        migrate(here, new)
        there = here.at(new)
        there.tester.booted()
        there.tester.fence()
        here.csms.forget()
        new.offline()
        here.csms.wait("BootNotification")
        here.tester.statuses()
        assert here.tester.get(ACTIVE) == "1"


def test_profiles_survive_a_power_cut() -> None:
    with lab() as here, endpoint(1) as new:
        here.profile_set(2, new.url, 1)
        here.prefer(2, 1)
        here.station.restart(Station.kill)
        there = here.at(new)
        there.tester.booted()
        assert there.tester.get(PRIORITY) == "2,1"


def test_slots_that_lead_nowhere_are_left_though_the_order_names_no_other() -> None:
    """An address that is none, TLS where there is none, and a security profile the CSMS there does not have."""
    with lab(variables={ATTEMPTS: 1}) as here:
        here.install(ROOT.pem)
        plain = here.csms.url.removeprefix("ws:")
        here.profile_set(2, "ws://nowhere.invalid/ocpp", 1)
        here.profile_set(3, f"wss:{plain}", 2)
        here.profile_set(4, f"wss:{plain}", 1)
        here.prefer(2, 3, 4)
        here.csms.forget()
        here.tester.reset("OnIdle")
        here.tester.booted()
        for slot in (3, 4, 1):
            here.station.wait_log(f"trying slot {slot}")
        assert here.tester.get(ACTIVE) == "1"


def test_a_power_cut_in_the_middle_of_a_move_leads_back_as_well() -> None:
    with lab(variables={ATTEMPTS: 1}) as here, endpoint(1, password="known-to-nobody-else") as new:
        here.csms.offline()
        here.csms.online()
        here.csms.wait_connected()
        migrate(here, new, 2)
        here.csms.offline()
        new.wait_refused()
        here.station.restart(Station.kill)  # while it tries
        new.wait_refused()
        here.csms.forget()
        here.csms.online()
        here.tester.booted()
        assert (here.tester.get(ACTIVE), here.tester.get(PRIORITY)) == ("1", "2")


def test_what_a_slot_may_not_hold_or_be() -> None:
    with lab() as here:
        here.profile_set(1, here.csms.url, 1, "Rejected")  # in use
        here.profile_set(2, "ws://localhost/", 2, "Rejected")
        here.profile_set(2, "http://localhost/", 1, "Rejected")
        here.profile_set(2, "ws://localhost/", 1, "Rejected", ocppTransport="SOAP")
        here.profile_set(2, "ws://localhost/", 1, "Rejected", messageTimeout=0)
        for order in ("2", "1,3", "9", ""):  # empty, or no slot at all
            here.tester.set(PRIORITY, order, expect="Rejected")
        assert here.tester.get(PRIORITY) == "1"


def test_a_profile_has_its_own_timeout() -> None:
    with lab() as here, endpoint(1) as new:
        here.profile_set(2, new.url, 1, messageTimeout=7)
        here.prefer(2)
        here.tester.reset("OnIdle")
        there = here.at(new)
        there.tester.booted()
        assert there.tester.get("OCPPCommCtrlr.MessageTimeout[Default]") == "7"


def test_a_technician_goes_back_to_the_configuration() -> None:
    with lab() as here, endpoint(1) as new:
        migrate(here, new, 2)
        there = here.at(new)
        there.tester.booted()
        there.tester.fence()
        here.csms.forget()
        here.station.ctl("reset_csms")
        here.csms.wait("BootNotification")
        here.tester.statuses()
        assert here.tester.get(PRIORITY) == "1"
