"""Certificates and the extended trigger (security extension: A02, M03 to M05, F06 of the whitepaper)."""

from chargepointd.core import certificates as c
from chargepointd.core.commands import TriggerMessage
from chargepointd.core.signing import CertificateSigned
from chargepointd.dialects.certificates import hash_data, hashes
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain, trigger

_USES = {"CentralSystemRootCertificate": c.CSMS_ROOT}
_TRIGGERS = {"SignChargePointCertificate": "SignChargingStationCertificate"}
"""what 1.6 says -> 2.x, where that differs"""


def _use(payload: Payload) -> str:
    use: str = payload["certificateType"]
    return _USES.get(use, use)


def _install(payload: Payload, _: ChargePoint) -> c.InstallCertificate:
    return c.InstallCertificate(_use(payload), payload["certificate"])


def _ids(payload: Payload, _: ChargePoint) -> c.GetInstalledCertificateIds:
    return c.GetInstalledCertificateIds((_use(payload),))


def _ids_got(_: Payload, reply: c.CertificateIds, __: ChargePoint) -> Payload:
    """None: NotFound, without a list (M03.FR.02)."""
    found = [hash_data(each.hashes[0]) for each in reply.certificates]
    return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}


def _delete(payload: Payload, _: ChargePoint) -> c.DeleteCertificate:
    return c.DeleteCertificate(hashes(payload["certificateHashData"]))


def _trigger(payload: Payload, point: ChargePoint) -> TriggerMessage:
    kind: str = payload["requestedMessage"]
    return trigger(payload, point, _TRIGGERS.get(kind, kind), numbered=True)


REQUESTS: Requests = {
    "InstallCertificate": Request(_install, plain),
    "GetInstalledCertificateIds": Request(_ids, _ids_got),
    "DeleteCertificate": Request(_delete, plain),
    "CertificateSigned": Request(lambda payload, _: CertificateSigned(payload["certificateChain"]), plain),
    "ExtendedTriggerMessage": Request(_trigger, plain),
}
