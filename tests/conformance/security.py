"""What the cases of security have besides: servers with TLS, certificates of all kinds, network profiles.

with lab(2) as here:            # a station on security profile 2, booted
    here.serve(bad)             # from the next connection on, the CSMS shows this certificate
"""

import base64
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.conformance.stations import PASSWORD, dc_station
from tests.conformance.tester import Tester
from tests.csms import Csms, Message, Reply
from tests.daemon.process import Station
from tests.jobs.hashes import hash_data
from tests.pki import Authority, Issued, server_context

HOST = "localhost"
SERIAL = "T-0001"
PRIORITY = "OCPPCommCtrlr.NetworkConfigurationPriority"
ROOT = Authority("CSMS root")
SERVER = ROOT.issue(HOST, HOST)
SUITES = (
    {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"AES128-GCM-SHA256", "AES256-GCM-SHA384"},
)


class Lab(NamedTuple):
    tester: Tester
    csms: Csms
    station: Station
    profile: int

    # -- the server ----------------------------------------------------------------------------------------------

    def serve(self, shown: Issued | ssl.SSLContext, *clients: Authority) -> None:
        """Break the link; from the next connection on the CSMS shows this certificate."""
        self.csms.offline()
        self.csms.listener.tls = shown if isinstance(shown, ssl.SSLContext) else self.context(shown, *clients)
        self.csms.forget()
        self.csms.online()

    def context(self, shown: Issued = SERVER, *clients: Authority) -> ssl.SSLContext:
        return server_context(shown, *((clients or (ROOT,)) if self.profile == 3 else ()))

    def security_event(self, kind: str, timeout: float = 10.0) -> Message:
        """S> SecurityEventNotification"""
        return self.csms.wait("SecurityEventNotification", type=kind, timeout=timeout)

    # -- certificates --------------------------------------------------------------------------------------------

    def install(self, pem: str, use: str = "CSMSRootCertificate", expect: str = "Accepted") -> Reply:
        """T> InstallCertificate"""
        reply = self.csms.call("InstallCertificate", {"certificateType": use, "certificate": pem})
        assert reply["status"] == expect, self.csms.told(f"{use}: {reply}")
        return reply

    def installed(self, *uses: str) -> list[tuple[str, dict[str, str]]]:
        """T> GetInstalledCertificateIds: S> (certificateType, certificateHashData) of each."""
        reply = self.csms.call("GetInstalledCertificateIds", {"certificateType": list(uses)} if uses else {})
        if reply["status"] == "NotFound":
            assert "certificateHashDataChain" not in reply
            return []
        assert reply["status"] == "Accepted"
        return [(each["certificateType"], each["certificateHashData"]) for each in reply["certificateHashDataChain"]]

    def delete(self, hash_data: Mapping[str, str], expect: str = "Accepted") -> None:
        """T> DeleteCertificate"""
        reply = self.csms.call("DeleteCertificate", {"certificateHashData": dict(hash_data)})
        assert reply["status"] == expect, self.csms.told(f"DeleteCertificate: {reply}")

    def request(self) -> str:
        """T> TriggerMessage SignChargingStationCertificate, S> Accepted, S> SignCertificate: the CSR."""
        self.tester.trigger("SignChargingStationCertificate")
        return self.csr()

    def csr(self, timeout: float = 10.0) -> str:
        return str(
            self.csms.wait("SignCertificate", certificateType="ChargingStationCertificate", timeout=timeout)["csr"]
        )

    def signed(self, chain: str, expect: str = "Accepted") -> None:
        """T> CertificateSigned"""
        payload = {"certificateChain": chain, "certificateType": "ChargingStationCertificate"}
        reply = self.csms.call("CertificateSigned", payload)
        assert reply["status"] == expect, self.csms.told(f"CertificateSigned: {reply}")

    def renewed(self, authority: Authority = ROOT) -> str:
        """RenewChargingStationCertificate: the new chain."""
        chain = authority.sign(self.request())
        self.signed(chain)
        return chain

    # -- network profiles ----------------------------------------------------------------------------------------

    def profile_set(self, slot: int, url: str, profile: int, *expect: str, **more: Any) -> Reply:
        """T> SetNetworkProfile"""
        data = {
            "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": url, "messageTimeout": 30,
            "securityProfile": profile, "ocppInterface": "Wired0",
        } | more  # fmt: skip
        reply = self.csms.call("SetNetworkProfile", {"configurationSlot": slot, "connectionData": data})
        assert reply["status"] in (expect or ("Accepted",)), self.csms.told(f"SetNetworkProfile: {reply}")
        return reply

    def prefer(self, *slots: int, expect: tuple[str, ...] = ("Accepted", "RebootRequired")) -> None:
        """T> SetVariables NetworkConfigurationPriority"""
        self.tester.set(PRIORITY, ",".join(map(str, slots)), expect=expect)

    def at(self, csms: Csms, profile: int | None = None) -> "Lab":
        """The same station at another CSMS."""
        return Lab(Tester(csms, self.station), csms, self.station, profile or self.profile)


