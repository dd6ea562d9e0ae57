"""What the CSMS asks in 1.6, and the answers; one module a topic, imported when first asked for.

A request that is not in the table is not offered.
"""

from importlib import import_module

from chargepointd.core import commands as c
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.requests.common import ChargePoint, Request

OFFERED = {
    "GetConfiguration": "configuration",
    "ChangeConfiguration": "configuration",
    "ChangeAvailability": "station",
    "ClearCache": "station",
    "DataTransfer": "data_transfer",
    "RemoteStartTransaction": "station",
    "RemoteStopTransaction": "station",
    "Reset": "station",
    "TriggerMessage": "station",
    "UnlockConnector": "station",
    "ClearChargingProfile": "charging",
    "GetCompositeSchedule": "composite",
    "SetChargingProfile": "charging",
    "ReserveNow": "reservation",
    "CancelReservation": "reservation",
    "GetDiagnostics": "logs",
    "GetLog": "logs",
    "UpdateFirmware": "firmware",
    "SignedUpdateFirmware": "firmware",
    "InstallCertificate": "security",
    "GetInstalledCertificateIds": "security",
    "DeleteCertificate": "security",
    "CertificateSigned": "security",
    "ExtendedTriggerMessage": "security",
    "GetLocalListVersion": "local_list",
    "SendLocalList": "local_list",
}
"""action -> the module whose table `REQUESTS` has it"""

_loaded: dict[str, Request] = {}


def request(action: str) -> Request:
    """KeyError for what is not offered."""
    if action not in _loaded:
        _loaded.update(import_module(f"{__name__}.{OFFERED[action]}").REQUESTS)
    return _loaded[action]


def command(action: str, payload: Payload, point: ChargePoint) -> c.Command | Refusal:
    if action not in OFFERED:
        return Refusal("NotSupported", f"{action} is not offered by this charge point")
    try:
        return request(action).command(payload, point)
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))


def response(action: str, payload: Payload, reply: c.Reply, point: ChargePoint) -> Payload:
    return request(action).response(payload, reply, point)
