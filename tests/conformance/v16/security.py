"""What the cases of security have besides, in the words of 1.6."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.conformance.security import ROOT, SERVER, started
from tests.conformance.v16.tester import Tester
from tests.csms import Csms, Message
from tests.daemon.process import Station
from tests.pki import Authority, Issued, server_context

CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"


class Lab(NamedTuple):
    tester: Tester
    csms: Csms
    station: Station
    profile: int

    def serve(self, shown: Issued = SERVER, *, profile: int) -> None:
        """From the next connection on the Central System asks for what this security profile has."""
        self.csms.offline()
        self.csms.listener.tls = context(shown, profile)
        self.csms.password = self.csms.password if profile < 3 else None
        self.csms.online()

    def security_event(self, kind: str, timeout: float = 10.0) -> Message:
        """S> SecurityEventNotification"""
        return self.csms.wait("SecurityEventNotification", type=kind, timeout=timeout)

    def install(self, pem: str, use: str = CENTRAL, expect: str = "Accepted") -> None:
        """T> InstallCertificate"""
        self._asked("InstallCertificate", {"certificateType": use, "certificate": pem}, expect)

    def installed(self, use: str) -> list[dict[str, str]]:
        """T> GetInstalledCertificateIds: the certificateHashData of each."""
        reply = self.csms.call("GetInstalledCertificateIds", {"certificateType": use})
        if reply["status"] == "NotFound":
            assert "certificateHashData" not in reply
            return []
        assert reply["status"] == "Accepted"
        found: list[dict[str, str]] = reply["certificateHashData"]
        return found

    def delete(self, hash_data: Mapping[str, str], expect: str = "Accepted") -> None:
        """T> DeleteCertificate"""
        self._asked("DeleteCertificate", {"certificateHashData": dict(hash_data)}, expect)

    def extended(self, message: str, connector: int | None = None, expect: str = "Accepted") -> None:
        """T> ExtendedTriggerMessage"""
        place = {} if connector is None else {"connectorId": connector}
        self._asked("ExtendedTriggerMessage", {"requestedMessage": message} | place, expect)

    def request(self) -> str:
        """T> ExtendedTriggerMessage SignChargePointCertificate, S> Accepted; S> SignCertificate: the CSR."""
        self.extended("SignChargePointCertificate")
        return str(self.csms.wait("SignCertificate")["csr"])

    def signed(self, chain: str, expect: str = "Accepted") -> None:
        """T> CertificateSigned"""
        self._asked("CertificateSigned", {"certificateChain": chain}, expect)

    def renewed(self, authority: Authority = ROOT) -> str:
        """RenewChargePointCertificate: the new chain."""
        self.tester.configure("CpoName", "A CPO")
        chain = authority.sign(self.request())
        self.signed(chain)
        return chain

    def _asked(self, action: str, payload: dict[str, Any], expect: str) -> None:
        status = self.csms.call(action, payload)["status"]
        assert status == expect, self.csms.told(f"{action}: {status}, expected {expect}")


def context(shown: Issued, profile: int) -> ssl.SSLContext | None:
    if profile < 2:
        return None
    return server_context(shown, *((ROOT,) if profile == 3 else ()))


@contextmanager
def lab(profile: int = 1, **more: Any) -> Iterator[Lab]:
    """A charge point on this security profile, booted. more: as `started` has it."""
    with started(profile, "1.6", **more) as (csms, station):
        made = Lab(Tester(csms, station), csms, station, profile)
        made.tester.booted()
        yield made
