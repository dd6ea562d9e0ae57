"""The local authorization list (D01, D02)."""

from chargepointd.core import commands as c
from chargepointd.core.local_list import NOT_IN_USE, GetLocalListVersion, SendLocalList
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v2.messages.common import token_info
from chargepointd.dialects.v2.requests.common import Request, Requests, not_available, status, token, too_many

_CONTROLLER = "LocalAuthListCtrlr"


def _send(payload: Payload, variables: Registry) -> c.Command | Refusal:
    items = payload.get("localAuthorizationList", ())
    refused = not_available(_CONTROLLER, variables) or too_many(
        len(items), "SendLocalList", variables, f"{_CONTROLLER}.ItemsPerMessage"
    )
    if refused:
        return refused
    entries = tuple([_entry(data) for data in items])
    return SendLocalList(payload["versionNumber"], payload["updateType"] == "Full", entries)


def _entry(data: Payload) -> tuple[Token, TokenInfo | None]:
    info = data.get("idTokenInfo")
    if info and "cacheExpiryDateTime" in info:
        parse_time(info["cacheExpiryDateTime"])  # one that cannot be read must not become one that never comes
    return token(data["idToken"]), token_info(info) if info else None


def _sent(_: Payload, reply: c.Status) -> Payload:
    """A list that is switched off is one that failed (D01, SendLocalListStatusEnumType)."""
    return status("Failed" if reply.status == "NotSupported" else reply.status, reply.reason)


def _version(_: Payload, version: int) -> Payload:
    """D02.FR.03"""
    return {"versionNumber": 0 if version == NOT_IN_USE else version}


REQUESTS: Requests = {
    "GetLocalListVersion": Request(
        lambda p, variables: not_available(_CONTROLLER, variables) or GetLocalListVersion(), _version
    ),
    "SendLocalList": Request(_send, _sent),
}
