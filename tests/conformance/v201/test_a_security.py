"""A: passwords, TLS, the station's certificate, security profiles."""

import ssl
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.conformance.security import (
    HOST,
    PRIORITY,
    ROOT,
    SERIAL,
    SERVER,
    SUITES,
    TLS_1_1,
    Lab,
    assert_fit,
    basic,
    certificate,
    endpoint,
    lab,
    odd_server,
)
from tests.conformance.stations import IDENTITY, PASSWORD
from tests.csms import Csms, Reply
from tests.daemon.process import Station
from tests.pki import Authority, Issued, server_context, show

NEW = "another-password-of-32-characters"
PASSWORD_VARIABLE = "SecurityCtrlr.BasicAuthPassword"


def credentials(csms: Csms) -> tuple[str, str] | None:
    """What the station said of itself in the HTTP upgrade."""
    said = basic(csms)
    return said and (said[0], said[1].decode())


def test_tc_a_01_cs() -> None:
    """Basic Authentication - Valid username/password combination"""
    with lab() as here:
        assert here.csms.line().path.rsplit("/", 1)[-1] == IDENTITY
        assert credentials(here.csms) == (IDENTITY, PASSWORD)
        assert 16 <= len(PASSWORD) <= 40


@pytest.mark.parametrize("profile", [2, 3])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("key", ["EC", 2048])
def test_tc_a_04_cs(profile: int, newest: ssl.TLSVersion, key: str | int) -> None:
    """TLS - server-side certificate - Valid certificate"""
    shown = ROOT.issue(HOST, HOST, key=key)
    context = server_context(shown, *((ROOT,) if profile == 3 else ()))
    context.maximum_version = newest
    with lab(profile, tls=context) as here:
        line = here.csms.line()
        assert line.tls_version == newest.name.replace("_", ".")
        if newest is ssl.TLSVersion.TLSv1_2:
            assert any(suites <= set(line.shared_ciphers) for suites in SUITES), line.shared_ciphers
        assert (certificate(here.csms) is not None) == (profile == 3)
        assert (credentials(here.csms) is not None) == (profile == 2)


BAD: dict[str, Callable[[], Issued]] = {
    "expired": lambda: ROOT.issue(HOST, HOST, starts_in=-9, ends_in=-1),
    "not yet valid": lambda: ROOT.issue(HOST, HOST, starts_in=1),
    "unknown authority": lambda: Authority("Stranger").issue(HOST, HOST),
    "another host": lambda: ROOT.issue("elsewhere.example", "elsewhere.example"),
    "wildcard": lambda: ROOT.issue("*.localhost", "*.localhost"),
    "weak key": lambda: ROOT.issue(HOST, HOST, key=1024),
}
ONE_SLOT = {"OCPPCommCtrlr.NetworkProfileConnectionAttempts": 3, "SecurityCtrlr.AllowCSMSTLSWildcards": False}


@pytest.mark.parametrize("bad", BAD)
def test_tc_a_05_cs(bad: str) -> None:
    """TLS - server-side certificate - Invalid certificate"""
    with lab(2, variables=ONE_SLOT) as here:
        here.csms.drop()
        here.csms.wait_connected()
        context = server_context(BAD[bad]()) if bad != "weak key" else weak(BAD[bad]())
        here.serve(context)
        here.station.wait_log("security: InvalidCsmsCertificate")
        assert not here.csms.connected
        here.serve(SERVER)
        here.csms.wait_connected()
        here.security_event("InvalidCsmsCertificate")


