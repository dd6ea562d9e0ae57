"""M: certificates installed, listed, deleted; root certificates replaced."""

import pytest

from tests.conformance.security import HOST, ROOT, SERIAL, Lab, hashes, lab
from tests.pki import Authority

CSMS, MANUFACTURER, MO, V2G = (f"{use}RootCertificate" for use in ("CSMS", "Manufacturer", "MO", "V2G"))
CHECKED = {"SecurityCtrlr.AdditionalRootCertificateCheck": True}


def own(authority: Authority) -> dict[str, str]:
    return hashes(authority.pem, authority.pem)


def installs(use: str) -> None:
    new = Authority("New root")
    with lab() as here:
        before = int(here.tester.get("SecurityCtrlr.CertificateEntries"))
        here.install(new.pem, use)
        assert here.installed(use) == [(use, own(new))]
        assert int(here.tester.get("SecurityCtrlr.CertificateEntries")) == before + 1


def test_tc_m_01_cs() -> None:
    """Install CA certificate - CSMSRootCertificate"""
    installs(CSMS)


def test_tc_m_02_cs() -> None:
    """Install CA certificate - ManufacturerRootCertificate"""
    installs(MANUFACTURER)


@pytest.mark.parametrize("bad", ["expired", "not yet valid", "leaf", "garbage", "weak"])
def test_tc_m_07_cs(bad: str) -> None:
    """Install CA certificate - Rejected - Certificate invalid"""
    pem = {
        "expired": lambda: Authority("Old", starts_in=-10, ends_in=-1).pem,
        "not yet valid": lambda: Authority("Young", starts_in=1).pem,
        "leaf": lambda: ROOT.issue("leaf").pem,
        "garbage": lambda: "no certificate",
        "weak": lambda: Authority("Weak", key=1024).pem,
    }[bad]()
    with lab() as here:
        here.install(pem, CSMS, expect="Rejected")
        assert here.installed(CSMS) == []


def test_tc_m_09_cs() -> None:
    """Install CA certificate - AdditionalRootCertificateCheck - Rejected"""
    with lab(2, variables=CHECKED) as here:
        here.install(Authority("Stranger").pem, CSMS, expect="Rejected")
        assert here.installed(CSMS) == [(CSMS, own(ROOT))]


def with_roots(here: Lab, *uses: str) -> list[tuple[str, dict[str, str]]]:
    found = []
    for use in uses:
        root = Authority(f"Root of {use}")
        here.install(root.pem, use)
        found.append((use, own(root)))
    return found


def test_tc_m_12_cs() -> None:
    """Retrieve certificates from Charging Station - CSMSRootCertificate"""
    with lab() as here:
        wanted = with_roots(here, CSMS, CSMS, MANUFACTURER)
        assert sorted(map(str, here.installed(CSMS))) == sorted(map(str, wanted[:2]))


def test_tc_m_13_cs() -> None:
    """Retrieve certificates from Charging Station - ManufacturerRootCertificate"""
    with lab() as here:
        wanted = with_roots(here, MANUFACTURER, CSMS)
        assert here.installed(MANUFACTURER) == wanted[:1]


def test_tc_m_17_cs() -> None:
    """Retrieve certificates from Charging Station - CSMSRootCertificate & ManufacturerRootCertificate"""
    with lab() as here:
        wanted = with_roots(here, CSMS, MANUFACTURER, MO)
        assert here.installed(CSMS, MANUFACTURER) == wanted[:2]


def test_tc_m_18_cs() -> None:
    """Retrieve certificates from Charging Station - All certificateTypes"""
    with lab() as here:
        wanted = with_roots(here, CSMS, MANUFACTURER, MO, V2G)
        assert here.installed() == wanted
        here.station.restart(type(here.station).kill)
        here.tester.booted()
        assert here.installed() == wanted


