"""Security extension: passwords, certificates, security profiles, TLS."""

import ssl
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.conformance.security import (
    CBC,
    HOST,
    RC4,
    ROOT,
    SERIAL,
    SERVER,
    SUITES,
    TLS_1_1,
    TLS_1_2,
    assert_fit,
    basic,
    certificate,
    endpoint,
    hashes,
    odd_server,
    started,
)
from tests.conformance.stations import IDENTITY, PASSWORD
from tests.conformance.v16.security import CENTRAL, MANUFACTURER, Lab, lab
from tests.conformance.v16.tester import Tester
from tests.csms import Csms
from tests.daemon.process import Station
from tests.pki import Authority, named, server_context

NEW = b"a new password, 019"
RAW = bytes(range(200, 220))
"""20 bytes that are no text"""


@pytest.mark.parametrize("profile", [1, 2])
@pytest.mark.parametrize("password", [NEW, RAW], ids=["19 characters", "20 bytes"])
def test_tc_073_cs(profile: int, password: bytes) -> None:
    """Update Charge Point Password for HTTP Basic Authentication"""
    assert len(NEW) == 19
    with lab(profile) as here:
        here.csms.forget()
        here.csms.password = password
        here.tester.configure("AuthorizationKey", password.hex())
        here.csms.wait_disconnected()
        here.csms.wait_connected()
        assert basic(here.csms) == (IDENTITY, password)
        assert not here.csms.calls("BootNotification", lambda m: m.connection > 1)
        here.tester.fence()
        assert here.tester.configuration("AuthorizationKey") == {"AuthorizationKey": ""}


