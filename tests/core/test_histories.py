"""Whatever happens, in whatever order: what must always hold of transactions and contactors."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.charging.profile import Period, Profile, Schedule
from chargepointd.core.charging.profiles import ClearChargingProfile, SetChargingProfile
from chargepointd.core.cost import Rate
from chargepointd.core.customer import GiveCustomerInformation
from chargepointd.core.jobs import JobFailed
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.reservation import CancelReservation, ReserveNow
from chargepointd.core.tariff import SetUserPrice, TellFinalCost, UpdateCost
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.visit import Triggers
from tests.core.deeds import ANY, QUIET
from tests.core.world import PLAN, World, check_records

VERSIONS = ("1.6", "2.0.1")
POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")

MASTER = "MMMM9999"

Deed = tuple[str, int]


def visit(w: World, evse: int) -> None:
    """What most histories of a real station are made of."""
    w.hunger(evse, True).plug(evse).present("BBBB2222", evse).after(30.0)
    w.present("BBBB2222", evse).after(10.0)


def running(w: World, n: int) -> str | None:
    transaction = w.station.evses[1 + n % 2].transaction
    return transaction.id if transaction else None


def on_display(w: World, command: Any) -> None:
    """The dialects ask it only of a station that has a display."""
    if w.plan.displays:
        w.ask(command)


def tell_cost(w: World, n: int) -> None:
    """The CSMS names the cost so far, what comes next, and when it wants to see the meter."""
    rate = Rate(Decimal(n % 3), Decimal(n % 5), Decimal(n % 7), n % 4)
    wanted = Triggers(w.utc + n % 60, 100.0 * n, 1000.0 * n, ("Finishing", "SuspendedEV"))
    on_display(
        w,
        UpdateCost(
            Decimal(n), running(w, n), at=w.utc - n % 11, register_wh=20_000.0 + n, idle=(None, True, False)[n % 3],
            rate=rate if n % 4 else None, next_at=w.utc + n % 90 - 10, next_rate=rate, triggers=wanted,
        ),
    )  # fmt: skip


def wait_for_price(w: World, n: int) -> None:
    if w.plan.displays:
        w.configure("TariffCostCtrlr.UserPriceTimeout", str(100 * n))


def profile(w: World, n: int) -> Profile:
    """Of any purpose, for any place, that allows all, little or nothing, now or later."""
    evse = n // 3 % 3
    transaction = w.station.evses[evse].transaction if evse else None
    periods = (Period(0, (0, 6, 8, 32)[n % 4]), Period(1 + n % 50, (16, 0)[n % 2]))
    schedule = Schedule("A", periods, (None, 30)[n % 2], w.utc + n % 20)
    default = Profile(n % 7, evse, n % 5, "TxDefaultProfile", "Absolute", schedule)
    if n % 3 == 0:
        return default._replace(purpose="ChargingStationMaxProfile", evse_id=0)
    if n % 3 == 1:
        return default
    relative = schedule._replace(starts_at=None)
    return default._replace(
        purpose="TxProfile", kind="Relative", schedule=relative, transaction_id=transaction.id if transaction else None
    )


def start_with_profile(w: World, n: int) -> c.RequestStart:
    limits = profile(w, 3 * n + 2)._replace(transaction_id=None)
    return c.RequestStart(Token("DDDD4444", "Central"), n % 3, n, profile=limits)


QUIET_DEEDS = QUIET | {
    "pull": lambda w, n: w.pull(1 + n % 2),
    "card A": lambda w, n: w.present("AAAA1111", 1 + n % 2),
    "card B": lambda w, n: w.present("BBBB2222", 1 + n % 2),
    "blocked card": lambda w, n: w.present("CCCC3333", 1 + n % 2),
    "full": lambda w, n: w.hunger(1 + n % 2, False),
    "hungry": lambda w, n: w.hunger(1 + n % 2, True),
}
DEEDS: dict[str, Callable[[World, int], object]] = {
    **ANY,
    **QUIET_DEEDS,
    "a short visit": lambda w, n: visit(w, 1 + n % 2),
    "CSMS mute to records": lambda w, n: setattr(w, "mute_records", n % 3 > 0),
    "card at the shared reader": lambda w, n: w.present("AAAA1111"),
    "remote start": lambda w, n: w.ask(c.RequestStart(Token("DDDD4444", "Central"), n % 3, n)),
    "remote stop": lambda w, n: w.ask_stop(1 + n % 2),
    "unlock": lambda w, n: w.ask(c.UnlockConnector(1, 1)),
    "meter dies": lambda w, n: w.meter_dead.add(1 + n % 2),
    "meter lives": lambda w, n: w.meter_dead.discard(1 + n % 2),
    "CSMS mute": lambda w, n: setattr(w, "mute", True),
    "CSMS speaks": lambda w, n: setattr(w, "mute", False),
    "CSMS answers again": lambda w, n: w.answer_again(n),
    "CSMS refuses": lambda w, n: setattr(w, "refusing", n % 2 == 0),
    "meter signs no more": lambda w, n: w.silent.add(1 + n % 2),
    "meter signs again": lambda w, n: w.silent.discard(1 + n % 2),
    "sign": lambda w, n: w.configure(("SampledDataCtrlr", "AlignedDataCtrlr")[n % 2] + ".SignReadings", "true"),
    "lock jams": lambda w, n: w.stuck.add((1, 1)),
    "lock moves": lambda w, n: w.stuck.clear(),
    "suspend on refusal": lambda w, n: w.configure("TxCtrlr.StopTxOnInvalidId", "false"),
    "card A is refused from now on": lambda w, n: w.infos.update({"AAAA1111": TokenInfo("Blocked")}),
    "log asked for": lambda w, n: w.ask(c.GetLog("SecurityLog", "ftp://h/", n, retries=n % 3)),
    "log uploaded": lambda w, n: w.tell(e.JobEnded("log", str(1 + n % 5), "" if n % 2 else JobFailed("no way"))),
    "customer forgotten": lambda w, n: w.ask(GiveCustomerInformation(n, True, True, Token("AAAA1111"))),
    "allow a refused card some energy": lambda w, n: w.configure("TxCtrlr.MaxEnergyOnInvalidId", str(10 * n)),
    "master pass": lambda w, n: w.present(MASTER, 1 + n % 2),
    "choose": lambda w, n: w.press(f"{n % 4}#"),
    "keys": lambda w, n: w.press("12*#1#"[n % 6 :], 1 + n % 2),
    "the car says who it is": lambda w, n: w.identify(1 + n % 2),
    "autocharge": lambda w, n: w.configure("AuthCtrlr.AutochargeEnabled", "false" if n % 2 else "true"),
    "believe the cache": lambda w, n: w.configure("AuthCtrlr.LocalPreAuthorize", "true"),
    "do not ask the CSMS": lambda w, n: w.configure("AuthCtrlr.DisableRemoteAuthorization", "true"),
    "interruptions may take so long": lambda w, n: w.configure("TxCtrlr.ResumptionTimeout", str(n % 3 * 1000)),
    "interrupted for long": lambda w, n: w.cut(n * 100),
    "no energy after an interruption": lambda w, n: w.configure(
        "TxCtrlr.AllowEnergyTransferResumption", "true" if n % 3 else "false"
    ),
    "energy after a while": lambda w, n: w.configure("TxCtrlr.ResumptionMaxDelay", str(n % 60)),
    "no time to plug in": lambda w, n: w.configure("TxCtrlr.EVConnectionTimeOut", str(1 + n % 60)),
    "queue all": lambda w, n: w.configure("OCPPCommCtrlr.QueueAllMessages", "true" if n % 2 else "false"),
    "price": lambda w, n: on_display(w, SetUserPrice(Token("AAAA1111"), (("", "for you" * n),))),
    "cost": tell_cost,
    "total": lambda w, n: on_display(w, TellFinalCost(Decimal(n), running(w, n))),
    "total of an earlier one": lambda w, n: on_display(w, TellFinalCost(Decimal(n), reference=n % 7)),
    "idle fee": lambda w, n: w.configure("TariffCostCtrlr.IdleFeeAfterStop", "true") if w.plan.displays else None,
    "wait for the price": wait_for_price,
    "reserve": lambda w, n: w.ask(ReserveNow(n % 4, w.utc + n, Token(("AAAA1111", "BBBB2222")[n % 2]), None, n % 3)),
    "cancel a reservation": lambda w, n: w.ask(CancelReservation(n % 4)),
    "limited": lambda w, n: w.ask(SetChargingProfile(profile(w, n))),
    "limited no more": lambda w, n: w.ask(ClearChargingProfile(n % 7 or None)),
    "remote start with a profile": lambda w, n: w.ask(start_with_profile(w, n)),
    "switch to 2.0.1": lambda w, n: w.switch_to("2.0.1"),
}


def world(version: str, start: list[str], stop: list[str], *, senses: bool = True) -> World:
    """`senses`: the hardware knows of the bay and of a plug without a car."""
    kinds = (*PLAN.token_kinds, "KeyCode", "MacAddress")
    evses = tuple(evse._replace(bay_sensor=senses, signs=senses) for evse in PLAN.evses)
    plan = PLAN._replace(evses=evses, token_kinds=kinds, menu=senses, displays=((1, 2), (2,)) if senses else ())
    plan = plan._replace(lamps=((1,), (2,)))
    variables = {"TxCtrlr.TxStartPoint": ",".join(start), "TxCtrlr.TxStopPoint": ",".join(stop)}
    many = {"OCPPCommCtrlr.MessageAttempts[TransactionEvent]": "1000"}  # nothing is to be set aside here
    who = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true", "AuthCtrlr.MasterPassGroupId": "MASTERS"}
    made = World(version, variables | many | who, plan=plan, senses_plugs=senses)
    made.infos["CCCC3333"] = TokenInfo("Blocked")
    made.infos[MASTER] = TokenInfo("Accepted", group="MASTERS")
    return made.online()


def bring_to_an_end(w: World) -> None:
    """Everybody leaves, everything is mended, the CSMS listens: then no transaction may be open, no record left."""
    w.mute = w.mute_records = w.slow = w.refusing = False
    w.cut_in(0, committed=False)
    w.meter_dead.clear()
    w.silent.clear()
    w.stuck.clear()
    for evse in (1, 2):
        w.mend(evse)
        w.unplug(evse)
        w.drive_out(evse)
    w.offline().online()  # what was asked and never answered is asked again
    w.configure("OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]", "0")
    w.after(600)
    for evse in (1, 2):
        w.ask_stop(evse)
    w.after(300)
    if not w.linked:  # the last of them was a reset
        w.online()


deeds = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 200)), max_size=40)
points = st.lists(st.sampled_from(POINTS), min_size=1, max_size=3, unique=True)
start_points = st.lists(st.sampled_from((*POINTS, "DataSigned")), min_size=1, max_size=3, unique=True)


@pytest.mark.parametrize("version", VERSIONS)
@given(history=deeds, start=start_points, stop=points, senses=st.booleans())
@settings(max_examples=150)
def test_any_history_keeps_the_books(
    version: str, history: list[Deed], start: list[str], stop: list[str], senses: bool
) -> None:
    w = world(version, start, stop, senses=senses)
    for deed, n in history:
        DEEDS[deed](w, n)
        check_records(w.records)
        check_allowances(w)
        check_lamps(w)
        check_statuses(w)
    bring_to_an_end(w)
    check_records(w.records)
    assert in_order(w.delivered()) == in_order(w.records), "the CSMS has every record, once, in order"
    untold = [entry for entry in w.station.security.between(None, None) if entry.message_id]
    assert not untold, "the CSMS has every security event"
    if w.station.pricing and w.station.pricing.tariffs:
        assert not w.station.pricing.tariffs.untold, "the CSMS has heard of every car that left an idle fee"
    open_ones = {r.transaction_id for r in w.records} - {r.transaction_id for r in w.records if r.kind == "Ended"}
    assert not open_ones


def in_order(records: list[TransactionRecord]) -> list[TransactionRecord]:
    """Of each transaction: in 2.x others may pass one whose next record waits for another attempt."""
    return sorted(records, key=lambda record: record.transaction_id)


def check_allowances(w: World) -> None:
    """After a reading, whoever was refused draws no more than MaxEnergyOnInvalidId."""
    cap = w.station.variables.integer("TxCtrlr.MaxEnergyOnInvalidId")
    for evse in w.station.evses.values():
        if evse.session.refused and evse.id not in w.meter_dead:
            w.read(evse.id)
            begun, session = evse.session.refused_wh, evse.session
            if evse.power_asked and session.refused:
                assert begun is not None
                assert w.register[evse.id] < begun + cap


def check_lamps(w: World) -> None:
    """They lag behind nothing: green is where a stranger could begin, blue and blinking where power flows."""
    for evse in w.station.evses.values():
        lamp = w.lamps[evse.id - 1]
        if lamp == "green":
            assert evse.open_to(Token("STRANGER")) and not evse.plugged
        assert (lamp == "blue blinking") == (evse.power_on and evse.wanted and not evse.stopping_faults), lamp


def check_statuses(w: World) -> None:
    """Only where facts have moved a status is looked at again: it lags behind nothing all the same."""
    for evse in w.station.evses.values():
        for connector in evse.plan.connectors:
            now = w.station.context.rules.connector_status(w.station.view(evse.id, connector.id))
            assert w.station.statuses.shown((evse.id, connector.id)) == now


def switching(w: World, deeds: list[Deed], at: int) -> None:
    for n, (deed, number) in enumerate(deeds):
        if n == at:
            w.switch_to("2.0.1")
        QUIET_DEEDS[deed](w, number)


@given(history=deeds, at=st.integers(0, 24))
@settings(max_examples=60)
def test_a_station_moves_from_1_6_to_2_0_1_with_a_full_queue(history: list[Deed], at: int) -> None:
    w = world("1.6", ["PowerPathClosed"], ["EVConnected", "Authorized"]).offline()
    switching(w, [(deed, n) for deed, n in history if deed in QUIET_DEEDS], at)
    bring_to_an_end(w)
    check_records(w.records)
    assert w.delivered() == w.records
    assert {r.transaction_id for r in w.records} == {r.transaction_id for r in w.records if r.kind == "Ended"}


quiet_deeds = st.lists(st.tuples(st.sampled_from(sorted(QUIET_DEEDS)), st.integers(0, 200)), min_size=1, max_size=25)


def summary(w: World) -> list[tuple[object, ...]]:
    """What is billed: who, where, from when the cable or card began it to its end."""
    starts = {r.transaction_id: r for r in w.records if r.kind == "Started"}
    return [(starts[r.transaction_id].starter, r.evse_id, r.kind) for r in w.records if r.kind != "Updated"]


@pytest.mark.parametrize("version", VERSIONS)
@given(history=quiet_deeds, at=st.integers(0, 24))
@settings(max_examples=150)
def test_a_cut_after_any_step_ends_in_the_same_record(version: str, history: list[Deed], at: int) -> None:
    whole, cut = (world(version, ["PowerPathClosed"], ["EVConnected", "Authorized"]) for _ in range(2))
    for n, (deed, number) in enumerate(history):
        QUIET_DEEDS[deed](whole, number)
        QUIET_DEEDS[deed](cut, number)
        if n == at:
            cut.cut()
            cut.online()
    bring_to_an_end(whole)
    bring_to_an_end(cut)
    check_records(cut.records)
    assert cut.delivered() == cut.records
    assert summary(cut) == summary(whole)
