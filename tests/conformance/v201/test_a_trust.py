"""A, M beyond the cases: who may vouch for whom, and what comes of certificates that nobody honest would send."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.conformance.security import (
    CBC,
    HOST,
    RC4,
    ROOT,
    SERIAL,
    SERVER,
    TLS_1_1,
    TLS_1_2,
    Lab,
    certificate,
    hashes,
    lab,
    odd_server,
    started,
)
from tests.daemon.process import Station
from tests.daemon.visit import until
from tests.jobs.test_certificate_work import broken
from tests.link.authority import refusing_server
from tests.pki import Authority, Issued, named, server_context, with_serial

CSMS, MANUFACTURER, MO, V2G = (f"{use}RootCertificate" for use in ("CSMS", "Manufacturer", "MO", "V2G"))
SERVERS = ExtendedKeyUsageOID.SERVER_AUTH


def believed(here: Lab, shown: Issued) -> None:
    here.serve(shown)
    here.csms.wait_connected()
    here.tester.fence()


# -- the CSMS ----------------------------------------------------------------------------------------------------------


def test_only_a_root_of_the_csms_vouches_for_the_csms() -> None:
    other = Authority("Another root")
    with lab(2) as here:
        for use in (MANUFACTURER, MO, V2G):
            here.install(other.pem, use)
        here.serve(other.issue(HOST, HOST))
        here.station.wait_log("security: InvalidCsmsCertificate")
        believed(here, SERVER)
        here.security_event("InvalidCsmsCertificate")
        here.install(other.pem, CSMS)
        believed(here, other.issue(HOST, HOST))


def test_each_way_to_be_no_good_server_is_told_when_there_is_a_good_one() -> None:
    with lab(2, boot=False) as here:
        port = here.csms.listener.port
        for version, suite, event in (
            (TLS_1_1, CBC, "InvalidTLSVersion"),
            (TLS_1_2, RC4, "InvalidTLSCipherSuite"),
        ):
            with odd_server(port, version, suite):
                here.station.wait_log(f"security: {event}")
        here.csms.listener.tls = server_context(ROOT.authority("Nobody", ca=False).issue(HOST, HOST))
        here.csms.online()
        here.station.wait_log("security: CsmsFailedToAuthenticate")
        here.serve(SERVER)
        here.tester.booted()
        for event in ("InvalidTLSVersion", "InvalidTLSCipherSuite", "InvalidCsmsCertificate"):
            here.security_event(event)
        assert not here.csms.calls("SecurityEventNotification", lambda m: m["type"] == "CsmsFailedToAuthenticate")


def test_a_csms_that_does_not_believe_the_station_is_in_the_security_log() -> None:
    context = server_context(SERVER, Authority("Who signs for other stations"))
    with refusing_server(context) as port, started(3, boot=False, url=f"wss://{HOST}:{port}/ocpp") as (_, station):
        station.wait_log("security: FailedToAuthenticateAtCsms")


def test_500_certificates_and_no_more() -> None:
    roots = [ROOT, *(Authority(f"Root {n}") for n in range(499))]
    with lab(2, roots="".join(root.pem for root in roots)) as here:
        assert len(here.installed()) == 500
        assert here.tester.get("SecurityCtrlr.CertificateEntries") == "500"
        new = Authority("One more")
        for use in (CSMS, V2G):
            here.install(new.pem, use, expect="Rejected")
        assert len(here.installed()) == 500
        here.install(roots[-1].pem)  # is there: no more than before (M05.FR.17)
        here.delete(hashes(roots[1].pem, roots[1].pem))
        here.install(new.pem)
        here.install(Authority("Another").pem, expect="Rejected")
        here.station.restart(Station.kill)
        here.tester.booted()
        assert len(here.installed(CSMS)) == 500
        believed(here, new.issue(HOST, HOST))


# -- what is installed -------------------------------------------------------------------------------------------------


def test_what_no_honest_csms_installs() -> None:
    with lab() as here:
        here.install(ROOT.pem, MO)
        for content in (b"\xfe\x12\x34", b"\x00", b"\x11" * 21):
            here.install(with_serial(content), MO, expect="Rejected")
        here.install(ROOT.pem + Authority("Second").pem, MO, expect="Rejected")
        here.install(ROOT.pem.replace("M", "N", 1), MO, expect="Rejected")
        here.install(with_serial(b"\x00\x91" + bytes(19)), MO)
        assert len(here.installed(MO)) == 2, "and what is installed can be told"


@pytest.mark.parametrize(
    ("size", "id_", "code"),
    [(390_000, "large", "PropertyConstraintViolation"), (2_000_000, "-1", "RpcFrameworkError")],
)
def test_a_certificate_far_too_large_is_refused_and_nothing_else(size: int, id_: str, code: str) -> None:
    with lab() as here:
        payload = {"certificateType": CSMS, "certificate": "A" * size}
        here.csms.send_raw(json.dumps([2, "large", "InstallCertificate", payload]))
        assert f'"{code}"' in here.csms.wait_answer(id_).text
        here.tester.fence()
        assert here.csms.line().number == 1, "the connection holds"


def test_a_certificate_of_two_uses_is_deleted_from_both() -> None:
    new = Authority("For all")
    with lab() as here:
        for use in (MO, V2G):
            here.install(new.pem, use)
        here.delete(hashes(new.pem, new.pem, "SHA384"))
        assert here.installed() == []
        here.delete(hashes(new.pem, new.pem), expect="NotFound")


# -- the station's own -------------------------------------------------------------------------------------------------


def test_a_chain_that_is_not_the_station_s_is_refused_and_told() -> None:
    sub, maker = ROOT.authority("Sub"), Authority("Manufacturer")
    with lab(3, variables={"SecurityCtrlr.OrganizationName": "Owner"}) as here:
        here.install(maker.pem, MANUFACTURER)
        first, csr = certificate(here.csms), here.request()
        leaf = sub.sign(csr).removesuffix(sub.pem)
        for chain in (
            sub.pem + leaf,  # the wrong way round
            leaf,  # without who signed it
            ROOT.sign(csr, ca=True),
            ROOT.sign(csr, purposes=(SERVERS,)),
            ROOT.sign(csr, signs=False),
            ROOT.sign(csr, subject=named(SERIAL, "Somebody else")),
            ROOT.authority("No authority", ca=False).sign(csr),
            maker.sign(csr),
            ROOT.issue(SERIAL, organization="Owner").pem,  # for another key
        ):
            here.csms.forget()
            here.signed(chain, expect="Rejected")
            here.security_event("InvalidChargingStationCertificate")
        assert len(here.csms.calls("SignCertificate")) == 1, "and nothing is asked for anew (A02.FR.20)"
        here.signed(leaf + sub.pem)
        here.csms.wait_connected()
        shown = certificate(here.csms)
        assert shown and first and shown.public_key() != first.public_key()


def test_a_request_that_is_answered_twice() -> None:
    with lab(3) as here:
        csr = here.request()
        chains = [ROOT.sign(csr), ROOT.sign(csr)]
        for chain in (chains[0], chains[0], chains[1]):
            here.csms.forget()
            here.signed(chain)
            until(lambda chain=chain: shows(here, chain), "the certificate that was signed last")
        here.csms.forget()
        here.station.restart(Station.kill)
        here.tester.booted()
        assert shows(here, chains[1])


def shows(here: Lab, chain: str) -> bool:
    return bool(here.csms.connected) and certificate(here.csms) == x509.load_pem_x509_certificate(chain.encode())


# -- what the disk has changed -----------------------------------------------------------------------------------------


def stored(here: Lab, use: str) -> list[Path]:
    return sorted((here.station.state_dir / "certificates" / use).glob("*.pem"))


def test_an_authority_of_its_own_chain_that_the_disk_has_damaged_is_told_and_does_not_lock_out(tmp_path: Path) -> None:
    own = ROOT.authority("Sub").issue(SERIAL).file(tmp_path, "own.pem")
    with lab(3, client_cert=str(own)) as here:
        until(lambda: here.tester.get("SecurityCtrlr.CertificateEntries") == "2", "root and chain in the store")
        here.station.kill()
        [file] = stored(here, "ChargingStationCertificate")
        content = bytearray(file.read_bytes())
        content[-200] ^= 0x01
        file.write_bytes(content)
        here.csms.forget()
        here.station.start()
        here.station.wait_log("an authority in its chain is damaged; install it again")
        here.tester.booted()


def test_a_root_that_the_disk_has_damaged_does_not_lock_out() -> None:
    with lab(2) as here:
        other = Authority("Another root")
        here.install(other.pem)
        here.station.kill()
        files = stored(here, CSMS)
        theirs = next(file for file in files if file.read_text() == other.pem)
        broken(theirs)
        here.csms.forget()
        here.station.start()
        here.station.wait_log("is missing or damaged; install it again")
        here.tester.booted()
        assert here.installed(CSMS) == [(CSMS, hashes(ROOT.pem, ROOT.pem))]
        here.station.kill()
        broken(stored(here, CSMS)[0])  # and the last one: there is still the file of the configuration
        here.csms.forget()
        here.station.start()
        here.tester.booted()
