"""What is applied is never more than what is told: limits and composite schedules say the same."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core.charging.profile import Profile
from chargepointd.core.charging.schedules import GetCompositeSchedule
from chargepointd.core.context import Step
from chargepointd.core.plan import ConnectorPlan, EvsePlan, StationPlan
from tests.core.charging.test_composite import AT, PROFILES
from tests.core.world import PLAN, World

DC = EvsePlan(2, (ConnectorPlan(1, "cCCS2", True),), "DC", 0, 1000.0, 500.0, 40_000.0)
AC, SECOND = PLAN.evses
STATIONS = st.sampled_from(
    [
        PLAN,
        PLAN._replace(max_current_a=20.0),
        PLAN._replace(evses=(AC._replace(switches_phases=True), SECOND), max_power_w=9_000.0),
        PLAN._replace(evses=(AC._replace(phases=1, max_power_w=7_360.0), SECOND)),
        PLAN._replace(evses=(AC, DC)),
        PLAN._replace(evses=(AC, DC), max_current_a=25.0),
        PLAN._replace(evses=(DC._replace(id=1), DC)),
        PLAN._replace(evses=(DC._replace(id=1), DC), max_power_w=50_000.0),
    ]
)


def moved(profile: Profile, by: float, transaction: str) -> Profile:
    """In time, to whole seconds; a TxProfile to the transaction that runs."""

    def later(at: float | None) -> float | None:
        return None if at is None else (at + by) // 1

    schedule = profile.schedule._replace(starts_at=later(profile.schedule.starts_at))
    return profile._replace(
        schedule=schedule,
        valid_from=later(profile.valid_from),
        valid_to=later(profile.valid_to),
        transaction_id=transaction if profile.purpose == "TxProfile" else None,
    )


def told_now(w: World, unit: Any) -> float:
    return float(w.ask(GetCompositeSchedule(1, 0, unit)).schedule.periods[0].limit)


@settings(max_examples=100, deadline=None)
@given(STATIONS, PROFILES)
def test_what_is_applied_is_never_more_than_what_is_told(plan: StationPlan, profiles: tuple[Profile, ...]) -> None:
    w = World("2.0.1", plan=plan).online().plug().present("CARD1", 1)
    evse = w.station.evses[1]
    assert evse.transaction
    transaction = evse.transaction._replace(ready_at=w.utc // 1)  # so that nothing changes within a second
    evse.session = evse.session._replace(transaction=transaction)
    for profile in profiles:
        if profile.purpose != "TxProfile" or profile.evse_id == 1:
            made = moved(profile, w.utc // 1 - AT, transaction.id)
            w.station.profiles.install(made, Step(w.mono, w.utc))
    w.after(0.5)
    amps, watts, phases = w.limits[1]
    told = {unit: told_now(w, unit) for unit in ("A", "W")}
    outlet = plan.evses[0]
    if outlet.phases:
        assert amps <= told["A"] + 0.1
        assert amps * outlet.voltage_v * (phases or outlet.phases) <= told["W"] + 70  # tenths of A, of three phases
    elif amps and watts:
        assert amps <= told["A"] + 0.1 or watts <= told["W"] + 0.1
        assert min(watts, amps * outlet.voltage_v) <= told["W"] + 0.1