def test_tc_074_cs() -> None:
    """Update Charge Point Certificate by request of Central System"""
    with lab(3) as here:
        first = certificate(here.csms)
        here.tester.configure("CpoName", "A CPO")
        here.csms.forget()
        asked = here.request()
        csr = x509.load_pem_x509_csr(asked.encode())
        assert [p.value for p in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [SERIAL]
        assert [p.value for p in csr.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["A CPO"]
        here.signed(ROOT.sign(asked))
        here.csms.wait_disconnected()
        here.csms.wait_connected()
        shown = certificate(here.csms)
        assert shown and first
        assert_fit(shown)
        assert shown.public_key() == csr.public_key() != first.public_key()
        assert not here.csms.calls("BootNotification", lambda m: m.connection > 1)


def installs(use: str) -> None:
    new = Authority("New root")
    with lab() as here:
        here.install(new.pem, use)
        assert here.installed(use) == [hashes(new.pem, new.pem)]


def test_tc_075_1_cs() -> None:
    """Install a certificate on the Charge Point - ManufacturerRootCertificate"""
    installs(MANUFACTURER)


def test_tc_075_2_cs() -> None:
    """Install a certificate on the Charge Point - CentralSystemRootCertificate"""
    installs(CENTRAL)


@pytest.mark.parametrize("use", [MANUFACTURER, CENTRAL])
def test_tc_076_cs(use: str) -> None:
    """Delete a specific certificate from the Charge Point"""
    new, other = Authority("New root"), Authority("Another root")
    with lab() as here:
        here.install(other.pem, use)
        here.install(new.pem, use)
        listed = here.installed(use)
        assert hashes(new.pem, new.pem) in listed
        here.delete(hashes(new.pem, new.pem, listed[0]["hashAlgorithm"]))
        assert here.installed(use) == [hashes(other.pem, other.pem)]
        here.delete(hashes(new.pem, new.pem), expect="NotFound")


INVALID: dict[str, Callable[[str], str]] = {
    "unknown authority": lambda csr: Authority("Stranger").sign(csr),
    "expired": lambda csr: ROOT.sign(csr, starts_in=-9, ends_in=-1),
    "another key": lambda csr: ROOT.issue(SERIAL).pem,
    "garbage": lambda csr: "garbage",
}


@pytest.mark.parametrize("invalid", INVALID)
def test_tc_077_cs(invalid: str) -> None:
    """Invalid ChargePointCertificate Security Event"""
    with lab(3) as here:
        first = certificate(here.csms)
        here.tester.configure("CpoName", "A CPO")
        here.signed(INVALID[invalid](here.request()), expect="Rejected")
        here.security_event("InvalidChargePointCertificate")
        here.csms.forget()
        here.csms.drop()
        here.csms.wait_connected()
        assert certificate(here.csms) == first


@pytest.mark.parametrize("bad", ["expired", "not yet valid", "garbage"])
def test_tc_078_cs(bad: str) -> None:
    """Invalid CentralSystemCertificate Security Event"""
    pem = {
        "expired": lambda: Authority("Old", starts_in=-10, ends_in=-1).pem,
        "not yet valid": lambda: Authority("Young", starts_in=1).pem,
        "garbage": lambda: "no certificate",
    }[bad]()
    with lab() as here:
        here.install(pem, CENTRAL, expect="Rejected")
        here.security_event("InvalidCentralSystemCertificate")
        assert here.installed(CENTRAL) == []


def up(here: Lab, level: int) -> None:
    """T> ChangeConfiguration SecurityProfile, S> Accepted; the station comes again with the higher profile."""
    here.csms.forget()
    here.tester.configure("SecurityProfile", level)
    here.csms.wait_disconnected()
    here.serve(SERVER, profile=level)
    here.csms.wait_connected()
    here.tester.booted()
    here.tester.fence()
    assert here.tester.configuration("SecurityProfile") == {"SecurityProfile": str(level)}
    assert (basic(here.csms) is not None) == (level < 3)
    shown = certificate(here.csms)
    assert (shown is not None) == (level == 3)
    if shown:
        assert_fit(shown)


@pytest.mark.parametrize("profile", [1, 2])
def test_tc_083_cs(profile: int) -> None:
    """Upgrade security profile"""
    with lab(profile) as here:
        if profile == 1:
            here.install(ROOT.pem)
        else:
            here.renewed()
        up(here, profile + 1)
        here.csms.forget()
        here.station.restart(Station.kill)
        here.csms.wait_connected()
        here.tester.booted()
        here.tester.configure("SecurityProfile", profile, expect="Rejected")


@pytest.mark.parametrize("profile", [2, 3])
def test_tc_084_cs(profile: int) -> None:
    """Downgrade security profile - Rejected"""
    with lab(profile) as here:
        here.tester.configure("SecurityProfile", profile - 1, expect="Rejected")
        here.tester.configure("SecurityProfile", profile, expect="Rejected")
        here.tester.fence()
        assert here.tester.configuration("SecurityProfile") == {"SecurityProfile": str(profile)}


def test_tc_085_cs() -> None:
    """Basic Authentication - Valid username/password combination"""
    with lab() as here:
        here.csms.forget()
        here.tester.reset()
        here.csms.wait_connected()
        here.tester.booted()
        assert here.csms.line().path.rsplit("/", 1)[-1] == IDENTITY
        assert here.csms.line().subprotocol == "ocpp1.6"
        assert basic(here.csms) == (IDENTITY, PASSWORD.encode())
        assert 16 <= len(PASSWORD.encode()) <= 20


@pytest.mark.parametrize("profile", [2, 3])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("key", ["EC", 2048])
def test_tc_086_cs(profile: int, newest: ssl.TLSVersion, key: str | int) -> None:
    """TLS - server-side certificate - Valid certificate"""
    context = server_context(ROOT.issue(HOST, HOST, key=key), *((ROOT,) if profile == 3 else ()))
    context.maximum_version = newest
    with lab(profile, tls=context) as here:
        here.csms.forget()
        here.tester.reset()
        here.csms.wait_connected()
        here.tester.booted()
        line = here.csms.line()
        assert line.tls_version == newest.name.replace("_", ".")
        if newest is ssl.TLSVersion.TLSv1_2:
            assert any(suites <= set(line.shared_ciphers) for suites in SUITES), line.shared_ciphers
        assert (certificate(here.csms) is not None) == (profile == 3)
        assert (basic(here.csms) is not None) == (profile == 2)


def test_tc_087_cs() -> None:
    """TLS - Client-side certificate - valid certificate"""
    with lab(3) as here:
        here.csms.forget()
        here.tester.reset()
        here.csms.wait_connected()
        here.tester.booted()
        shown = certificate(here.csms)
        assert shown
        assert_fit(shown)
        assert here.csms.line().tls_version in ("TLSv1.2", "TLSv1.3")
        assert basic(here.csms) is None


def test_a_server_that_is_no_good_one_is_told_of_in_the_words_of_1_6() -> None:
    with started(2, "1.6", boot=False) as (csms, station):
        for version, suite, event in (
            (TLS_1_1, CBC, "InvalidTLSVersion"),
            (TLS_1_2, RC4, "InvalidTLSCipherSuite"),
        ):
            with odd_server(csms.listener.port, version, suite):
                station.wait_log(f"security: {event}")
        here = Lab(Tester(csms, station), csms, station, 2)
        here.serve(ROOT.issue(HOST, HOST, starts_in=-9, ends_in=-1), profile=2)
        station.wait_log("security: InvalidCsmsCertificate")
        here.serve(SERVER, profile=2)
        here.tester.booted()
        for event in ("InvalidTLSVersion", "InvalidTLSCipherSuite", "InvalidCentralSystemCertificate"):
            here.security_event(event)


def test_a_certificate_that_names_somebody_else_is_refused() -> None:
    with lab(3) as here:
        here.tester.configure("CpoName", "A CPO")
        csr = here.request()
        other = named(SERIAL, "Another CPO")
        here.signed(ROOT.sign(csr, subject=other), expect="Rejected")
        here.security_event("InvalidChargePointCertificate")
        here.signed(ROOT.sign(csr))


# -- never locked out --------------------------------------------------------------------------------------------------


def test_a_profile_that_does_not_work_is_given_up() -> None:
    with lab(variables={"OCPPCommCtrlr.NetworkProfileConnectionAttempts": 1}) as here:
        here.install(ROOT.pem)
        here.csms.forget()
        here.tester.configure("SecurityProfile", 2)
        here.csms.wait_connected()
        here.tester.fence()
        assert here.tester.configuration("SecurityProfile") == {"SecurityProfile": "1"}
        up(here, 2)


@pytest.mark.parametrize(("level", "missing"), [(2, "a root"), (3, "a root and a certificate")])
def test_no_profile_without_what_it_takes(level: int, missing: str) -> None:
    with lab() as here:
        assert here.installed(CENTRAL) == []
        here.tester.configure("SecurityProfile", level, expect="Rejected")


def test_tls_may_be_spoken_at_another_address() -> None:
    with endpoint(2, version="1.6") as better, lab(secure_url=better.url) as here:
        here.install(ROOT.pem)
        here.tester.configure("SecurityProfile", 2)
        there = Tester(better, here.station)
        there.booted()
        assert there.configuration("SecurityProfile") == {"SecurityProfile": "2"}


def test_an_authorization_key_that_is_refused_does_not_lock_out() -> None:
    with lab() as here:
        here.csms.forget()
        here.tester.configure("AuthorizationKey", RAW.hex())  # and the CSMS goes on to know the old one only
        here.csms.wait_refused()
        here.csms.wait_connected()
        assert basic(here.csms) == (IDENTITY, PASSWORD.encode())
        here.csms.password = RAW
        here.csms.drop()
        here.csms.wait_connected()
        assert basic(here.csms) == (IDENTITY, RAW)


def test_a_key_that_is_no_hexadecimal_number_is_the_password_itself() -> None:
    with lab() as here:
        here.csms.forget()
        here.csms.password = "plain text, and 30 characters!"
        here.tester.configure("AuthorizationKey", here.csms.password)
        here.csms.wait_disconnected()
        here.csms.wait_connected()


@pytest.mark.parametrize("value", ["ab" * 15, "ab" * 21, "a" * 33, "short text"])
def test_a_key_that_is_none_changes_nothing(value: str) -> None:
    with lab() as here:
        here.tester.configure("AuthorizationKey", value, expect="Rejected")
        here.csms.forget()
        here.csms.drop()
        here.csms.wait_connected()
        assert basic(here.csms) == (IDENTITY, PASSWORD.encode())


@pytest.mark.parametrize("message", ["Heartbeat", "StatusNotification", "MeterValues"])
def test_the_extended_trigger_is_a_trigger(message: str) -> None:
    with lab() as here:
        here.csms.forget()
        here.extended(message)
        here.csms.wait(message)


@pytest.mark.parametrize("message", ["LogStatusNotification", "FirmwareStatusNotification"])
def test_the_extended_trigger_is_answered_by_the_messages_of_the_extension(message: str) -> None:
    with lab() as here:
        here.extended(message)
        told = here.csms.wait({"FirmwareStatusNotification": "SignedFirmwareStatusNotification"}.get(message, message))
        assert told.payload == {"status": "Idle"}


def test_the_extended_trigger_asks_for_a_boot_of_an_accepted_charge_point() -> None:
    with lab() as here:
        here.csms.forget()
        here.extended("BootNotification")
        here.csms.wait("BootNotification")


# -- over a change of version ------------------------------------------------------------------------------------------


def moved(csms: Csms, version: str) -> None:
    csms.offline()
    csms.speak(version)
    csms.forget()
    csms.online()
    csms.wait_connected()
    csms.wait("Heartbeat")


@pytest.mark.parametrize("kill", [False, True], ids=["at once", "after a power cut"])
def test_a_password_holds_in_the_other_version(kill: bool) -> None:
    variables = {"OCPPCommCtrlr.HeartbeatInterval": 1}
    with started(1, "1.6", variables=variables, versions=["2.0.1", "1.6"]) as (csms, station):
        csms.desk.boot_interval_s = 1
        tester = Tester(csms, station)
        tester.booted()
        csms.forget()
        csms.password = RAW
        tester.configure("AuthorizationKey", RAW.hex())
        csms.wait_connected()
        if kill:
            station.restart(Station.kill)
        moved(csms, "2.0.1")
        assert csms.line().subprotocol == "ocpp2.0.1"
        assert basic(csms) == (IDENTITY, RAW)
        csms.password = text = "forty characters in the words of 2.0.1 -"
        row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        said = csms.call("SetVariables", {"setVariableData": [row | {"attributeValue": text}]})
        assert said["setVariableResult"][0]["attributeStatus"] == "Accepted"
        csms.wait_connected()
        if kill:
            station.restart(Station.kill)
        moved(csms, "1.6")
        assert csms.line().subprotocol == "ocpp1.6"
        assert basic(csms) == (IDENTITY, text.encode())
