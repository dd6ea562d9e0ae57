"""Roots and the station's own certificate: what is kept, and what may go."""

from typing import Any

import pytest

from chargepointd.core import certificates as c
from chargepointd.core import events as e
from chargepointd.core.commands import Status
from chargepointd.core.jobs import JobFailed
from chargepointd.core.messages import SecurityEvent
from chargepointd.core.plan import CsmsPlan
from tests.core.world import PLAN, World

CHECKED = {"SecurityCtrlr.AdditionalRootCertificateCheck": "true"}
HOUR = 3600.0


def root(name: str, use: str = c.CSMS_ROOT, days: float = 3650) -> c.Certificate:
    hashes = (("SHA256", "aa" + name, "bb", name.encode().hex()),)
    return c.Certificate(use, name, hashes, 0.0, 1_800_000_000.0 + days * 86_400, f"CN={name}")


def install(w: World, kept: Any, use: str = c.CSMS_ROOT) -> Status:
    """The CSMS installs it; the job says what became of it."""
    asked = w.ask_later(c.InstallCertificate(use, "PEM"))
    if w.under_way:
        w.finish(kept)
    reply: Status = w.replies[asked]
    return reply


def names(w: World, *uses: str) -> list[str]:
    return [each.name for each in w.ask(c.GetInstalledCertificateIds(uses)).certificates]


@pytest.fixture
def w() -> World:
    return World("2.0.1").online()


def test_a_root_is_kept_over_a_power_cut_and_answered_only_then(w: World) -> None:
    assert install(w, root("a")) == Status("Accepted")
    assert names(w) == ["a"]
    assert w.variables.text("SecurityCtrlr.CertificateEntries") == "1"
    w.cut()
    w.online()
    assert names(w, c.CSMS_ROOT) == ["a"]
    assert names(w, "MORootCertificate") == []
    assert w.station.certificates.installed[0] == root("a")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Status("Rejected", "expired"), "Rejected"), (Status("Failed", "full"), "Failed"), (JobFailed("bug"), "Failed")],
)
def test_what_is_not_good_is_not_kept(w: World, outcome: Any, status: str) -> None:
    assert install(w, outcome).status == status
    assert names(w) == []


@pytest.mark.parametrize(
    ("use", "outcome", "told"),
    [
        (c.CSMS_ROOT, Status("Rejected", "expired", "InvalidCertificate"), True),
        (c.CSMS_ROOT, Status("Failed", "full"), False),
        ("ManufacturerRootCertificate", Status("Rejected", "expired", "InvalidCertificate"), False),
    ],
)
def test_a_bad_root_of_the_csms_is_a_security_event(w: World, use: str, outcome: Status, told: bool) -> None:
    install(w, outcome, use)
    assert ("InvalidCsmsCertificate" in [event.kind for event in w.told(SecurityEvent)]) == told


def test_the_same_certificate_again_takes_its_own_place(w: World) -> None:
    for _ in range(2):
        assert install(w, root("a")).status == "Accepted"
    assert names(w) == ["a"]


def test_500_certificates_and_no_more(w: World) -> None:
    for n in range(c.CAPACITY):
        assert install(w, root(str(n), "V2GRootCertificate"), "V2GRootCertificate").status == "Accepted"
    assert install(w, root("more")).status == "Rejected"
    assert w.finish(None) == c.RemoveCertificate(((c.CSMS_ROOT, "more"),))
    assert install(w, root("7", "V2GRootCertificate"), "V2GRootCertificate").status == "Accepted", (
        "is there (M05.FR.17)"
    )
    assert len(names(w)) == c.CAPACITY
    assert w.variables.text("SecurityCtrlr.CertificateEntries") == "500"


def delete(w: World, hash_data: c.HashData, *outcomes: Any) -> str:
    asked = w.ask_later(c.DeleteCertificate(hash_data))
    for outcome in outcomes:
        w.finish(outcome)
    return str(w.replies[asked].status)


def test_deleting_by_hash_whatever_its_case_and_zeros(w: World) -> None:
    install(w, root("a"))
    algorithm, name, key, serial = root("a").hashes[0]
    assert delete(w, (algorithm, name, key, "ff")) == "NotFound"
    assert delete(w, (algorithm, name.upper(), key, f"00{serial.upper()}"), None) == "Accepted"
    assert names(w) == []
    assert delete(w, (algorithm, name, key, serial)) == "NotFound"


