"""Network profiles, passwords: in what order they are tried, and that a station is never locked out."""

from typing import Any

import pytest

from chargepointd.core import certificates as c
from chargepointd.core import commands
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core import network as n
from chargepointd.core import signing as s
from chargepointd.core.messages import Boot, SecurityEvent
from chargepointd.core.plan import CsmsPlan
from chargepointd.core.slots import PASSWORD, PRIORITY, Slot
from chargepointd.core.variables.catalogue import parse_name
from tests.core.test_certificates import root
from tests.core.world import NOON, PLAN, World

OLD, NEW, NEWER = ("o" * 16, "n" * 16, "m" * 16)
ATTEMPTS = "OCPPCommCtrlr.NetworkProfileConnectionAttempts"


def world(profile: int = 1, **variables: str) -> World:
    plan = PLAN._replace(csms=CsmsPlan("wss://one/", profile, "ca.pem", "own.pem" if profile == 3 else ""))
    configured = {PASSWORD: OLD, ATTEMPTS: "2"} | {name.replace("__", "."): v for name, v in variables.items()}
    w = World("2.0.1", configured, plan=plan)
    if profile > 1:
        w.tidied = c.Tidied((), "digest", (root("ca"), root("own", c.STATION)))
        w.cut()
        w.tidied = None
    return w.online()


def fill(w: World, slot: int = 2, profile: int = 1, url: str = "wss://two/") -> commands.Status:
    status: commands.Status = w.ask(n.SetNetworkProfile(slot, Slot(url, profile, "2.0.1", 30, "Wired0")))
    return status


def order(w: World, value: str) -> str:
    got = w.ask(commands.SetVariables(((parse_name(PRIORITY), "Actual", value),)))
    return str(got.items[0].status)


def tried(w: World, times: int, kind: str = "refused") -> list[int]:
    """The slots of the next attempts, which all fail."""
    slots = []
    for _ in range(times):
        slots.append(w.station.network.slot)
        w.fail(kind)
    return slots


def test_each_slot_has_its_attempts_and_after_the_last_the_first_again() -> None:
    w = world()
    assert fill(w).status == "Accepted"
    assert order(w, "2,1") == "RebootRequired"
    assert w.station.network.slot == 1, "taken at the start, not before"
    w.cut()
    assert tried(w, 10) == [2, 2, 1, 1, 2, 2, 1, 1, 2, 2]


def test_the_slot_that_worked_last_is_tried_though_the_order_does_not_name_it() -> None:
    w = world()
    fill(w)
    order(w, "2")
    w.cut()
    assert tried(w, 6) == [2, 2, 1, 1, 2, 2]


def test_a_connection_that_is_lost_is_tried_again_where_it_was() -> None:
    w = world()
    fill(w)
    order(w, "2,1")
    w.cut()
    tried(w, 2)
    w.online().offline()
    assert tried(w, 3) == [1, 1, 2]


def test_another_csms_is_told_who_we_are_and_the_same_is_not() -> None:
    w = world()
    fill(w)
    order(w, "1,2")
    w.cut()
    w.online()
    boots = len(w.told(Boot))
    w.offline().online()
    assert len(w.told(Boot)) == boots
    w.offline()
    tried(w, 2)
    w.online()
    assert len(w.told(Boot)) == boots + 1
    assert w.variables.text("OCPPCommCtrlr.ActiveNetworkProfile") == "2"


def test_a_higher_profile_that_was_good_deletes_the_lower_ones() -> None:
    w = world()
    w.tidied = c.Tidied((), "digest", (root("ca"),))
    w.cut()
    w.tidied = None
    w.online()
    assert fill(w, 2, 2).status == "Accepted"
    assert order(w, "2,1") == "RebootRequired"
    w.cut()
    assert w.variables.text(PRIORITY) == "2,1"
    w.online()
    assert w.variables.text(PRIORITY) == "2"
    assert w.variables.text("SecurityCtrlr.SecurityProfile") == "2"
    assert tried(w.offline(), 6) == [2] * 6
    w.cut()
    assert tried(w, 6) == [2] * 6
    w.online()
    assert order(w, "1,2") == "Rejected"
    assert fill(w, 1, 1).code == "NoSecurityDowngrade"


@pytest.mark.parametrize(
    ("active", "wanted", "allowed", "status"),
    [
        (2, 1, False, "Rejected"), (2, 1, True, "Rejected"), (3, 2, False, "Rejected"), (3, 2, True, "Accepted"),
        (3, 1, True, "Rejected"), (2, 2, False, "Accepted"), (2, 3, False, "Accepted"),
    ],
)  # fmt: skip
def test_no_step_down(active: int, wanted: int, allowed: bool, status: str) -> None:
    w = world(active, SecurityCtrlr__AllowSecurityProfileDowngrade=str(allowed).lower())
    assert fill(w, 2, wanted).status == status