@contextmanager
def lab(
    profile: int = 1,
    *,
    variables: Mapping[str, Any] | None = None,
    boot: bool = True,
    tls: ssl.SSLContext | None = None,
    roots: str = ROOT.pem,
    **changes: Any,
) -> Iterator[Lab]:
    """A station on this security profile, its root and (for 3) its certificate in the configuration; booted."""
    with started(profile, variables=variables, boot=boot, tls=tls, roots=roots, **changes) as (csms, station):
        made = Lab(Tester(csms, station), csms, station, profile)
        if boot:
            made.tester.booted()
        yield made


@contextmanager
def started(
    profile: int = 1,
    version: str = "2.0.1",
    *,
    variables: Mapping[str, Any] | None = None,
    keys: Mapping[str, str] | None = None,
    boot: bool = True,
    tls: ssl.SSLContext | None = None,
    roots: str = ROOT.pem,
    **changes: Any,
) -> Iterator[tuple[Csms, Station]]:
    """A CSMS and a station on this security profile. boot: the CSMS is there."""
    with tempfile.TemporaryDirectory() as where, endpoint(profile, tls, version) as csms:
        config = dc_station(csms.url, **(variables or {}))
        config["csms"] |= credentials(profile, Path(where), roots) | {"versions": [version]} | changes
        config["ocpp16"] |= dict(keys or {})
        if not boot:
            csms.offline()
        with Station(config) as station:
            yield csms, station


def credentials(profile: int, where: Path, roots: str = ROOT.pem) -> dict[str, Any]:
    made: dict[str, Any] = {"security_profile": profile}
    if profile >= 2:
        (where / "roots.pem").write_text(roots)
        made["ca_file"] = str(where / "roots.pem")
    if profile == 3:
        made["client_cert"] = str(ROOT.issue(SERIAL).file(where, "station.pem"))
    return made


@contextmanager
def endpoint(
    profile: int,
    tls: ssl.SSLContext | None = None,
    version: str = "2.0.1",
    *,
    password: str = PASSWORD,
    shown: Issued = SERVER,
    **more: Any,
) -> Iterator[Csms]:
    """A CSMS for this security profile."""
    clients = (ROOT,) if profile == 3 else ()
    context = (tls or server_context(shown, *clients)) if profile >= 2 else None
    secret = password if profile < 3 else None
    with Csms((version,), password=secret, tls=context, host=HOST, **more) as made:
        yield made


# -- what the station showed -------------------------------------------------------------------------------------------


def basic(csms: Csms) -> tuple[str, bytes] | None:
    """User and password of the HTTP upgrade."""
    scheme, _, encoded = csms.line().headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    assert scheme == "Basic"
    user, _, password = base64.b64decode(encoded).partition(b":")
    return user.decode(), password


def certificate(csms: Csms) -> x509.Certificate | None:
    """Of the station, in the TLS handshake."""
    der = csms.line().peer_certificate
    return x509.load_der_x509_certificate(der) if der else None


def assert_fit(shown: x509.Certificate) -> None:
    key = shown.public_key()
    assert (isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 224
    )
    assert shown.serial_number
    assert shown.subject.rfc4514_string().endswith(f"CN={SERIAL}")


def hashes(pem: str, issuer: str, algorithm: str = "SHA256") -> dict[str, str]:
    """CertificateHashDataType by OpenSSL."""
    return hash_data(pem, issuer, algorithm)


TLS_1_1, TLS_1_2 = b"\x03\x02", b"\x03\x03"
CBC, RC4 = b"\xc0\x13", b"\x00\x05"


@contextmanager
def odd_server(port: int, version: bytes, suite: bytes = CBC) -> Iterator[threading.Event]:
    """A server at this port that answers every ClientHello with this version and suite; the event: it has done so."""
    body = version + bytes(32) + b"\x00" + suite + b"\x00"
    hello = b"\x02" + len(body).to_bytes(3, "big") + body
    answered = threading.Event()

    def serve() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return  # shut down
            with accepted:
                accepted.recv(1)
                accepted.sendall(b"\x16" + version + struct.pack(">H", len(hello)) + hello)
                answered.set()
                accepted.settimeout(5)
                while accepted.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield answered
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