def test_a_hash_by_another_algorithm_is_looked_for_in_the_files(w: World) -> None:
    install(w, root("a"))
    assert delete(w, ("SHA512", "x", "y", "1"), None) == "NotFound"
    assert delete(w, ("SHA512", "x", "y", "1"), (c.CSMS_ROOT, "a"), None) == "Accepted"
    assert names(w) == []


def test_a_file_that_stays_is_a_certificate_that_stays(w: World) -> None:
    install(w, root("a"))
    assert delete(w, root("a").hashes[0], Status("Failed", "read-only")) == "Failed"
    assert names(w) == ["a"]


def test_a_certificate_that_is_there_for_two_uses_goes_from_both(w: World) -> None:
    for use in ("MORootCertificate", "V2GRootCertificate", c.CSMS_ROOT):
        install(w, root("a", use), use)
    install(w, root("b", "MORootCertificate"), "MORootCertificate")
    asked = w.ask_later(c.DeleteCertificate(root("a").hashes[0]))
    gone = w.finish(None)
    assert {use for use, _ in gone.names} == {"MORootCertificate", "V2GRootCertificate", c.CSMS_ROOT}
    assert w.replies[asked].status == "Accepted"
    assert names(w) == ["b"]


def test_one_that_is_needed_in_one_use_stays_in_all() -> None:
    w = World("2.0.1", plan=PLAN._replace(csms=CsmsPlan("wss://csms/", 2))).online()
    for use in ("MORootCertificate", c.CSMS_ROOT):
        install(w, root("a", use), use)
    assert delete(w, root("a").hashes[0]) == "Failed"
    assert names(w) == ["a", "a"]


# -- a root and its successor ------------------------------------------------------------------------------------------


def test_a_successor_must_be_signed_by_the_root_in_use() -> None:
    w = World("2.0.1", CHECKED).online()
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    assert w.finish(root("first")) == c.CheckRoot(c.CSMS_ROOT, "PEM", "")
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    assert w.finish(root("second")) == c.CheckRoot(c.CSMS_ROOT, "PEM", "first")
    certificates = w.station.certificates
    assert certificates.trusted(fallback=False) == ["second"]
    assert certificates.trusted(fallback=True) == ["first"]
    # A third before a connection has proven the second: the fallback is still the one that worked.
    w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "PEM"))
    assert w.finish(root("third")) == c.CheckRoot(c.CSMS_ROOT, "PEM", "second")
    assert w.finish(None) == c.RemoveCertificate(((c.CSMS_ROOT, "second"),))
    assert certificates.trusted(fallback=False) == ["third"]
    assert certificates.trusted(fallback=True) == ["first"]


def test_commands_come_one_after_another() -> None:
    """Two roots at once: the second is held against the first."""
    w = World("2.0.1", CHECKED).online()
    first = w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "A"))
    second = w.ask_later(c.InstallCertificate(c.CSMS_ROOT, "B"))
    assert w.finish(root("a")).signed_by == ""
    assert w.replies[first].status == "Accepted"
    assert w.finish(Status("Rejected", "not signed")).signed_by == "a"
    assert w.replies[second].status == "Rejected"


def test_without_the_check_all_roots_count(w: World) -> None:
    for name in ("a", "b"):
        install(w, root(name))
    assert w.station.certificates.trusted(fallback=False) == ["a", "b"]


def test_the_root_on_which_the_connection_rests_is_not_deleted() -> None:
    w = World("2.0.1", plan=PLAN._replace(csms=CsmsPlan("wss://csms/", 2))).online()
    for name in ("a", "b"):
        install(w, root(name))
    w.offline()
    w.linked = True
    w.tell(e.LinkOpened(w.station.context.rules, None, "b"))
    assert delete(w, root("b").hashes[0]) == "Failed"
    assert delete(w, root("a").hashes[0], None) == "Accepted"
    assert names(w) == ["b"]
    w.tell(e.LinkClosed("test"))
    w.tell(e.LinkOpened(w.station.context.rules))
    assert delete(w, root("b").hashes[0]) == "Failed", "the last one, whoever vouches"


# -- what the configuration names --------------------------------------------------------------------------------------


def test_a_file_that_is_gone_is_forgotten(w: World) -> None:
    install(w, root("a"))
    w.tidied = c.Tidied(((c.CSMS_ROOT, "a"),), "")
    w.cut()
    w.online()
    assert names(w) == []


