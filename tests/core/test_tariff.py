"""What drivers are told of money: between the numbers of the CSMS, on displays, over power cuts, in their language."""

from __future__ import annotations

import itertools
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core.context import Step
from chargepointd.core.cost import Rate, Running, from_plain, moved, plain, rounded, turned
from chargepointd.core.customer import GiveCustomerInformation
from chargepointd.core.departures import CableLeft
from chargepointd.core.effects import Display, SaveState
from chargepointd.core.events import Ticked
from chargepointd.core.messages import AuthorizeAnswered, MetersRead, RecordAnswered
from chargepointd.core.reservation import ReserveNow
from chargepointd.core.tariff import SetUserPrice, TellFinalCost, UpdateCost
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.visit import Triggers, kept
from chargepointd.core.wording import WIDTH, chosen, energy_and_time, money, notice, pages, wrapped
from tests.core.world import PLAN, World

ROOT = Path(__file__).parents[2]
SCREEN = PLAN._replace(displays=((1, 2),))
D = Decimal

# -- the cost between two messages -------------------------------------------------------------------------------------

AMOUNTS = st.decimals(0, 100, places=4, allow_nan=False)
RATES = st.builds(Rate, AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 30))


class Look(NamedTuple):
    after: int
    """ms"""
    energy: int
    """mWh since the last look"""
    turns: bool
    """the car begins or stops to charge at this moment"""


LOOKS = st.lists(st.builds(Look, st.integers(0, 3_600_000), st.integers(0, 50_000_000), st.booleans()), max_size=12)


def reference(rate: Rate, told: Decimal, idle: bool, looks: list[Look]) -> Fraction:
    """The cost by plain fractions: each stretch between two looks priced for itself."""
    cost, since, now = Fraction(told), 0, 0
    for look in looks:
        cost += Fraction(rate.per_kwh) * Fraction(look.energy, 1_000_000)
        paid = max(0, now + look.after - max(now, since + rate.grace_min * 60_000)) if idle else look.after
        cost += Fraction(rate.idle_per_hour if idle else rate.per_hour) * Fraction(paid, 3_600_000)
        now += look.after
        if look.turns:
            idle = not idle
            since = now
    return cost


@given(RATES, AMOUNTS, st.booleans(), LOOKS)
def test_the_running_cost_is_exact(rate: Rate, told: Decimal, idle: bool, looks: list[Look]) -> None:
    run = Running(told, 0, 0, 0 if idle else None, rate)
    now = register = 0
    for look in [*looks, Look(1, 0, False)]:  # where no time passes, the energy waits for the next look
        now, register = now + look.after, register + look.energy
        run = moved(run, now, register)
        if look.turns:
            run = turned(run, run.idle_since is None, now, register)
    exact = reference(rate, told, idle, [*looks, Look(1, 0, False)])
    assert Fraction(run.told) + Fraction(run.by_time) / 3_600_000 == exact
    assert abs(Fraction(run.cost) - exact) < Fraction(1, 10**18)


@given(RATES, AMOUNTS, st.booleans(), LOOKS)
def test_it_never_falls_while_prices_stay(rate: Rate, told: Decimal, idle: bool, looks: list[Look]) -> None:
    run = Running(told, 0, 0, 0 if idle else None, rate)
    costs, now, register = [run.cost], 0, 0
    for look in looks:
        now, register = now + look.after, register + look.energy
        run = turned(run, run.idle_since is None, now, register) if look.turns else moved(run, now, register)
        costs.append(run.cost)
    assert costs == sorted(costs)
    assert costs[0] == told, "right after the message it is the number of the CSMS"