@pytest.mark.parametrize(
    ("slot", "profile", "code"),
    [
        (5, Slot("ws://x/", 1, "", 30, "Wired0"), "InvalidConfSlot"),
        (0, Slot("ws://x/", 1, "", 30, "Wired0"), "InvalidConfSlot"),
        (1, Slot("ws://x/", 1, "", 30, "Wired0"), "InvalidConfSlot"),
        (2, Slot("http://x/", 1, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("ws://", 1, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("wss://[", 1, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("wss://x:99999/", 1, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("wss://x:port/", 1, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("wss://user:geheim@x/", 1, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("wss://x/#y", 1, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("ws://x/", 2, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("wss://x/", 4, "", 30, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("ws://x/", 1, "", 0, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("ws://x/", 1, "", 601, "Wired0"), "InvalidNetworkConf"),
        (2, Slot("ws://x/", 1, "", 30, "Pigeon"), "InvalidNetworkConf"),
    ],
)
def test_what_a_profile_may_not_be(slot: int, profile: Slot, code: str) -> None:
    status = world().ask(n.SetNetworkProfile(slot, profile))
    assert (status.status, status.code) == ("Rejected", code)


def test_an_order_needs_what_its_slots_need() -> None:
    w = World("2.0.1", plan=PLAN._replace(csms=CsmsPlan("ws://one/", 0))).online()
    assert order(w, "2") == "Rejected", "empty"
    assert order(w, "") == "Rejected"
    fill(w, 2, 1, "ws://two/")
    assert order(w, "2,1") == "Rejected", "no password"
    w.set(PASSWORD, NEW)
    assert order(w, "2,1") == "RebootRequired"
    fill(w, 3, 2)
    assert order(w, "3,1") == "Rejected", "no root"
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    w.finish(root("ca"))
    assert order(w, "3,1") == "RebootRequired"
    fill(w, 4, 3)
    assert order(w, "4") == "Rejected", "no certificate of the station"


def ended(name: str, use: str = c.CSMS_ROOT) -> c.Certificate:
    return root(name, use)._replace(valid_until=NOON - 60)


def test_what_has_ended_is_as_good_as_none() -> None:
    """A05.FR.02, FR.03: "no valid certificate"."""
    w = World("2.0.1", {PASSWORD: OLD}, plan=PLAN._replace(csms=CsmsPlan("ws://one/", 1))).online()
    fill(w, 2, 2)
    fill(w, 3, 3)
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    w.finish(ended("ca"))
    assert order(w, "2,1") == "Rejected"
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    w.finish(root("next"))
    assert order(w, "2,1") == "RebootRequired"
    for own, status in ((root("own", c.STATION), "RebootRequired"), (ended("new", c.STATION), "Rejected")):
        w.ask_later(s.CertificateSigned("PEM"))
        w.finish((own, ""))
        assert order(w, "3,1") == status


@pytest.mark.parametrize(("level", "use"), [(2, c.CSMS_ROOT), (3, c.STATION)])
def test_a_security_profile_is_not_raised_by_what_has_ended(level: int, use: str) -> None:
    w = World("1.6", {PASSWORD: OLD}, plan=PLAN._replace(csms=CsmsPlan("ws://one/", 1)))
    for certificate, status in ((ended("old", use), "Rejected"), (root("new", use), "Accepted")):
        w.tidied = c.Tidied((), certificate.name, (root("ca"), certificate) if use == c.STATION else (certificate,))
        w.cut()
        w.online()
        assert w.ask(n.RaiseSecurityProfile(level)).status == status


def test_while_nobody_knows_the_time_what_is_there_counts() -> None:
    w = World("2.0.1", {PASSWORD: OLD}, plan=PLAN._replace(csms=CsmsPlan("ws://one/", 1)), wall=0.0)
    w.mute = True
    w.tidied = c.Tidied((), "digest", (ended("ca"),))
    w.boot()
    assert w.station.certificates.has(c.CSMS_ROOT)
    w.wall = NOON
    w.after(1)
    assert not w.station.certificates.has(c.CSMS_ROOT)


# -- passwords ---------------------------------------------------------------------------------------------------------


def password(w: World) -> str:
    return w.station.network.way().password.decode()


def test_a_new_password_is_used_at_once_and_the_old_one_kept_until_it_works() -> None:
    w = world()
    w.set(PASSWORD, NEW)
    assert w.dialled_anew == ["a new password"]
    w.offline()
    assert password(w) == NEW
    w.fail("timeout")
    assert password(w) == NEW, "nobody has said that it is wrong"
    w.fail("unauthorized")
    assert password(w) == OLD
    w.fail("unauthorized")
    assert password(w) == NEW
    w.online().offline()
    w.fail("unauthorized")
    assert password(w) == NEW, "it worked, the old one is forgotten"


def test_the_password_that_worked_last_outlives_every_change_that_did_not() -> None:
    w = world()
    for change in (NEW, NEWER, "x" * 16, "y" * 16, "z" * 16):
        w.set(PASSWORD, change)
    w.offline()
    seen = set()
    for _ in range(8):
        seen.add(password(w))
        w.fail("unauthorized")
    assert {"z" * 16, OLD} <= seen
    assert len(seen) == n.PASSWORDS


def test_both_passwords_survive_a_power_cut() -> None:
    w = world()
    w.set(PASSWORD, NEW)
    w.cut()
    assert password(w) == NEW
    w.fail("unauthorized")
    assert password(w) == OLD


@pytest.mark.parametrize("value", ["short", "x" * 65, "tab\tin the middle of it"])
def test_a_password_that_cannot_be_one_changes_nothing(value: str) -> None:
    w = world()
    got = w.ask(commands.SetVariables(((parse_name(PASSWORD), "Actual", value),)))
    assert got.items[0].status == "Rejected"
    assert password(w) == OLD
    assert not w.dialled_anew


# -- what went wrong on the way ----------------------------------------------------------------------------------------


def test_a_bad_server_is_told_once_after_the_next_good_connection() -> None:
    w = world(2).offline()
    for kind in ("certificate", "certificate", "tls-version", "tls-cipher", "refused"):
        w.fail(kind)
    assert not [event for event in w.told(SecurityEvent) if event.kind.startswith("InvalidTLS")]
    w.online()
    kinds = [event.kind for event in w.told(SecurityEvent) if event.kind.startswith("Invalid")]
    assert kinds == ["InvalidCsmsCertificate", "InvalidTLSVersion", "InvalidTLSCipherSuite"]
    w.offline()
    w.fail("certificate")
    w.online()
    kinds = [event.kind for event in w.told(SecurityEvent) if event.kind.startswith("Invalid")]
    assert kinds.count("InvalidCsmsCertificate") == 2


def logged(w: World, *kinds: str) -> list[str]:
    return [entry.kind for entry in w.station.security.between(None, None) if entry.kind in kinds]


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("certificate", "CsmsFailedToAuthenticate"),
        ("unauthorized", "FailedToAuthenticateAtCsms"),
        ("tls-client", "FailedToAuthenticateAtCsms"),
    ],
)
def test_who_did_not_believe_whom_is_in_the_security_log(kind: str, event: str) -> None:
    w = world(3).offline()
    for _ in range(5):
        w.fail(kind)
    assert logged(w, "CsmsFailedToAuthenticate", "FailedToAuthenticateAtCsms") == [event]
    w.online()
    assert event not in [told.kind for told in w.told(SecurityEvent)], "not one of those the standard calls critical"
    w.offline().fail("timeout")
    assert logged(w, event) == [event]
    w.fail(kind)
    assert logged(w, event) == [event, event]


def test_the_old_root_is_tried_where_the_new_one_fails_and_forgotten_when_it_works() -> None:
    w = world(2, SecurityCtrlr__AdditionalRootCertificateCheck="true")
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    w.finish(root("next"))

    def roots() -> tuple[Any, ...]:
        return w.station.network.way().roots

    w.offline()
    assert roots() == ("next",)
    w.fail("certificate")
    assert roots() == ("ca",)
    w.online().offline()
    assert w.station.certificates.fallback == "ca", "the old root worked: both stay"
    w.fail("certificate")
    assert roots() == ("next",)
    w.online()
    assert w.finish(None).names == ((c.CSMS_ROOT, "ca"),)
    assert roots() == ("next",)


def test_files_that_cannot_be_used_are_looked_at_again_and_what_is_damaged_forgotten() -> None:
    w = world(2).offline()
    assert w.station.network.way().roots == ("ca",)
    for missing in (((c.CSMS_ROOT, "ca"),), (), ()):
        w.tidied = c.Tidied(missing, "digest", wrong="own.pem: no certificate")
        w.fail("profile")
    assert w.station.network.way().roots == ()
    assert len([note for note in w.notes if "was not taken in" in note]) == 1
    w.tidied = c.Tidied((), "mended", (root("new"),))
    w.fail("profile")
    assert w.station.network.way().roots == ("new",)


def test_a_technician_goes_back_to_the_configuration() -> None:
    w = world()
    fill(w)
    order(w, "2")
    w.set(PASSWORD, NEW)
    w.cut()
    w.online()
    boots = len(w.told(Boot))
    assert w.ask(n.ResetNetwork()).status == "Accepted"
    assert w.dialled_anew[-1].startswith("back to the connection of the configuration")
    w.offline()
    assert (w.station.network.slot, password(w)) == (1, OLD)
    w.online()
    assert len(w.told(Boot)) == boots + 1
    w.cut()
    assert (w.station.network.slot, password(w)) == (1, OLD)


def test_a_station_can_be_made_secure_while_its_registration_is_pending() -> None:
    w = World("2.0.1", {PASSWORD: OLD}, plan=PLAN._replace(csms=CsmsPlan("ws://one/", 1)))
    w.registrations.append(m.BootAnswered("Pending", 100, NOON))
    w.online()
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    w.finish(root("ca"))
    assert fill(w, 2, 2).status == "Accepted"
    assert order(w, "2,1") == "RebootRequired"


def test_a_profile_that_was_set_is_in_the_security_log_and_one_that_was_refused_is_not() -> None:
    w = world()
    fill(w)
    w.ask(n.SetNetworkProfile(5, Slot("ws://x/", 1, "", 30, "Wired0")))
    logged = [x for x in w.station.security.between(None, None) if x.kind == "ReconfigurationOfSecurityParameters"]
    assert [x.info for x in logged] == ["slot 2: security profile 1"]


def test_a_connection_that_is_dropped_before_the_station_is_accepted_is_a_failed_attempt() -> None:
    """A proxy takes every connection for a CSMS that is not there."""
    w = world()
    fill(w)
    order(w, "2,1")
    w.cut()
    w.mute = True
    for _ in range(2):
        assert w.station.network.slot == 2
        w.online().offline()
    assert w.station.network.slot == 1


def test_a_csms_that_never_answers_the_boot_is_left_and_makes_way_for_the_next_slot() -> None:
    """It takes connections, and pongs, and is silent otherwise."""
    w = world()
    fill(w)
    order(w, "2,1")
    w.cut()
    w.mute = True
    for times in range(1, 3):
        assert w.station.network.slot == 2
        w.online().after(115)
        assert w.dialled_anew == ["the CSMS does not answer BootNotification"] * times
        w.offline()
    assert w.station.network.slot == 1


def test_a_certificate_that_ends_while_connected_is_noticed_and_the_connection_kept() -> None:
    w = world(2).offline()
    w.linked = True
    w.tell(e.LinkOpened(w.station.context.rules, w.utc + 3600))
    w.after(3590)
    assert not [note for note in w.notes if "has expired" in note]
    w.after(20)
    told = [note for note in w.notes if "has expired" in note]
    assert len(told) == 2, "once as a note, once as a security event"
    assert "InvalidCsmsCertificate" in told[1]
    assert w.linked


def test_a_certificate_shown_in_the_dark_is_judged_by_the_time_that_the_csms_tells() -> None:
    w = in_1970(NOON - 86_400, NOON + 86_400)
    assert w.station.registration.state == "Accepted"
    assert w.station.context.clock.sure
    assert not w.dialled_anew


@pytest.mark.parametrize("days", [(-3, -1), (1, 3)])
def test_a_csms_whose_certificate_is_not_good_at_the_time_it_tells_is_left_and_nothing_taken_from_it(
    days: tuple[int, int],
) -> None:
    w = in_1970(NOON + days[0] * 86_400, NOON + days[1] * 86_400)
    assert w.station.registration.state is None
    assert not w.station.context.clock.sure
    assert w.dialled_anew == ["the certificate of the CSMS is not good"]
    assert len([note for note in w.notes if "InvalidCsmsCertificate" in note]) == 1
    w.offline().online()
    assert w.station.registration.state == "Accepted"
    assert w.station.context.clock.sure


START = World("2.0.1").utc
"""s since 1970: the true time at the start of a story"""


def test_a_csms_whose_clock_is_slow_and_whose_certificate_is_fresh_is_served() -> None:
    w = in_1970(START + 120, NOON + 86_400)
    assert w.station.registration.state == "Accepted"
    assert w.station.context.clock.sure
    assert not w.dialled_anew


def test_a_clock_that_runs_wrong_may_leap_to_where_a_fresh_certificate_begins_in_a_moment() -> None:
    w = World("2.0.1", wall=NOON - 40 * 86_400)
    w.linked = True
    w.tell(e.LinkOpened(w.station.context.rules, NOON + 86_400, "", START + 120))
    w.after(1)
    assert w.station.registration.state == "Accepted"
    assert abs(w.station.utc - w.utc) < 5
    assert not w.dialled_anew


def test_a_system_clock_that_becomes_right_judges_it_too() -> None:
    w = in_1970(NOON - 3 * 86_400, NOON - 86_400, mute=True)
    assert not w.dialled_anew
    w.wall = NOON
    w.after(1)
    assert w.station.context.clock.sure
    assert w.dialled_anew == ["the certificate of the CSMS is not good"]


def in_1970(begins: float, ends: float, *, mute: bool = False) -> World:
    """Connected to a CSMS that shows such a certificate."""
    w = World("2.0.1", wall=0.0)
    w.mute = mute
    w.linked = True
    w.tell(e.LinkOpened(w.station.context.rules, ends, "", begins))
    return w


@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("passwords", [1, 2, 3, 4])
def test_every_slot_meets_every_password(attempts: int, slots: int, passwords: int) -> None:
    w = world()
    for slot in range(2, slots + 1):
        fill(w, slot)
    order(w, ",".join(map(str, range(1, slots + 1))))
    w.set(ATTEMPTS, str(attempts))
    for change in range(1, passwords):
        w.set(PASSWORD, str(change) * 16)
    w.cut()
    met = set()
    for _ in range(attempts * slots * (passwords + 1)):
        met.add((w.station.network.slot, password(w)))
        w.fail("unauthorized")
    assert len(met) == slots * passwords


@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("kind", ["tls", "refused"])
def test_every_slot_meets_both_certificates(attempts: int, kind: str) -> None:
    w = world(3)
    fill(w, 2, 3)
    order(w, "2,1")
    w.set(ATTEMPTS, str(attempts))
    w.ask_later(s.CertificateSigned("PEM"))
    w.finish((root("new", c.STATION), ""))
    w.cut()
    met = set()
    for _ in range(attempts * 4):
        met.add((w.station.network.slot, w.station.network.way().certificate))
        w.fail(kind)
    assert met == {(slot, name) for slot in (1, 2) for name in ("own", "new")}


def test_what_an_address_carries_in_its_query_is_in_no_log() -> None:
    w = world()
    assert fill(w, url="wss://two/?key=geheim").status == "Accepted"
    order(w, "2,1")
    w.cut()
    tried(w, 4)
    assert any("wss://two/?…" in note for note in w.notes)
    assert not any("geheim" in note for note in w.notes)


def test_the_root_that_worked_is_not_deleted_before_its_successor_has_worked() -> None:
    w = world(2, SecurityCtrlr__AdditionalRootCertificateCheck="true")
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    w.finish(root("new"))
    status = w.ask(c.DeleteCertificate(root("ca").hashes[0]))
    assert (status.status, not w.under_way) == ("Failed", True)
    assert w.station.certificates.trusted(fallback=True) == ["ca"]


def test_a_time_limit_that_is_set_beside_the_profiles_survives_and_gives_way_to_a_profile() -> None:
    """MessageTimeout of 1.6"""
    w = World("1.6").online()
    for seconds in (0, 601):
        assert w.ask(n.SetMessageTimeout(seconds)).status == "Rejected"
    assert w.variables.integer(n.TIMEOUT) == 30
    assert w.ask(n.SetMessageTimeout(20)).status == "Accepted"
    assert w.variables.integer(n.TIMEOUT) == 20
    w.cut()
    w.online()
    assert w.variables.integer(n.TIMEOUT) == 20
    w.ask(n.ResetNetwork())
    w.offline().online()
    assert w.variables.integer(n.TIMEOUT) == 30


@pytest.mark.parametrize("other", [True, False], ids=["there is another", "there is none"])
def test_a_chain_with_a_damaged_authority_gives_way_where_there_is_another(other: bool) -> None:
    w = world(3).offline()
    if not other:
        w.station.context.plan = PLAN._replace(csms=CsmsPlan("wss://one/", 3, "ca.pem"))
    assert w.station.network.way().certificate == "own"
    w.tidied = c.Tidied((), "digest", cut=((c.STATION, "own"),))
    w.fail("profile")
    assert w.station.network.way().certificate == ("" if other else "own"), "none: the configuration's file"
    assert len([note for note in w.notes if "an authority in its chain is damaged" in note]) == 1
