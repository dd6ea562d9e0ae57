"""What the CSMS asks in 2.x, and the answers; one module a topic, imported when first asked for.

A request that is not in the table is not offered.
"""

from importlib import import_module

from chargepointd.core import commands as c
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.requests.common import Request

OFFERED = {
    "GetVariables": "variables",
    "SetVariables": "variables",
    "GetBaseReport": "reports",
    "GetReport": "reports",
    "ChangeAvailability": "availability",
    "Reset": "availability",
    "ClearCache": "availability",
    "RequestStartTransaction": "remote",
    "RequestStopTransaction": "remote",
    "UnlockConnector": "remote",
    "DataTransfer": "remote",
    "GetTransactionStatus": "remote",
    "TriggerMessage": "remote",
    "UpdateFirmware": "firmware",
    "CertificateSigned": "certificates",
    "DeleteCertificate": "certificates",
    "GetInstalledCertificateIds": "certificates",
    "InstallCertificate": "certificates",
    "SetNetworkProfile": "network",
    "ReserveNow": "reservation",
    "CancelReservation": "reservation",
    "GetLog": "logs",
    "GetLocalListVersion": "local_list",
    "SendLocalList": "local_list",
    "CustomerInformation": "customer",
    "ClearChargingProfile": "charging",
    "GetChargingProfiles": "charging",
    "GetCompositeSchedule": "composite",
    "SetChargingProfile": "charging",
    "CostUpdated": "cost",
}
"""action -> the module whose table `REQUESTS` has it"""

_loaded: dict[str, Request] = {}


def request(action: str) -> Request:
    """KeyError for what is not offered."""
    if action not in _loaded:
        _loaded.update(import_module(f"{__name__}.{OFFERED[action]}").REQUESTS)
    return _loaded[action]


def command(action: str, payload: Payload, variables: Registry) -> c.Command | Refusal:
    if action not in OFFERED:
        return Refusal("NotSupported", f"{action} is not offered by this station")
    try:
        return request(action).command(payload, variables)
    except ValueError as error:
        return Refusal("PropertyConstraintViolation", str(error))


def response(action: str, payload: Payload, reply: c.Reply) -> Payload | Refusal:
    return request(action).response(payload, reply)