@given(RATES, RATES, AMOUNTS, LOOKS, st.integers(0, 10_000_000))
def test_how_often_one_looks_changes_nothing_by_time(
    rate: Rate, then: Rate, told: Decimal, looks: list[Look], next_at: int
) -> None:
    """Over the limit of two price periods too."""
    rate, then = rate._replace(per_kwh=D(0)), then._replace(per_kwh=D(0))
    start = run = Running(told, 0, 0, None, rate, next_at, then)
    now = 0
    for look in looks:
        now += look.after
        run = moved(run, now, 0)
    assert run.cost == moved(start, now, 0).cost
    before, after = min(now, next_at), max(0, now - next_at)
    exact = Fraction(told) + (Fraction(rate.per_hour) * before + Fraction(then.per_hour) * after) / 3_600_000
    assert Fraction(run.told) + Fraction(run.by_time) / 3_600_000 == exact


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 10**9))
def test_energy_over_the_limit_of_two_periods_is_shared_out_by_time(first: int, second: int, energy: int) -> None:
    run = Running(D(0), 0, 0, None, Rate(D(1)), first, Rate(D(3)))
    share = energy * first // (first + second)
    got = moved(run, first + second, energy)
    if second == 0:
        got = moved(got, first + 1, energy)
    assert got.told == (D(share) + 3 * D(energy - share)) / 1_000_000


@given(RATES, AMOUNTS, st.one_of(st.none(), st.integers(0, 10**12)), st.one_of(st.none(), RATES))
def test_it_is_kept_as_it_was(rate: Rate, told: Decimal, register: int | None, then: Rate | None) -> None:
    run = moved(Running(told, 5, register, 3, rate, 10**7 if then else None, then), 7777, register)
    assert from_plain(plain(run)) == run


def test_without_a_price_nothing_is_added() -> None:
    run = Running(D("1.23"), 0, 0)
    assert moved(run, 10**9, 10**9) == run


def test_a_register_that_goes_back_or_is_silent_adds_nothing() -> None:
    run = Running(D(0), 0, 5_000_000, None, Rate(D(1)))
    assert moved(run, 1, 4_000_000).told == moved(run, 1, None).told == 0
    assert moved(moved(run, 1, None), 2, 6_000_000).told == 1
    assert moved(moved(run, 1, 4_000_000), 2, 6_000_000).told == 1


@pytest.mark.parametrize(
    ("cost", "decimals", "text"),
    [("1.345", 2, "1.35"), ("1.344999", 2, "1.34"), ("0.005", 2, "0.01"), ("2", 3, "2.000"), ("-0.5", 0, "-1"),
     ("1e3", 0, "1000"), ("999999999.999", 2, "1000000000.00")],
)  # fmt: skip
def test_half_a_cent_counts_as_one(cost: str, decimals: int, text: str) -> None:
    assert rounded(D(cost), decimals) == text


# -- words -------------------------------------------------------------------------------------------------------------


