"""What the messages of all topics share."""

from collections.abc import Callable, Mapping
from typing import Any

from chargepointd.core.messages import Answer
from chargepointd.core.values import Token, TokenInfo
from chargepointd.dialects.codec import readable_time
from chargepointd.dialects.dialect import Payload
from chargepointd.dialects.v2.words import Words

LONGEST_TOKEN = 36
"""characters, IdTokenType.idToken"""

Said = tuple[str, Payload]
"""action and payload"""
Calls = Mapping[type, Callable[[Any, Words], Said | None]]
"""by type of message; None for what 2.x does not say"""
Answers = Mapping[type, Callable[[Payload], Answer]]
"""by type of message, where the answer says more than that it was taken"""


def token(token: Token, words: Words) -> Payload | None:
    if len(token.value) > LONGEST_TOKEN:
        return None
    return {"idToken": token.value, "type": token.kind if token.kind in words.token_kinds else "Local"}


def token_info(info: Payload) -> TokenInfo:
    """IdTokenInfoType."""
    expiry = info.get("cacheExpiryDateTime")
    group = info.get("groupIdToken")
    return TokenInfo(
        info["status"],
        readable_time(expiry) if expiry else None,
        group["idToken"] if group else None,
        info.get("language1"),
        message_text(info.get("personalMessage")),
        tuple(info.get("evseId", ())),
        info.get("chargingPriority", 0),
    )


def message_text(message: Payload | None) -> str | None:
    """MessageContentType: what a display shows as it is; it renders no HTML and fetches no URI."""
    return message["content"] if message and message["format"] in ("ASCII", "UTF8") else None
