"""Time zones, as the system knows them (/usr/share/zoneinfo)."""


def offset_s(name: str, utc: float) -> int | None:
    """s that the clock of this IANA zone is ahead of UTC at a moment (s since 1970); None for what is no zone here."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    try:
        offset = datetime.fromtimestamp(utc, ZoneInfo(name)).utcoffset()
    except (KeyError, ValueError, OSError):
        return None
    return None if offset is None else round(offset.total_seconds())
