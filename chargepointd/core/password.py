"""The password of the station: bytes, kept as a text.

2.x sets a text, whose bytes are UTF-8 (A00.FR.205). 1.6 sets bytes (AuthorizationKey, Improved security §7.2). Bytes
that are printable ASCII are that text, whichever version has set them; any others are kept as hexadecimal digits behind
a sign that stands in no text.
"""

_BYTES = "\x10"


def as_text(password: bytes) -> str:
    text = password.decode() if password.isascii() else ""
    return text if text and text.isprintable() else _BYTES + password.hex()


def as_bytes(text: str) -> bytes:
    return bytes.fromhex(text[1:]) if text.startswith(_BYTES) else text.encode()


def complaint(text: str) -> str:
    """What is wrong with a text as the password; its length is the variable's."""
    if text.isprintable():
        return ""
    try:
        known = as_text(as_bytes(text)) == text
    except ValueError:
        known = False
    return "" if known else "expected printable characters"