@given(st.text(), st.integers(1, 30))
def test_wrapped_text_fits_and_loses_nothing(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(0 < len(line) <= width for line in lines)
    shown = "".join(c for c in text if c.isprintable() or c == "\n")
    assert "".join("".join(lines).split()) == "".join("".join(shown).split())


def test_words_stay_whole_and_pages_are_full() -> None:
    text = "0.12/kWh plus idle fee 0.50/h after 30 minutes, flat fee 1.00 per session, tax included"
    assert pages(text) == (
        "0.12/kWh plus idle\nfee 0.50/h after 30\nminutes, flat fee",
        "1.00 per session,\ntax included",
    )
    assert pages("") == ()
    assert wrapped("Donaudampfschifffahrtsgesellschaft") == ("Donaudampfschifffahr", "tsgesellschaft")
    assert wrapped("ab\ncd\tef") == ("ab", "cd ef")


@pytest.mark.parametrize(
    ("languages", "text"),
    [(("nl",), "vier"), (("NL-be",), "vier"), (("fr", "nl"), "vier"), (("es",), "cuatro"), (("fr",), "four"),
     (("",), "four"), (("es-MX",), "cuatro mx")],
)  # fmt: skip
def test_the_text_in_the_best_language(languages: tuple[str, ...], text: str) -> None:
    texts = (("", "four"), ("nl", "vier"), ("es", "cuatro"), ("es-MX", "cuatro mx"))
    assert chosen(texts, languages) == text


def test_money_energy_and_time() -> None:
    assert money(D("1.345"), 2, "EUR") == "EUR 1.35"
    assert money(D("1.345"), 2, "") == "1.35"
    assert energy_and_time(3_219.9, 3_959.9) == "3.21 kWh  1:05 h"
    assert energy_and_time(None, 59) == "0:00 h"


# -- at the station ----------------------------------------------------------------------------------------------------


def world(version: str = "1.6", **variables: str) -> World:
    names = {"TariffCostCtrlr.Currency": "EUR", "SampledDataCtrlr.TxUpdatedInterval": "0"}
    return World(version, names | {k.replace("__", "."): v for k, v in variables.items()}, plan=SCREEN)


def tariffs(w: World) -> Any:
    assert w.station.pricing
    return w.station.pricing.tariffs


def screen(w: World) -> list[str]:
    """What the display shows now."""
    return w.displayed[-1][1].text.split("\n")


def seen(w: World, seconds: float) -> list[str]:
    """Every page that is shown meanwhile, with the one that is shown now."""
    count = len(w.displayed) - 1
    w.after(seconds)
    return [shown.text for _, shown in w.displayed[count:]]


def charging(w: World) -> World:
    w.online().plug().present()
    w.after(8)
    assert w.on[1]
    return w


def cost(w: World, amount: str, **more: Any) -> Any:
    transaction = w.station.evses[1].transaction
    more = {"transaction_id": transaction.id if transaction else None} | more
    return w.ask(UpdateCost(D(amount), **more)).status


RATE = Rate(D("0.30"), D("1.20"), D("6"), 10)


def test_price_then_cost_then_total(version: str) -> None:
    w = world(version, TariffCostCtrlr__TariffFallbackMessage="0.30 per kWh")
    w.online().after(10)
    assert screen(w) == ["0.30 per kWh"]
    w = charging(w)
    assert cost(w, "1.5", rate=RATE) == "Accepted"
    shown = seen(w, 20)
    assert "0.30 per kWh" in shown
    assert any(text.startswith("Cost EUR 1.5") and "kWh" in text and "EUR 0.30/kWh" in text for text in shown)
    assert tariffs(w)
    money = tariffs(w).shown(1, Step(w.mono, w.utc))
    assert money and D(money["cost"]) > D("1.5")
    tx = w.station.evses[1].transaction
    assert tx
    w.present().after(12)
    assert w.ask(TellFinalCost(D("4.2"), tx.id, texts=(("", "Thank you"),), code="https://pay")).status == "Accepted"
    shown_codes = [s.code for _, s in w.displayed]
    shown = seen(w, 10)
    assert any(text.startswith("Total EUR 4.20") for text in shown)
    assert "Thank you" in shown
    assert not any(shown_codes)
    assert w.displayed[-1][1].code == "https://pay"


def test_a_display_is_written_once_a_second_at_most() -> None:
    w = charging(world())
    cost(w, "1", rate=Rate(D("1000")))
    w.displayed.clear()
    for _ in range(200):
        w.mono += 0.05
        w.register[1] += 100
        w.read(1)
    at = [mono for mono, _ in w.displayed]
    assert 5 <= len(at) <= 11
    assert all(b - a >= 1 for a, b in itertools.pairwise(at))


def test_nothing_is_written_while_nothing_changes() -> None:
    w = world(TariffCostCtrlr__TariffFallbackMessage="free")
    w.online().after(20)
    assert seen(w, 3600) == ["free"]


def test_what_is_told_now_stays_for_a_while() -> None:
    w = world(TariffCostCtrlr__TariffFallbackMessage="free")
    w.online().after(20)
    w.present("AAAA1111")
    assert screen(w) == ["Plug in"]
    w.after(2)
    assert screen(w) == ["Plug in"]
    w.after(2)
    assert screen(w) == ["free"]


def test_the_price_of_a_driver_is_shown_before_and_during_the_charge(version: str) -> None:
    w = world(version, TariffCostCtrlr__TariffFallbackMessage="for everybody")
    w.online().after(10)
    assert w.ask(SetUserPrice(Token("aaaa1111"), (("", "for you"), ("de", "fuer Sie")))).status == "Accepted"
    w.present("AAAA1111")
    assert "for you" in seen(w, 8)
    w.plug()
    assert "for you" in seen(w, 12)
    assert w.ask(SetUserPrice(Token("AAAA1111"), (("", "cheaper"),))).status == "Accepted"
    assert "cheaper" in seen(w, 12)
    w.present("AAAA1111").after(10).unplug().after(70)
    assert screen(w) == ["for everybody"]


def test_the_language_is_the_drivers_else_the_stations(version: str) -> None:
    w = world(
        version,
        **{"TariffCostCtrlr__TariffFallbackMessage[nl]": "gratis", "TariffCostCtrlr__TariffFallbackMessage": "free"},
    )
    w.infos["AAAA1111"] = TokenInfo("Accepted", language="nl")
    w.online().after(10)
    assert screen(w) == ["free"]
    shown = seen(charging(w), 12)
    assert "gratis" in shown
    assert cost(w, "1.5") == "Accepted"
    assert any(text.startswith("Kosten EUR 1.50") for text in seen(w, 12))
    w.set("DisplayMessageCtrlr.Language", "nl")
    w.present().after(10).unplug().after(70)
    assert screen(w) == ["gratis"]


def test_the_authorization_waits_for_the_price_where_the_owner_wants_it(version: str) -> None:
    w = world(version, TariffCostCtrlr__UserPriceTimeout="3000")
    w.online().plug().present("AAAA1111")
    w.present("AAAA1111")
    assert not w.station.evses[1].session.authorized, "it waits"
    assert len([m for m in w.received if type(m[1]).__name__ == "Authorize"]) == 1
    w.after(1)
    w.ask(SetUserPrice(Token("AAAA1111"), (("", "for you"),)))
    assert w.station.evses[1].session.authorized
    w.present("AAAA1111").after(10).unplug().after(5)
    w.plug().present("BBBB2222").after(2.5)
    assert not w.station.evses[1].session.authorized
    w.after(1)
    assert w.station.evses[1].session.authorized, "not for ever"


# -- offline, late, power cuts -----------------------------------------------------------------------------------------


def test_offline_the_cost_goes_on_and_says_so() -> None:
    w = charging(world())
    cost(w, "1", rate=Rate(D("1")))
    w.offline().after(3600)
    assert any("offline" in text and text.startswith("Cost EUR 12.") for text in seen(w, 30))


def test_a_cost_without_prices_says_of_when_it_is() -> None:
    w = charging(world("2.0.1", ClockCtrlr__TimeOffset="+01:00"))
    cost(w, "1.5")
    assert all("as of" not in text for text in seen(w, 20))
    shown = seen(w, 300)
    assert all(text.startswith("Cost EUR 1.50") for text in shown)
    assert any("as of 09:16" in text for text in shown), shown[-1]


def test_begun_offline_it_costs_what_the_owner_has_set() -> None:
    prices = {"TariffCostCtrlr__DefaultPrice[kWh]": "1", "TariffCostCtrlr__DefaultPrice[FlatFee]": "2"}
    w = world("1.6", AuthCtrlr__OfflineTxForUnknownIdEnabled="true", **prices)
    w.plug().present().after(3600)
    assert any(text.startswith("Cost EUR 13.") for text in seen(w, 30))
    w = charging(world("1.6", **prices))
    assert not any("Cost" in text for text in seen(w, 30)), "online, the CSMS says what it costs"


def test_prices_and_cost_survive_a_power_cut(version: str) -> None:
    w = world(version)
    w.online().after(1)
    w.ask(SetUserPrice(Token("AAAA1111"), (("", "for you"),)))
    w = charging(w)
    cost(w, "7", rate=Rate(D("1")), triggers=Triggers(power_w=5000.0, statuses=("Finishing",)))
    w.after(360)
    before = tariffs(w)
    w.cut()
    w.online().after(20)
    after = tariffs(w)
    assert before and after
    assert after.visits[1]._replace(above=None) == before.visits[1]._replace(above=None)
    shown = seen(w, 20)
    assert "for you" in shown
    assert any(text.startswith("Cost EUR 8.") for text in shown), "energy is counted by the register"


def test_a_leap_of_the_clock_is_no_time_that_anybody_owes() -> None:
    w = charging(world("2.0.1"))
    w.takes_w[1] = 0.0
    cost(w, "1", rate=Rate(per_hour=D(6)))
    for leap in (7200.0, 0.0):
        w.wrong_s = leap
        w.ask(c.TriggerMessage("Heartbeat"))
        w.after(300)
    run = tariffs(w).visits[1].running
    assert run
    assert run.rate
    assert moved(run, round(w.station.context.clock.utc(w.mono) * 1000), run.register).cost == pytest.approx(
        D(2), abs=D("0.02")
    )


def test_after_a_power_cut_time_is_the_csmss() -> None:
    w = charging(world())
    cost(w, "7", rate=RATE)
    w.cut()
    w.online().after(3600)
    assert any("Cost EUR 7.00" in text and "as of" in text for text in seen(w, 20))
    cost(w, "9", rate=RATE)
    assert any("Cost EUR 9.0" in text and "as of" not in text for text in seen(w, 20))


def test_a_final_cost_for_who_has_left_is_shown_to_nobody_else(version: str) -> None:
    w = charging(world(version))
    tx = w.station.evses[1].transaction
    assert tx
    w.present().after(10).unplug().after(5)
    w.plug().present("BBBB2222").after(10)
    assert w.ask(TellFinalCost(D("4.2"), tx.id)).status == "Rejected"
    assert not any("4.20" in text for text in seen(w, 20))


def test_a_final_cost_that_comes_soon_after_is_shown_for_a_minute(version: str) -> None:
    w = charging(world(version, TariffCostCtrlr__TariffFallbackMessage="free"))
    tx = w.station.evses[1].transaction
    assert tx
    w.present().after(10).unplug().after(5)
    assert w.ask(TellFinalCost(D("4.2"), tx.id)).status == "Accepted"
    w.after(10)
    assert screen(w)[0] == "Total EUR 4.20"
    w.after(60)
    assert screen(w) == ["free"]


def test_costs_of_no_transaction_are_refused(version: str) -> None:
    w = world(version).online()
    assert w.ask(UpdateCost(D(1), "none")).status == "Rejected"
    assert w.ask(UpdateCost(D(1), reference=5)).status == "Rejected"
    assert w.ask(TellFinalCost(D(1), "none")).status == "Rejected"
    w = charging(w)
    assert w.ask(UpdateCost(D(1), reference=99)).status == "Rejected"


def test_by_the_number_of_the_csms_also_after_the_end() -> None:
    w = charging(world())
    assert w.ask(UpdateCost(D(1), reference=1)).status == "Accepted"
    w.present().after(10)
    assert w.station.outbox.names.transaction_of(1) is None
    assert w.ask(UpdateCost(D(2), reference=1, idle=True)).status == "Accepted"
    assert w.ask(TellFinalCost(D(3), reference=1)).status == "Accepted"


@pytest.mark.parametrize("rate", [None, RATE])
@pytest.mark.parametrize("then", [None, RATE])
@pytest.mark.parametrize("after", [None, -100.0, 0.0, 100.0])
def test_the_station_is_not_woken_for_nothing(rate: Rate | None, then: Rate | None, after: float | None) -> None:
    w = charging(world())
    next_at = None if after is None else w.utc + after
    cost(w, "1", rate=rate, next_at=next_at, next_rate=then, triggers=Triggers(at=next_at))
    woken, step = 0, w.station.step

    def counted(event: Any, now: Any) -> Any:
        nonlocal woken
        woken += type(event) is Ticked
        return step(event, now)

    w.station.step = counted  # type: ignore[method-assign]
    w.after(600)
    assert woken < 400


def test_a_price_may_begin_later() -> None:
    w = charging(world())
    cost(w, "1", next_at=w.utc + 100, next_rate=Rate(per_hour=D(3600)))
    w.after(95)
    assert any(text.startswith("Cost EUR 1.00") for text in seen(w, 3))
    w.after(12)
    assert any(text.startswith("Cost EUR 1") and "1.00" not in text for text in seen(w, 3))


# -- the idle fee ------------------------------------------------------------------------------------------------------


def test_the_idle_fee_begins_after_the_grace_time_and_ends_with_the_car() -> None:
    w = charging(world(TariffCostCtrlr__IdleFeeAfterStop="true"))
    cost(w, "5", rate=Rate(idle_per_hour=D(60), grace_min=10))
    w.present().after(9 * 60)
    assert any(text.startswith("Cost EUR 5.00") for text in seen(w, 20))
    w.after(5 * 60)
    assert any(text.startswith("Cost EUR 9.") and "EUR 60/h" in text for text in seen(w, 20))
    at = w.utc
    w.unplug().after(5)
    (left,) = w.told(CableLeft)
    assert left.reference == 1
    assert abs(left.at - at) < 1
    w.cut()
    w.online().after(10)
    assert len(w.told(CableLeft)) == 1


def test_without_the_idle_fee_the_cost_stands_still_after_the_stop() -> None:
    w = charging(world())
    cost(w, "5", rate=Rate(idle_per_hour=D(60)))
    w.present().after(600)
    assert all(text.startswith("Cost EUR 5.0") for text in seen(w, 20))
    w.unplug().after(5)
    assert not w.told(CableLeft)


def test_that_a_car_has_left_is_told_though_the_link_was_away() -> None:
    w = charging(world(TariffCostCtrlr__IdleFeeAfterStop="true"))
    w.offline().present().after(20)
    at = w.utc
    w.unplug().after(3)
    w.cut()
    w.after(60)
    assert not w.told(CableLeft)
    w.online().after(10)
    (left,) = w.told(CableLeft)
    assert (left.reference, round(left.at - at)) == (1, 0)
    order = [type(message).__name__ for _, message in w.received]
    assert order.index("CableLeft") > max(n for n, name in enumerate(order) if name == "TransactionRecord")


# -- what the CSMS wants to see ----------------------------------------------------------------------------------------


def asked_for(w: World) -> int:
    """Samples that came because the CSMS had asked for them."""
    told = [v.context for record in w.delivered() for v in record.values]
    told += [v.context for m in w.told(MetersRead) for v in m.values]
    return told.count("Trigger")


def test_the_meter_at_a_time() -> None:
    w = charging(world())
    cost(w, "5", triggers=Triggers(at=w.utc + 100))
    w.after(99)
    assert asked_for(w) == 0
    w.after(3)
    assert asked_for(w) == 1
    w.after(600)
    assert asked_for(w) == 1


@pytest.mark.parametrize("register", [0, 10_000], ids=["of the transaction", "of the register"])
def test_the_meter_at_an_energy(register: int) -> None:
    w = charging(world())
    cost(w, "5", triggers=Triggers(energy_wh=register + 5000.0))
    w.after(25 * 60)
    assert asked_for(w) == 0
    w.after(5 * 60)
    assert asked_for(w) == 1


def test_the_meter_whenever_a_power_is_passed() -> None:
    w = charging(world())
    cost(w, "5", triggers=Triggers(power_w=8000.0))
    w.after(120)
    assert asked_for(w) == 0
    w.hunger(1, False).after(60)
    assert asked_for(w) == 1
    w.hunger(1, True).after(60)
    assert asked_for(w) == 2


def test_the_meter_at_a_status() -> None:
    w = charging(world())
    cost(w, "5", triggers=Triggers(statuses=("SuspendedEV", "Finishing")))
    w.hunger(1, False).after(60)
    assert asked_for(w) == 1
    w.present().after(30)
    assert asked_for(w) == 2


# -- 2.x ---------------------------------------------------------------------------------------------------------------


class Teller(World):
    """A CSMS that tells money in its answers."""

    cost: float | None = None
    message: str | None = None
    more: UpdateCost | None = None

    def _answer(self, call: Any, message: Any) -> Any:
        answer = super()._answer(call, message)
        if isinstance(answer, RecordAnswered):
            return answer._replace(total_cost=self.cost, message=self.message, cost=self.more)
        if isinstance(answer, AuthorizeAnswered):
            return AuthorizeAnswered(answer.info._replace(message="for you"))
        return answer


def test_answers_to_transaction_events_tell_money_too() -> None:
    w = Teller("2.0.1", {"SampledDataCtrlr.TxUpdatedInterval": "60"}, plan=SCREEN)
    charging(w)
    assert "for you" in seen(w, 12)
    w.cost, w.message = 1.1, "cheaper"
    w.after(90)
    shown = seen(w, 12)
    assert "cheaper" in shown
    assert any(text.startswith("Cost 1.10") for text in shown)
    w.cost = 2.2
    w.present().after(10)
    assert any(text.startswith("Total 2.20") for text in seen(w, 12))


def test_who_had_to_drive_away_is_not_there_to_see_the_total() -> None:
    w = Teller("2.0.1", {"TxCtrlr.TxStopPoint": "ParkingBayOccupancy"}, plan=SCREEN)
    charging(w)
    w.cost = 2.2
    w.present().after(10).unplug().after(2)
    assert w.records[-1].kind == "Ended"
    assert not any("Total" in text for text in seen(w, 12))


def test_offline_at_the_stop_a_text_stands_for_the_total() -> None:
    w = charging(world("2.0.1", TariffCostCtrlr__TotalCostFallbackMessage="See your bill"))
    w.offline().present().after(10)
    assert "See your bill" in seen(w, 12)


def test_with_the_prices_behind_it_the_cost_goes_on() -> None:
    w = Teller("2.0.1", {"SampledDataCtrlr.TxUpdatedInterval": "600"}, plan=SCREEN)
    charging(w)
    w.cost, w.more = 1.0, UpdateCost(D(1), rate=Rate(D(1)))
    w.after(610)
    w.cost = None
    w.after(500)
    assert any(text.startswith("Cost 2.") for text in seen(w, 12))


def test_a_customer_is_forgotten_with_the_price(version: str) -> None:
    w = world(version).online().after(5)
    w.ask(SetUserPrice(Token("AAAA1111"), (("", "for you"),)))
    assert "AAAA1111" in str(w.disk.state["tariff"])
    w.ask(GiveCustomerInformation(1, report=False, clear=True, token=Token("AAAA1111")))
    assert w.disk.state["tariff"] is None
    assert not tariffs(w).prices.of(Token("AAAA1111")).texts


# -- closed, or kept for somebody --------------------------------------------------------------------------------------


def test_out_of_service_and_reserved_are_said_all_the_time(version: str) -> None:
    w = world(version, DisplayMessageCtrlr__Language="nl")
    w.online().after(10)
    w.ask(c.ChangeAvailability(False, 1))
    w.after(10)
    assert screen(w) == ["Buiten gebruik"]
    assert w.displayed[-1][1].evse_id == 1
    w.ask(c.ChangeAvailability(True, 1))
    w.after(10)
    assert screen(w) == [""]
    w.ask(ReserveNow(1, w.utc + 3600, Token("AAAA1111"), evse_id=2))
    assert screen(w) == ["Gereserveerd"], "at once"
    w.after(10)
    assert screen(w) == ["Gereserveerd"]
    assert w.displayed[-1][1].evse_id == 2


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [("Plug in", "de-CH", "Bitte einstecken"), ("Plug in", "", "Plug in"), ("Plug in", "it", "Plug in"),
     ("NO CREDIT", "de", "NO CREDIT"), ("Charging", "es", "Cargando")],
)  # fmt: skip
def test_the_stations_own_words(text: str, language: str, said: str) -> None:
    assert notice(text, language) == said
    assert len(said) <= WIDTH


