"""Network connection profiles (B09)."""

from chargepointd.core.network import SetNetworkProfile
from chargepointd.core.slots import Slot
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.requests.common import Request, Requests, plain

_VERSIONS = {"OCPP16": "1.6", "OCPP20": "2.0.1", "OCPP201": "2.0.1", "OCPP21": "2.1"}


def _set(payload: Payload, _: Registry) -> SetNetworkProfile:
    data = payload["connectionData"]
    version = _VERSIONS.get(data["ocppVersion"], "")
    slot = Slot(data["ocppCsmsUrl"], data["securityProfile"], version, data["messageTimeout"], data["ocppInterface"])
    return SetNetworkProfile(payload["configurationSlot"], slot, _wrong(data))


def _wrong(data: Payload) -> str:
    if data["ocppTransport"] != "JSON":
        return f"ocppTransport {data['ocppTransport']}: this station speaks JSON only"
    if data["ocppVersion"] not in _VERSIONS:
        return f"ocppVersion {data['ocppVersion']}: this station does not speak it"
    for field, what in (("apn", "modem"), ("vpn", "VPN")):
        if field in data:
            return f"{field}: this station has no {what} that the CSMS can set up"
    return ""


REQUESTS: Requests = {"SetNetworkProfile": Request(_set, plain)}
