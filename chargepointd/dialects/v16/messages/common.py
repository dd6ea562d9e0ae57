"""What the messages of all topics share.

An idTag has at most 20 characters. A longer token is never cut, it would be somebody else's: it is not asked for
(`Authorize` has no words for it, so what the station knows itself decides), and what such a token began is told with an
empty idTag, since the energy has to be accounted for.
"""

from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core.messages import Answer
from chargepointd.core.values import Token, TokenInfo
from chargepointd.dialects.codec import encode, readable_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v16.connectors import Connectors

LONGEST_TAG = 20

Said = tuple[str, Payload]
"""action and payload"""
Calls = Mapping[type, Callable[[Any, int | None, Connectors], Said | None]]
"""by the type of the message: it, the number the CSMS gave its transaction, and the connectors"""
Answers = Mapping[type, Callable[[Payload], Answer]]


def transfer(vendor: str, message_id: str, data: Payload) -> Said:
    """What 1.6 has no message for, in the words of a vendor: the data is a JSON text."""
    return "DataTransfer", {"vendorId": vendor, "messageId": message_id, "data": encode(data)}


def tag(token: Token | None) -> str | None:
    return token.value if token and len(token.value) <= LONGEST_TAG else None


def token_info(info: Payload) -> TokenInfo:
    """IdTagInfo; the statuses of 1.6 have the same names in 2.x."""
    expiry = info.get("expiryDate")
    return TokenInfo(info["status"], readable_time(expiry) if expiry else None, info.get("parentIdTag"))
