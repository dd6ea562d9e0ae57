"""The station's own certificate: asked for, asked for again, taken, proven, renewed in time."""

from typing import Any

import pytest

from chargepointd.core import certificates as c
from chargepointd.core import signing as s
from chargepointd.core.commands import Status, TriggerMessage
from chargepointd.core.messages import SecurityEvent
from chargepointd.core.plan import CsmsPlan
from tests.core.test_certificates import root
from tests.core.world import NOON, PLAN, World

ON_3 = PLAN._replace(serial_number="S-1", csms=CsmsPlan("wss://csms/", 3, "ca.pem", "own.pem"))
TRIGGER = TriggerMessage("SignChargingStationCertificate")
DAY = 86_400.0


def own(name: str, days: float = 365) -> c.Certificate:
    end = NOON + days * DAY
    return c.Certificate(c.STATION, name, root(name).hashes, end - 365 * DAY, end, f"CN={name}")


class Signer(World):
    """A station on security profile 3 whose CSMS takes requests and signs later, by the test."""

    def __init__(self, days: float = 365, **variables: str) -> None:
        self.takes = "Accepted"
        super().__init__("2.0.1", {f"SecurityCtrlr.{k}": v for k, v in variables.items()}, plan=ON_3)
        self.tidied = c.Tidied((), "digest", (root("ca"), own("old", days)))
        self.cut()
        self.tidied = None
        self.online()

    def _answer(self, call: Any, message: Any) -> Any:
        return s.Signing(self.takes) if isinstance(message, s.SignCertificate) else super()._answer(call, message)

    @property
    def csrs(self) -> list[str]:
        return [message.csr for message in self.told(s.SignCertificate)]

    def request(self, csr: str = "CSR") -> str:
        """The CSMS asks for it; the name of the key."""
        self.ask(TRIGGER)
        return str(self.finish(csr).key)

    def signed(self, outcome: Any) -> Status:
        asked = self.ask_later(s.CertificateSigned("PEM"))
        self.finish(outcome)
        reply: Status = self.replies[asked]
        return reply

    def events(self) -> list[str]:
        return [event.kind for event in self.told(SecurityEvent)]


def test_a_request_has_a_fresh_key_and_our_names() -> None:
    w = Signer(OrganizationName="Owner", KeyType="RSA-2048")
    assert w.ask(TRIGGER).status == "Accepted"
    first = w.finish("CSR 1")
    assert first[1:] == ("RSA-2048", "S-1", "Owner", "")
    w.ask(TRIGGER)
    assert w.finish("CSR 2").key != first.key
    assert w.csrs == ["CSR 1", "CSR 2"]