def weak(shown: Issued) -> ssl.SSLContext:
    """A server that has no scruples."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    show(context, shown)
    return context


def test_tc_a_06_cs() -> None:
    """TLS - server-side certificate - TLS version too low"""
    with lab(2, boot=False) as here:
        with odd_server(here.csms.listener.port, TLS_1_1) as answered:
            assert answered.wait(10)
            here.station.wait_log("security: InvalidTLSVersion")
        here.csms.online()
        here.tester.booted()
        here.security_event("InvalidTLSVersion")


def test_tc_a_07_cs() -> None:
    """TLS - Client-side certificate - valid certificate"""
    with lab(3) as here:
        shown = certificate(here.csms)
        assert shown
        assert_fit(shown)


@pytest.mark.parametrize("profile", [1, 2])
def test_tc_a_09_cs(profile: int) -> None:
    """Update Charging Station Password for HTTP Basic Authentication - Accepted"""
    with lab(profile) as here:
        here.csms.forget()
        here.csms.password = NEW
        here.tester.set(PASSWORD_VARIABLE, NEW)
        here.csms.wait_connected()
        assert credentials(here.csms) == (IDENTITY, NEW)
        assert not here.csms.calls("BootNotification", lambda m: m.connection > 1)


def test_tc_a_10_cs() -> None:
    """Update Charging Station Password for HTTP Basic Authentication - Rejected"""
    with lab() as here:
        here.tester.set(PASSWORD_VARIABLE, "too-short", expect="Rejected")
        here.tester.reset()
        here.tester.booted()
        assert credentials(here.csms) == (IDENTITY, PASSWORD)


@pytest.mark.parametrize("key", ["EC-P256", "RSA-2048", "RSA-3072"])
def test_tc_a_11_cs(key: str) -> None:
    """Update Charging Station Certificate by request of CSMS - Success - Charging Station Certificate"""
    with lab(3, variables={"SecurityCtrlr.KeyType": key}) as here:
        first = certificate(here.csms)
        here.csms.forget()
        csr = x509.load_pem_x509_csr(here.request().encode())
        public = csr.public_key()
        size = public.key_size if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
        assert size == int(key.removeprefix("EC-P").removeprefix("RSA-"))
        here.signed(ROOT.authority("Sub").sign(csr.public_bytes(Encoding.PEM).decode()))
        here.csms.wait_connected()
        shown = certificate(here.csms)
        assert shown and first
        assert_fit(shown)
        assert shown.public_key() == public != first.public_key()
        assert not here.csms.calls("BootNotification", lambda m: m.connection > 1)


def by_stranger(csr: str) -> str:
    return Authority("Stranger").sign(csr)


INVALID: dict[str, Callable[[str], str]] = {
    "unknown authority": by_stranger,
    "expired": lambda csr: ROOT.sign(csr, starts_in=-9, ends_in=-1),
    "not yet valid": lambda csr: ROOT.sign(csr, starts_in=1),
    "another key": lambda csr: ROOT.issue(SERIAL).pem,
    "another name": lambda csr: ROOT.sign(csr, subject=ROOT.name),
    "broken chain": lambda csr: ROOT.authority("A").sign(csr).replace("A", "B", 1),
    "garbage": lambda csr: "garbage",
}


@pytest.mark.parametrize("invalid", INVALID)
def test_tc_a_14_cs(invalid: str) -> None:
    """Update Charging Station Certificate by request of CSMS - Invalid certificate"""
    with lab(3) as here:
        first = certificate(here.csms)
        here.signed(INVALID[invalid](here.request()), expect="Rejected")
        here.security_event("InvalidChargingStationCertificate")
        here.csms.forget()
        here.csms.drop()
        here.csms.wait_connected()
        assert certificate(here.csms) == first


def test_tc_a_15_cs() -> None:
    """Update Charging Station Certificate by request of CSMS - SignCertificateRequest Rejected"""
    with lab(3, variables={"SecurityCtrlr.CertSigningWaitMinimum": 1}) as here:
        first = certificate(here.csms)
        here.csms.answers["SignCertificate"] = {"status": "Rejected"}
        here.request()
        here.csms.quiet("SignCertificate", 1.5)
        assert certificate(here.csms) == first


def upgrade(here: Lab, csms: Csms, profile: int) -> None:
    """T> SetNetworkProfile in the free slot, T> the new order, T> Reset."""
    here.profile_set(2, csms.url, profile)
    here.prefer(2, 1)
    here.tester.reset("OnIdle")


def upgraded(there: Lab, profile: int) -> None:
    there.tester.fence()
    assert there.tester.get("SecurityCtrlr.SecurityProfile") == str(profile)
    assert there.tester.get(PRIORITY) == "2"
    assert there.tester.get("OCPPCommCtrlr.ActiveNetworkProfile") == "2"


@pytest.mark.parametrize("profile", [1, 2])
def test_tc_a_19_cs(profile: int) -> None:
    """Upgrade Charging Station Security Profile - Accepted"""
    with lab(profile) as here, endpoint(profile + 1) as better:
        if profile == 1:
            here.install(ROOT.pem)
        else:
            here.renewed()
        upgrade(here, better, profile + 1)
        there = here.at(better, profile + 1)
        there.tester.booted()
        upgraded(there, profile + 1)
        here.csms.forget()
        better.offline()
        here.station.wait_log("csms: Connect call failed")
        here.csms.quiet("BootNotification", 1.5)
        assert not here.csms.connected
        better.online()
        better.wait_connected()
        shown = certificate(better)
        assert (shown is not None) == (profile == 2)
        if shown:
            assert_fit(shown)


@pytest.mark.parametrize("profile", [2, 3])
def test_tc_a_20_cs(profile: int) -> None:
    """Upgrade Charging Station Security Profile - No valid CSMSRootCertificate installed"""
    with lab() as here:
        for use in ("Manufacturer", "MO", "V2G"):  # who vouch for no CSMS
            here.install(ROOT.pem, f"{use}RootCertificate")
        assert here.installed("CSMSRootCertificate") == []
        here.profile_set(2, "wss://localhost:1/ocpp", profile)
        here.prefer(2, 1, expect=("Rejected",))
        assert here.tester.get(PRIORITY) == "1"


def test_tc_a_21_cs() -> None:
    """Upgrade Charging Station Security Profile - No valid ChargingStationCertificate installed"""
    with lab(2) as here:
        here.profile_set(2, "wss://localhost:1/ocpp", 3)
        here.prefer(2, 1, expect=("Rejected",))
        assert here.tester.get(PRIORITY) == "1"


@pytest.mark.parametrize(("active", "lower"), [(2, 1), (3, 2), (3, 1)])
def test_tc_a_22_cs(active: int, lower: int) -> None:
    """Upgrade Charging Station Security Profile - Downgrade security profile - Rejected"""
    with lab(active) as here:
        reply: Reply = here.profile_set(2, "wss://localhost:1/ocpp", lower, "Rejected")
        assert reply["statusInfo"]["reasonCode"] == "NoSecurityDowngrade"


@pytest.mark.parametrize(("active", "lower", "expect"), [(3, 2, "Accepted"), (3, 1, "Rejected"), (2, 1, "Rejected")])
def test_a_step_from_3_to_2_where_it_is_allowed(active: int, lower: int, expect: str) -> None:
    with lab(active, variables={"SecurityCtrlr.AllowSecurityProfileDowngrade": True}) as here:
        here.profile_set(2, "wss://localhost:1/ocpp", lower, expect)


def test_tc_a_23_cs() -> None:
    """Update Charging Station Certificate by request of CSMS - CertificateSignedRequest Timeout"""
    wait_s = 1
    variables = {"SecurityCtrlr.CertSigningWaitMinimum": wait_s, "SecurityCtrlr.CertSigningRepeatTimes": 2}
    with lab(3, variables=variables) as here:
        before = here.csms.now
        csrs = [here.request(), here.csr()]
        assert wait_s <= here.csms.now - before
        csrs.append(here.csr())
        assert wait_s + 2 * wait_s <= here.csms.now - before, "the wait doubles"
        here.csms.forget()
        for csr in csrs:
            here.signed(ROOT.sign(csr))
            here.csms.wait_connected()


# -- never locked out --------------------------------------------------------------------------------------------------


def test_a_password_that_does_not_work_does_not_lock_out() -> None:
    with lab() as here:
        here.csms.forget()
        here.tester.set(PASSWORD_VARIABLE, NEW)  # and the CSMS goes on to know the old one only
        here.csms.wait_refused()
        here.csms.wait_connected()
        here.station.wait_log("security: FailedToAuthenticateAtCsms")
        assert credentials(here.csms) == (IDENTITY, PASSWORD)
        here.csms.password = NEW
        here.csms.drop()
        here.csms.wait_connected()
        assert credentials(here.csms) == (IDENTITY, NEW)


def test_both_passwords_survive_a_power_cut_in_the_middle() -> None:
    with lab() as here:
        here.csms.forget()
        here.tester.set(PASSWORD_VARIABLE, NEW)
        here.station.restart(Station.kill)
        here.csms.wait_connected()
        assert credentials(here.csms) == (IDENTITY, PASSWORD)
        here.csms.password = NEW
        here.station.restart(Station.kill)
        here.csms.wait_connected()
        assert credentials(here.csms) == (IDENTITY, NEW)


def test_the_password_is_told_to_nobody() -> None:
    with lab() as here:
        here.csms.password = NEW
        here.csms.forget()
        here.tester.set(PASSWORD_VARIABLE, NEW)
        here.csms.wait_connected()
        asked = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        result = here.csms.call("GetVariables", {"getVariableData": [asked]})["getVariableResult"][0]
        assert result["attributeStatus"] == "Rejected"
        assert "attributeValue" not in result
        assert NEW not in str(here.station.ctl("get", prefix="Sec")) + str(here.station.ctl("status"))
        assert NEW not in here.station.log
        assert PASSWORD not in here.station.log


def test_a_certificate_the_csms_does_not_take_gives_way_to_the_old_one() -> None:
    other = Authority("Another CSMS root")
    with lab(3, roots=ROOT.pem + other.pem) as here:
        first = certificate(here.csms)
        here.csms.forget()
        here.signed(other.sign(here.request()))  # good for the station; the server knows the old authority only
        here.security_event("DiscardedRenewedClientCertificate", timeout=15)
        assert certificate(here.csms) == first


def test_a_certificate_about_to_end_is_renewed() -> None:
    with TemporaryDirectory() as where:
        ending = ROOT.issue(SERIAL, ends_in=20, starts_in=-200).file(Path(where), "ending.pem")
        with lab(3, client_cert=str(ending)) as here:
            csr = here.csr()
            here.csms.forget()
            here.signed(ROOT.sign(csr))
            here.csms.wait_connected()
            shown = certificate(here.csms)
            assert shown
            assert (shown.not_valid_after_utc - shown.not_valid_before_utc).days > 300


def test_a_request_for_a_certificate_survives_a_power_cut() -> None:
    with lab(3, variables={"SecurityCtrlr.CertSigningWaitMinimum": 1}) as here:
        csr = here.request()
        here.station.restart(Station.kill)
        here.tester.booted()
        here.csms.forget()
        assert here.csr() == csr
        here.signed(ROOT.sign(csr))
        here.csms.wait_connected()
