"""The local authorization list (1.6 §5.10, §5.15)."""

from chargepointd.core import commands as c
from chargepointd.core.local_list import GetLocalListVersion, SendLocalList
from chargepointd.core.values import Token, TokenInfo
from chargepointd.dialects.codec import parse_time
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.messages.common import token_info
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, plain


def _send(payload: Payload, _: ChargePoint) -> c.Command | Refusal:
    entries = tuple([_entry(data) for data in payload.get("localAuthorizationList", ())])
    return SendLocalList(payload["listVersion"], payload["updateType"] == "Full", entries)


def _entry(data: Payload) -> tuple[Token, TokenInfo | None]:
    info = data.get("idTagInfo")
    if info and "expiryDate" in info:
        parse_time(info["expiryDate"])  # one that cannot be read must not become one that never comes
    return Token(data["idTag"]), token_info(info) if info else None


REQUESTS: Requests = {
    "GetLocalListVersion": Request(
        lambda p, _: GetLocalListVersion(), lambda _, version, point: {"listVersion": version}
    ),
    "SendLocalList": Request(_send, plain),
}