def test_tc_m_19_cs() -> None:
    """Retrieve certificates from Charging Station - No matching certificate found"""
    with lab() as here:
        with_roots(here, CSMS)
        assert here.installed(MO) == []


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_tc_m_20_cs(algorithm: str) -> None:
    """Delete a certificate from a Charging Station - Success"""
    new = Authority("New root")
    with lab() as here:
        here.install(new.pem, MANUFACTURER)
        assert here.installed(MANUFACTURER) == [(MANUFACTURER, own(new))]
        here.delete(hashes(new.pem, new.pem, algorithm))
        assert here.installed(MANUFACTURER) == []


def test_tc_m_22_cs() -> None:
    """Delete a certificate from a Charging Station - No matching certificate found"""
    with lab() as here:
        wanted = with_roots(here, MANUFACTURER)
        here.delete(own(Authority("Unknown")), expect="NotFound")
        assert here.installed() == wanted


def test_tc_m_23_cs() -> None:
    """Delete a certificate from a Charging Station - Unable to delete the Charging Station Certificate"""
    with lab(3) as here:
        chain = here.renewed()
        here.csms.wait_disconnected()
        here.csms.wait_connected()
        here.tester.fence()
        here.delete(hashes(chain, ROOT.pem), expect="Failed")
        here.csms.forget()
        here.csms.drop()
        here.csms.wait_connected()


@pytest.mark.parametrize("profile", [2, 3])
def test_the_root_on_which_the_connection_rests_is_not_deleted(profile: int) -> None:
    with lab(profile) as here:
        other = Authority("Another root")
        here.install(other.pem, CSMS)
        here.delete(own(ROOT), expect="Failed")
        here.delete(own(other))
        assert here.installed(CSMS) == [(CSMS, own(ROOT))]


def successor(here: Lab) -> Authority:
    """A new root, signed by the one in use."""
    new = ROOT.authority("Next CSMS root")
    here.install(new.pem, CSMS)
    assert here.installed(CSMS) == [(CSMS, own(ROOT)), (CSMS, hashes(new.pem, ROOT.pem))]
    return new


@pytest.mark.parametrize("profile", [2, 3])
def test_tc_m_30_cs(profile: int) -> None:
    """Install CA certificate - AdditionalRootCertificateCheck - Reconnect using new CSMS Root - Success"""
    with lab(profile, variables=CHECKED) as here:
        new = successor(here)
        if profile == 3:
            here.renewed()
            here.csms.wait_disconnected()
            here.csms.wait_connected()
        here.tester.reset("OnIdle")
        here.serve(new.issue(HOST, HOST), ROOT, new)
        here.tester.booted()
        here.tester.fence()
        assert here.installed(CSMS) == [(CSMS, hashes(new.pem, ROOT.pem))]


def test_tc_m_31_cs() -> None:
    """Install CA certificate - AdditionalRootCertificateCheck - Reconnect using new CSMS Root - Fallback mechanism"""
    with lab(2, variables=CHECKED) as here:
        successor(here)
        here.tester.reset("OnIdle")
        here.tester.booted()
        here.security_event("InvalidCsmsCertificate")
        assert (CSMS, own(ROOT)) in here.installed(CSMS)


def test_the_last_root_of_the_csms_in_use_is_not_deleted() -> None:
    with lab(2) as here:
        here.delete(own(ROOT), expect="Failed")


def test_a_chain_of_depth_3_is_taken_from_the_csms() -> None:
    deep = ROOT.authority("A").authority("B").authority("C")
    with lab(2) as here:
        here.serve(deep.issue(HOST, HOST))
        here.csms.wait_connected()


def test_the_serial_number_is_the_subject_of_a_request() -> None:
    from cryptography import x509

    with lab(variables={"SecurityCtrlr.OrganizationName": "Owner"}) as here:
        request = x509.load_pem_x509_csr(here.request().encode())
        assert request.subject.rfc4514_string() == f"O=Owner,CN={SERIAL}"
