"""What never stands in a log, a report or an archive in full."""

import re

_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)(?:[^/\s\"'<>]*@)?([^\s\"'<>?]*)(\?[^\s\"'<>]*)?")


def masked(text: str) -> str:
    """The text, with user and password, and the query (where signed addresses carry their secret), left out of every
    URL in it."""
    return _ADDRESS.sub(_bare, text) if "://" in text else text


def _bare(found: re.Match[str]) -> str:
    scheme, rest, query = found.groups()
    user = "…@" if found.start(2) > found.end(1) else ""
    return f"{scheme}{user}{rest}{'?…' if query else ''}"