def test_the_configuration_is_taken_in_once_and_again_when_it_changes(w: World) -> None:
    own = root("own", c.STATION)
    w.tidied = c.Tidied((), "digest", (root("a"), own))
    w.cut()
    certificates = w.station.certificates
    assert certificates.trusted(fallback=False) == ["a"]
    assert (certificates.current, certificates.taken_in) == ("own", "digest")
    w.tidied = None
    w.cut()
    certificates = w.station.certificates
    assert (certificates.current, certificates.taken_in) == ("own", "digest")
    w.tidied = c.Tidied((), "another", (root("a"), root("newer", c.STATION)))
    w.cut()
    assert w.station.certificates.current == "newer"
    assert [each.name for each in w.station.certificates.of(c.STATION)] == ["newer"]


def test_what_cannot_be_taken_in_changes_nothing(w: World) -> None:
    install(w, root("a"))
    w.tidied = c.Tidied((), "", wrong="ca.pem: no certificate in PEM")
    w.cut()
    assert w.station.certificates.trusted(fallback=False) == ["a"]


def test_the_stations_own_certificate_is_neither_listed_nor_deleted(w: World) -> None:
    own = root("own", c.STATION)
    w.tidied = c.Tidied((), "digest", (own,))
    w.cut()
    w.online()
    assert names(w) == []
    assert delete(w, own.hashes[0]) == "Failed"


def test_what_was_installed_and_deleted_is_in_the_security_log(w: World) -> None:
    install(w, root("a"))
    install(w, Status("Rejected", "expired"))
    w.ask_later(c.DeleteCertificate(root("a").hashes[0]))
    w.finish(None)
    logged = [x for x in w.station.security.between(None, None) if x.kind == "ReconfigurationOfSecurityParameters"]
    assert [x.info for x in logged] == ["CSMSRootCertificate a is installed", "CSMSRootCertificate a is deleted"]


# -- the disk has lost what counted ------------------------------------------------------------------------------------


def own(name: str, year: int) -> c.Certificate:
    return root(name, c.STATION)._replace(valid_from=year * 365.25 * 86_400)


def after_damage(w: World, **lost: Any) -> None:
    """A start at which the disk has not given back these; what is asked of the key store is under way."""
    w._begin = w.under_way.append  # type: ignore[method-assign]
    read = w.disk.saved
    w.disk.saved = lambda: read()._replace(damaged=True, state=w.disk.state | lost)  # type: ignore[method-assign]
    w.cut()
    w.disk.saved = read  # type: ignore[method-assign]


def tidying(w: World) -> c.Tidy:
    return next(start.job for start in w.under_way if isinstance(start.job, c.Tidy))


def tidied(w: World, **found: Any) -> None:
    start = next(start for start in w.under_way if isinstance(start.job, c.Tidy))
    w.tell(e.JobEnded(start.topic, start.id, c.Tidied((), "")._replace(**found)))


def test_where_the_disk_has_lost_them_those_that_are_there_count(w: World) -> None:
    install(w, root("a"))
    after_damage(w, certificates=None)
    assert tidying(w).adopts
    tidied(w, adopted=(root("a"), own("old", 50), own("new", 55)), keys=("k1",))
    w.online()
    assert names(w, c.CSMS_ROOT) == ["a"]
    certificates = w.station.certificates
    assert (certificates.current, certificates.renewed, certificates.pending) == ("new", "", ["k1"])
    w.cut()
    assert not tidying(w).adopts
    assert (c.STATION, "new") in tidying(w).known


def test_one_that_is_there_and_younger_than_the_copy_is_the_successor_of_that_of_the_copy(w: World) -> None:
    w.disk.state["certificates"] = {"installed": [list(own("old", 50))], "current": "old"}
    after_damage(w)
    tidied(w, adopted=(own("new", 55),))
    assert (w.station.certificates.current, w.station.certificates.renewed) == ("old", "new")


def test_one_of_the_copy_whose_files_are_gone_gives_way_to_the_one_that_is_there(w: World) -> None:
    w.disk.state["certificates"] = {"installed": [list(own("old", 50))], "current": "old"}
    after_damage(w)
    tidied(w, missing=((c.STATION, "old"),), adopted=(own("new", 55),))
    assert (w.station.certificates.current, w.station.certificates.renewed) == ("new", "")


def test_a_power_cut_before_the_files_were_read_loses_none_of_them(w: World) -> None:
    after_damage(w, certificates=None)
    w.cut()
    assert tidying(w).adopts


def test_a_start_without_damage_adopts_nothing(w: World) -> None:
    w._begin = w.under_way.append  # type: ignore[method-assign]
    w.cut()
    assert not tidying(w).adopts
