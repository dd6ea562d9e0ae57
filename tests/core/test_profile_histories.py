"""Whatever is set, cleared, started and cut, in whatever order: what must always hold of charging profiles."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.core.charging.profiles import ClearChargingProfile, GetChargingProfiles, SetChargingProfile
from chargepointd.core.values import Token
from tests.core.world import NOON, World

SCHEDULE = Schedule("A", (Period(0, 6),), 3600, NOON)
PURPOSES: Any = ("ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile")

Deed = tuple[str, int, int]


def profile(w: World, n: int, m: int) -> Profile:
    purpose = PURPOSES[n % 3]
    evse = 0 if purpose == "ChargingStationMaxProfile" else m % 3
    relative = purpose == "TxProfile"
    transaction = w.station.evses[evse].transaction if relative and evse else None
    validity = (NOON + 100 * (n % 2), NOON + 100 * (1 + n % 2)) if n % 5 == 0 else (None, None)
    return Profile(
        n % 7,
        evse,
        m % 2,
        purpose,
        "Relative" if relative else "Absolute",
        SCHEDULE._replace(starts_at=None) if relative else SCHEDULE,
        None,
        *validity,
        transaction.id if transaction else None,
    )


class Model:
    """What the station must hold, by what it has answered."""

    def __init__(self, version: str) -> None:
        self.w = World(version).online()
        self.accepted: dict[int, Profile] = {}

    def do(self, deed: Deed) -> None:
        name, n, m = deed
        getattr(self, name)(n, m)
        running = {e.transaction.id for e in self.w.station.evses.values() if e.transaction}
        self.accepted = {k: p for k, p in self.accepted.items() if not p.transaction_id or p.transaction_id in running}

    def put(self, n: int, m: int) -> None:
        asked = profile(self.w, n, m)
        if self.w.ask(SetChargingProfile(asked)).status == "Accepted":
            if self.w.station.context.rules.level_replaces:
                place = (asked.purpose, asked.evse_id, asked.stack_level)
                same = [p.id for p in self.accepted.values() if (p.purpose, p.evse_id, p.stack_level) == place]
                for id_ in same:
                    del self.accepted[id_]
            self.accepted[asked.id] = asked

    def clear(self, n: int, m: int) -> None:
        criteria = (
            ClearChargingProfile(n % 7),
            ClearChargingProfile(None, m % 3),
            ClearChargingProfile(None, None, PURPOSES[n % 3], m % 2),
        )
        asked = criteria[(n + m) % 3]

        def fits(p: Profile) -> bool:
            has = (p.id, p.evse_id, p.purpose, p.stack_level)
            return all(want in (None, is_) for want, is_ in zip(asked, has, strict=True))

        meant = [p.id for p in self.accepted.values() if fits(p)]
        status = self.w.ask(asked).status
        if meant:
            assert status == "Accepted"
        for id_ in meant:
            del self.accepted[id_]

    def get(self, n: int, m: int) -> None:
        self.w.ask(GetChargingProfiles(n, m % 3 if m % 2 else None))

    def start(self, n: int, m: int) -> None:
        """Its profile, if there is one, is none of those that were accepted until there is a transaction."""
        evse = 1 + m % 2
        asked = profile(self.w, 2, 0)._replace(id=7 + n % 2, transaction_id=None, evse_id=0) if n % 3 else None
        self.w.ask(c.RequestStart(Token("DRIVER", "Central"), evse, n, profile=asked))

    def charge(self, n: int, m: int) -> None:
        """With a TxProfile."""
        evse = 1 + m % 2
        self.w.plug(evse)
        self.w.ask(c.RequestStart(Token("DRIVER", "Central"), evse, n))
        self.put(2 + 3 * (n % 2), evse)

    def stop(self, n: int, m: int) -> None:
        self.w.ask_stop(1 + m % 2)

    def plug(self, n: int, m: int) -> None:
        self.w.plug(1 + m % 2)

    def unplug(self, n: int, m: int) -> None:
        self.w.unplug(1 + m % 2)

    def wait(self, n: int, m: int) -> None:
        self.w.after(float(n))

    def cut(self, n: int, m: int) -> None:
        before = self.w.station.profiles.installed
        self.w.cut()
        self.w.online()
        lost = {p.id for p in before} - {p.id for p in self.w.station.profiles.installed}
        assert not lost & self.accepted.keys()

    def switch(self, n: int, m: int) -> None:
        """Smart charging, off and on."""
        self.w.configure("SmartChargingCtrlr.Enabled", "false").configure("SmartChargingCtrlr.Enabled", "true")

    def check(self) -> None:
        installed = self.w.station.profiles.installed
        mine = {p.id: p for p in installed if p.id < 7}
        assert mine == self.accepted
        for p in installed:
            if p.purpose == "TxProfile":
                ending = self.w.station.evses[p.evse_id].transaction
                assert p.transaction_id in (self.w.station.evses[p.evse_id].profiled_as, ending and ending.id)
        for i, one in enumerate(installed):
            for other in installed[i + 1 :]:
                assert not clashes(one, other, self.w.version)
        kept = {v[0][0] if "awaited" in k else v[0] for k, v in self.w.disk.state.items() if "_profile/" in k and v}
        assert kept == {p.id for p in installed}


def clashes(one: Profile, other: Profile, version: str) -> bool:
    same = (one.purpose, one.stack_level, one.transaction_id) == (
        other.purpose,
        other.stack_level,
        other.transaction_id,
    )
    far = one.valid_from is not None and other.valid_from is not None and one.valid_from != other.valid_from
    if version == "1.6":
        return same and one.evse_id == other.evse_id
    for_all = one.purpose == "TxDefaultProfile" and 0 in (one.evse_id, other.evse_id) and one.evse_id != other.evse_id
    return same and (for_all or (one.evse_id == other.evse_id and not far))


DEEDS = (
    "put",
    "put",
    "put",
    "clear",
    "get",
    "start",
    "charge",
    "charge",
    "stop",
    "stop",
    "plug",
    "unplug",
    "wait",
    "cut",
    "switch",
)
deeds = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 70), st.integers(0, 11)), max_size=40)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@given(deeds)
@example([("charge", 1, 0), ("put", 50, 1)])  # one is valid until the other is
@settings(deadline=None)
def test_what_must_always_hold(version: str, history: list[Deed]) -> None:
    model = Model(version)
    for deed in history:
        model.do(deed)
        model.check()
