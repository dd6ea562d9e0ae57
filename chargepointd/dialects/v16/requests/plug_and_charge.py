"""Certificates of ISO 15118, in DataTransfer ("Using ISO 15118 Plug & Charge with OCPP 1.6" of the OCA): the requests
and answers of 2.0.1 as JSON texts."""

from typing import Any

from chargepointd.core import certificates as c
from chargepointd.core.commands import Status, TriggerMessage
from chargepointd.core.signing import CertificateSigned
from chargepointd.dialects.certificates import hashes, installed
from chargepointd.dialects.codec import encode
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.requests.common import ChargePoint, Transfer, Transfers

_ALGORITHMS = ("SHA256", "SHA384", "SHA512")
_ROOTS = ("V2GRootCertificate", "MORootCertificate")
_LISTED = (*_ROOTS, "V2GCertificateChain")
"""of this application; the others are those of the security extension"""


def _text(data: Any, name: str, *among: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or (among and value not in among):
        raise ValueError(f"{name}: expected {' or '.join(among) or 'a text'}")
    return value


def _signed(data: Any, _: ChargePoint) -> CertificateSigned:
    return CertificateSigned(_text(data, "certificateChain"), "V2GCertificate")


def _install(data: Any, _: ChargePoint) -> c.InstallCertificate:
    return c.InstallCertificate(_text(data, "certificateType", *_ROOTS), _text(data, "certificate"))


def _ids(data: Any, _: ChargePoint) -> c.GetInstalledCertificateIds:
    uses = data.get("certificateType") or list(_LISTED)
    if not isinstance(uses, list) or not all(use in _LISTED for use in uses):
        raise ValueError(f"certificateType: expected a list of {', '.join(_LISTED)}")
    return c.GetInstalledCertificateIds(tuple(dict.fromkeys(uses)))


def _delete(data: Any, _: ChargePoint) -> c.DeleteCertificate:
    named = data.get("certificateHashData")
    if not isinstance(named, dict):
        raise ValueError("certificateHashData: expected an object")
    _text(named, "hashAlgorithm", *_ALGORITHMS)
    return c.DeleteCertificate(hashes(named, _text))


def _trigger(data: Any, _: ChargePoint) -> TriggerMessage:
    return TriggerMessage(_text(data, "requestedMessage", "SignV2GCertificate"))


def _told(reply: Status, _: ChargePoint) -> Payload:
    why = {"statusInfo": {"reasonCode": reply.code or "Unspecified", "additionalInfo": reply.reason[:512]}}
    return _answered({"status": reply.status} | (why if reply.reason else {}))


def _answered(data: Payload) -> Payload:
    """The transfer itself has worked, whatever came of it."""
    return {"status": "Accepted", "data": encode(data)}


TRANSFERS: Transfers = {
    "CertificateSigned": Transfer(_signed, _told),
    "DeleteCertificate": Transfer(_delete, _told),
    "GetInstalledCertificateIds": Transfer(_ids, lambda reply, _: _answered(installed(reply))),
    "InstallCertificate": Transfer(_install, _told),
    "TriggerMessage": Transfer(_trigger, _told),
}
