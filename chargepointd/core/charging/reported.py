"""Charging profiles as they are told: to the CSMS in a report (K09), to a technician as plain data."""

from collections.abc import Iterable, Iterator
from typing import Any

from chargepointd.core.charging.profile import Profile
from chargepointd.core.reports import Telling
from chargepointd.core.tuples import NamedTuple

LONGEST = 16_000
"""characters in one message of a report, about; a profile is never divided"""


class ProfilesPart(NamedTuple):
    """A message of a report (ReportChargingProfiles): profiles of one EVSE, from one source."""

    request_id: int
    evse_id: int
    source: str
    profiles: tuple[Profile, ...]
    more: bool


class _Report:
    def __init__(self, request_id: int, parts: list[ProfilesPart]) -> None:
        self.request_id = request_id
        self._left = parts[::-1]

    def next(self, utc: float) -> ProfilesPart:
        return self._left[-1]

    def answered(self) -> bool:
        self._left.pop()
        return not self._left


def report(request_id: int, profiles: Iterable[Profile]) -> Telling:
    """At least one profile."""
    return _Report(request_id, _parts(request_id, profiles))


def _parts(request_id: int, profiles: Iterable[Profile]) -> list[ProfilesPart]:
    """By EVSE and source, as many in one message as it may hold."""
    groups: dict[tuple[int, str], list[Profile]] = {}
    for profile in sorted(profiles, key=lambda p: (p.evse_id, p.source, p.id)):
        groups.setdefault((profile.evse_id, profile.source), []).append(profile)
    parts = []
    for (evse_id, source), members in groups.items():
        for some in _divided(members):
            parts.append(ProfilesPart(request_id, evse_id, source, tuple(some), more=True))
    return [*parts[:-1], parts[-1]._replace(more=False)]


def _divided(profiles: Iterable[Profile]) -> Iterator[list[Profile]]:
    some: list[Profile] = []
    length = 0
    for profile in profiles:
        size = max(300 + 60 * len(profile.schedule.periods), len(repr(profile.custom)))
        if some and length + size > LONGEST:
            yield some
            some, length = [], 0
        some.append(profile)
        length += size
    yield some


def shown(profile: Profile, *, awaited: bool = False) -> dict[str, Any]:
    """For a technician. What is not said is left out; `awaited`: it waits for its transaction."""
    schedule = profile.schedule
    periods = [_said(period._asdict()) for period in schedule.periods]
    return {
        "id": profile.id,
        "evse": profile.evse_id,
        "purpose": profile.purpose,
        "level": profile.stack_level,
        "kind": profile.kind,
        "source": profile.source,
        "unit": schedule.unit,
        "periods": periods,
    } | _said(
        {
            "recurrency": profile.recurrency,
            "starts_at": schedule.starts_at,
            "duration_s": schedule.duration_s,
            "min_rate": schedule.min_rate,
            "valid_from": profile.valid_from,
            "valid_to": profile.valid_to,
            "transaction_id": profile.transaction_id,
            "awaited": awaited or None,
        }
    )


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
