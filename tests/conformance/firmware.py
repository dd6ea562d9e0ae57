"""Who makes the firmware: certificates, images, signatures; and what a case expects of an update."""

import base64
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.conformance.tester import Tester
from tests.csms import Message, Reply

DAY = timedelta(days=1)
PAST = "2020-01-01T00:00:00Z"
NEW_FIRMWARE = "say progress 50\nexit 10\n"
"""an image that needs a restart to be in use"""
DOWNLOAD = ("Downloading", "Downloaded", "SignatureVerified")


class Authority:
    """A root, and what it signs."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.root = _signed(self._name, self._key.public_key(), self._name, self._key, -1, 30, ca=True)

    @property
    def pem(self) -> str:
        return _pem(self.root)

    def certificate(self, key: Any, starts_in: int = -1, ends_in: int = 10) -> str:
        """For firmware; starts_in, ends_in: days."""
        return _pem(_signed(_name("Firmware signing"), key.public_key(), self._name, self._key, starts_in, ends_in))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _signed(
    subject: x509.Name, key: Any, issuer: x509.Name, by: Any, starts_in: int, ends_in: int, ca: bool = False
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        issuer, subject, key, x509.random_serial_number(), now + starts_in * DAY, now + ends_in * DAY
    )
    made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
    return made.add_extension(usage, critical=True).sign(by, SHA256())


def sign(key: Any, image: bytes) -> str:
    """In base64. EC: ECDSA; RSA: PSS."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return base64.b64encode(key.sign(image, ec.ECDSA(SHA256()))).decode()
    scheme = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
    return base64.b64encode(key.sign(image, scheme, SHA256())).decode()


def new_key(kind: str = "EC") -> Any:
    return rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())


class Maker:
    """`folder`: what the file servers serve. The station trusts `authority`."""

    request = "UpdateFirmware"
    told = "FirmwareStatusNotification"

    def __init__(self, tester: Tester, folder: Path, key: str = "EC") -> None:
        self.tester = tester
        self.csms = tester.csms
        self.folder = folder
        self.key = new_key(key)
        self.authority = Authority("Manufacturer")
        self.certificate = self.authority.certificate(self.key)
        self.signature = ""
        trust(tester, "ManufacturerRootCertificate", self.authority.pem)

    def image(self, text: str = NEW_FIRMWARE, name: str = "firmware.bin") -> str:
        """An image, signed, in the folder; its name. What the bench's installer shall do with it, and 200 kB more."""
        content = text.encode() + b"\n" * 10 + b"exit 0\n#" + os.urandom(200_000).hex().encode() + b"\n"
        (self.folder / name).write_bytes(content)
        self.signature = sign(self.key, content)
        return name

    def ask(
        self, location: str, request_id: int = 1, *, expect: str | Sequence[str] = "Accepted", **more: Any
    ) -> Reply:
        """T> UpdateFirmware. more: fields of `firmware`; None leaves one out; retries and retryInterval."""
        firmware: dict[str, Any] = {
            "location": location,
            "retrieveDateTime": PAST,
            "installDateTime": PAST,
            "signingCertificate": self.certificate,
            "signature": self.signature,
        }
        payload = {field: more.pop(field) for field in ("retries", "retryInterval") if field in more}
        payload |= {
            "requestId": request_id,
            "firmware": {field: value for field, value in (firmware | more).items() if value is not None},
        }
        reply = self.csms.call(self.request, payload)
        allowed = (expect,) if isinstance(expect, str) else expect
        assert reply["status"] in allowed, self.csms.told(f"{self.request}: {reply}")
        return reply

    # -- what comes of it ------------------------------------------------------------------------------------------

    def status(self, status: str, request_id: int = 1, timeout: float = 10.0) -> Message:
        """S> FirmwareStatusNotification"""
        return self.csms.wait(self.told, status=status, requestId=request_id, timeout=timeout)

    def statuses(self, *statuses: str, request_id: int = 1) -> None:
        """S> these, one after the other."""
        for status in statuses:
            self.status(status, request_id)

    def all_told(self, *statuses: str, request_id: int = 1) -> None:
        """These and no others were told of this request, in this order."""
        told = [m["status"] for m in self.csms.calls(self.told) if m.get("requestId") == request_id]
        assert told == list(statuses), self.csms.told(f"{told}")

    def event(self, kind: str) -> Message:
        """S> SecurityEventNotification"""
        return self.csms.wait("SecurityEventNotification", type=kind)

    def rebooted(self, **statuses: str) -> None:
        """S> BootNotification FirmwareUpdate, S> the state of every connector."""
        self.csms.wait_connected()
        boot = self.csms.wait("BootNotification")
        assert boot["reason"] == "FirmwareUpdate", self.csms.told("boot reason")
        self.tester.statuses(**statuses)

    def installed(self, request_id: int = 1, *, before: Sequence[str] = (), **statuses: str) -> None:
        """S> from Installing to the end: InstallRebooting, the boot, Installed, the event. before: what was told
        already."""
        self.statuses("Installing", "InstallRebooting", request_id=request_id)
        self.rebooted(**statuses)
        done = self.status("Installed", request_id)
        event = self.event("FirmwareUpdated")
        assert done.at <= event.at
        self.all_told(*before, "Installing", "InstallRebooting", "Installed", request_id=request_id)

    def in_use_at_once(self, request_id: int = 1, *, before: Sequence[str] = ()) -> None:
        """S> from Installing to the end, of what takes no restart: the station only connects anew."""
        self.statuses("Installing", "Installed", request_id=request_id)
        self.csms.wait_connected()
        self.event("FirmwareUpdated")
        self.all_told(*before, "Installing", "Installed", request_id=request_id)


def trust(tester: Tester, use: str, pem: str) -> None:
    """T> InstallCertificate, S> Accepted."""
    reply = tester.csms.call("InstallCertificate", {"certificateType": use, "certificate": pem})
    assert reply["status"] == "Accepted", tester.csms.told(f"InstallCertificate: {reply}")


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