def test_without_an_answer_the_request_is_repeated_waiting_twice_as_long() -> None:
    w = Signer(CertSigningWaitMinimum="10", CertSigningRepeatTimes="2")
    w.request()
    counts = []
    for _ in range(16):
        w.after(5)
        counts.append(len(w.csrs))
    assert counts == [1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    assert w.signed((own("new"), w.station.certificates.pending[0])).status == "Accepted"


def test_a_repetition_goes_on_after_a_power_cut() -> None:
    w = Signer(CertSigningWaitMinimum="10", CertSigningRepeatTimes="2")
    key = w.request()
    w.cut()
    w.online()
    assert w.csrs == ["CSR"]
    w.after(11)
    assert w.csrs == ["CSR", "CSR"]
    assert w.station.certificates.pending == [key]


def test_a_csms_that_refuses_is_left_alone() -> None:
    w = Signer(CertSigningWaitMinimum="10")
    w.takes = "Rejected"
    w.request()
    w.finish(None)  # the key goes
    w.after(3600)
    assert w.csrs == ["CSR"]
    assert w.station.certificates.pending == []
    assert w.station.certificates.current == "old"


def test_a_new_certificate_is_used_at_once_and_the_old_one_kept_until_it_is_proven() -> None:
    w = Signer()
    key = w.request()
    assert w.signed((own("new"), key)).status == "Accepted"
    assert w.dialled_anew == ["a new certificate of the station"]
    certificates = w.station.certificates
    assert (certificates.current, certificates.renewed) == ("old", "new")
    assert w.station.network.way().certificate == "new"
    w.cut()  # in the middle
    assert w.station.network.way().certificate == "new"
    w.online()
    certificates = w.station.certificates
    assert (certificates.current, certificates.renewed) == ("new", "")
    assert w.finish(None).names == ((c.STATION, "old"),)


def test_a_certificate_that_works_nowhere_gives_way_to_the_old_one() -> None:
    w = Signer()
    w.signed((own("new"), w.request()))
    w.offline()
    w.fail("tls")
    assert w.station.network.way().certificate == "old"
    w.fail("tls")
    assert w.station.network.way().certificate == "new"
    w.fail("tls")
    w.online()
    assert w.station.certificates.current == "old"
    assert w.events()[-1] == "DiscardedRenewedClientCertificate"


@pytest.mark.parametrize("outcome", [Status("Rejected", "expired"), Status("Failed", "disk full")])
def test_a_bad_certificate_is_refused_and_told(outcome: Status) -> None:
    w = Signer(CertSigningWaitMinimum="10")
    w.request()
    assert w.signed(outcome).status == "Rejected"
    assert w.events()[-1] == "InvalidChargingStationCertificate"
    w.after(3600)
    assert len(w.csrs) == 1, "no request of our own accord (A02.FR.20)"
    assert w.station.certificates.current == "old"


def test_a_chain_that_is_too_long_is_refused() -> None:
    w = Signer(MaxCertificateChainSize="100")
    assert w.ask(s.CertificateSigned("x" * 101)).status == "Rejected"
    assert w.ask(s.CertificateSigned("x", "V2GCertificate")).status == "Rejected"


def test_a_certificate_is_renewed_a_month_before_its_end() -> None:
    w = Signer(days=40)
    assert not w.under_way
    w.after(9 * DAY)
    assert not w.under_way
    w.after(2 * DAY)
    assert isinstance(w.under_way[0].job, s.MakeKey)
    w.finish("CSR")
    assert w.csrs == ["CSR"]


def work(w: Signer, seconds: int) -> None:
    """Time passes, and every job is done."""
    for _ in range(seconds):
        w.after(1)
        if w.under_way:
            w.finish(None if isinstance(w.under_way[0].job, c.RemoveCertificate) else f"CSR {len(w.csrs)}")


def test_a_csms_that_refuses_a_renewal_is_asked_again_the_next_day() -> None:
    w = Signer(days=10)
    w.takes = "Rejected"
    work(w, 20)
    assert w.csrs == ["CSR 0"]
    w.after(DAY)
    work(w, 20)
    assert w.csrs == ["CSR 0", "CSR 1"]


def test_a_renewed_certificate_that_ends_as_soon_is_renewed_the_next_day() -> None:
    w = Signer(days=10)
    work(w, 5)
    assert w.signed((own("new", 11), w.station.certificates.pending[0])).status == "Accepted"
    work(w, 20)
    assert w.csrs == ["CSR 0"]
    w.after(DAY)
    work(w, 20)
    assert w.csrs == ["CSR 0", "CSR 1"]


def test_a_short_life_is_renewed_in_its_last_third() -> None:
    short = c.Certificate(c.STATION, "x", (), 0, 9 * DAY)
    assert s.renewal_at(short) == 6 * DAY
    assert s.renewal_at(short._replace(valid_until=365 * DAY)) == 335 * DAY


def living(name: str, hours: float, w: Signer) -> c.Certificate:
    return own(name)._replace(valid_from=w.utc, valid_until=w.utc + hours * 3600)


@pytest.mark.parametrize("hours", [3, 70])
def test_a_certificate_of_a_few_hours_never_runs_out(hours: int) -> None:
    w = Signer()
    w.request()
    for n in range(3):
        assert w.signed((living(f"new {n}", hours, w), w.station.certificates.pending[0])).status == "Accepted"
        work(w, 3)
        w.offline().online()
        work(w, 3)
        current = w.station.certificates.current
        assert current == f"new {n}"
        w.after(hours * 3600 * 2 / 3)
        work(w, 5)
        assert len(w.csrs) == n + 2, "asked for in time"


def test_a_csms_that_refuses_is_asked_several_times_before_a_short_life_ends() -> None:
    w = Signer()
    w.request()
    w.signed((living("new", 12, w), w.station.certificates.pending[0]))
    w.offline().online()
    w.takes = "Rejected"
    before = len(w.csrs)
    for _ in range(24):
        w.after(1800)
        work(w, 3)
    assert 3 <= len(w.csrs) - before <= 6


def test_only_the_keys_of_the_last_requests_are_kept() -> None:
    w = Signer()
    keys = [w.request(f"CSR {n}") for n in range(s.KEYS)]
    last = w.request("last")
    assert w.finish(None).names == ((c.PENDING, keys[0]),)
    assert w.station.certificates.pending == [*keys[1:], last]