def test_what_the_csms_says_of_a_refused_card_is_wrapped(version: str) -> None:
    w = world(version)
    w.infos["AAAA1111"] = TokenInfo("NoCredit", message="Your credit is used up, please call 555 1234 for more of it")
    w.online().plug().present().after(1)
    assert screen(w) == ["Your credit is used", "up, please call 555", "1234 for more of it"]


# -- several EVSEs, several displays -----------------------------------------------------------------------------------


def test_one_display_goes_through_its_evses_and_each_has_its_own() -> None:
    w = World("1.6", {}, plan=PLAN._replace(displays=((1, 2), (2,))))
    w.online().plug(1).plug(2)
    w.present("AAAA1111", 1).present("BBBB2222", 2).after(10)
    w.displayed.clear()
    w.after(20)
    by_screen: dict[int | None, set[int]] = {}
    for _, shown in w.displayed:
        by_screen.setdefault(shown.screen, set()).add(shown.evse_id)
    assert by_screen == {0: {1, 2}, 1: {2}}


def test_a_start_does_not_wait_for_it() -> None:
    """In a process of its own: in this one, all is imported."""
    code = (
        "import sys; from tests.core.world import PLAN, World\n"
        "w = World('1.6', plan=PLAN._replace(displays=((1, 2),))).online().after(1)\n"
        "assert not {'chargepointd.core.tariff', 'decimal'} & set(sys.modules)\n"
        "w.after(2)\n"
        "assert w.station.pricing.tariffs and 'chargepointd.core.tariff' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_a_station_without_display_has_no_part_in_it(version: str) -> None:
    w = World(version)
    assert w.station.pricing is None
    assert w.variables.named("TariffCostCtrlr.Available[Cost]") is None
    assert not any(isinstance(shown, Display) and shown.screen is not None for _, shown in w.displayed)


def test_tariff_and_cost_can_be_switched_off() -> None:
    w = charging(world(TariffCostCtrlr__TariffFallbackMessage="0.30 per kWh"))
    w.set("TariffCostCtrlr.Enabled[Tariff]", "false").set("TariffCostCtrlr.Enabled[Cost]", "false")
    cost(w, "5")
    shown = seen(w, 30)
    assert shown and all("kWh" in text and "per" not in text and "Cost" not in text for text in shown)


@pytest.mark.parametrize("cost", ["1e27", "1e308", "-1e308", "1e-308"])
def test_any_number_can_be_shown(cost: str) -> None:
    assert Decimal(rounded(Decimal(cost), 6)) == (0 if cost == "1e-308" else Decimal(cost))


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_where_nothing_has_a_price_nothing_is_kept_but_the_session(version: str) -> None:
    """Which has who is to hear the total: it would be written four times more in each visit."""
    w = World(version, plan=SCREEN).online()
    w.plug().present("CARD1", 1).after(100)
    assert w.disk.sessions[1].past is None
    transaction = w.station.evses[1].transaction
    assert transaction
    w.present("CARD1", 1).after(10)
    past = w.disk.sessions[1].past
    assert past
    assert (past.id, past.started_at, past.lingers) == (transaction.id, transaction.started_at, True)
    assert past.reference == (1 if version == "1.6" else None)
    w.present("CARD2", 1).after(10)
    assert w.disk.sessions[1].past is None, "the next transaction has begun"
    w.unplug().after(10)
    assert w.disk.sessions[1] is None
    assert "tariff" not in w.disk.state


def test_the_number_that_comes_after_the_end_is_kept_for_the_total() -> None:
    w = World("1.6", plan=SCREEN).online().plug().present("CARD1", 1).after(10)
    w.unplug().offline().plug().present("CARD1", 1).after(10).present("CARD1", 1).after(10)
    assert w.disk.sessions[1].past.reference is None
    w.online().after(10)
    past = w.disk.sessions[1].past
    assert past.reference == 2
    w.cut()
    w.online().after(1)
    assert w.ask(TellFinalCost(D("4.2"), reference=2)).status == "Accepted"
    assert w.disk.state["tariff"]["visits"]["1"]["transaction_id"] == past.id


def test_what_an_older_program_has_kept_of_a_visit_without_a_price_goes_to_the_session(version: str) -> None:
    w = World(version, plan=SCREEN).online().plug().present("CARD1", 1).after(100).present("CARD1", 1).after(10)
    past = w.disk.sessions[1].past
    visit = kept(tariffs(w).visits[1])
    w.disk.sessions[1] = w.disk.sessions[1]._replace(past=None)
    w.disk.keep(SaveState("tariff", {"visits": {"1": visit}}))
    w.cut()
    assert w.disk.sessions[1].past == past
    assert w.disk.state["tariff"] is None


def test_the_total_of_a_visit_without_a_price_is_shown_after_a_power_cut_too(version: str) -> None:
    w = World(version, plan=SCREEN).online().plug().present("CARD1", 1).after(100)
    w.cut()
    w.online()
    transaction = w.station.evses[1].transaction
    assert transaction
    w.after(10).present("CARD1", 1).after(10)
    w.cut()
    w.online()
    assert w.ask(TellFinalCost(D("4.2"), transaction.id)).status == "Accepted"
    assert w.station.pricing
    assert w.station.pricing.tariffs
    assert w.station.pricing.tariffs.visits[1].final
