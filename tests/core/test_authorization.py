"""A card is shown: who may charge, who may stop, and what is remembered."""

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.variables.catalogue import parse_name
from tests.core.world import PLAN, World

REFUSALS = ("Blocked", "Expired", "Invalid", "Unknown", "ConcurrentTx")
CACHED = {"AuthCtrlr.LocalPreAuthorize": "true"}


def asked(w: World) -> list[str]:
    return [message.token.value for message in w.told(m.Authorize)]


def cached(w: World, card: str, status: str = "Accepted", **info: object) -> World:
    """As an earlier visit leaves it: the CSMS was asked, its answer is remembered, the station is idle again."""
    w.infos[card] = TokenInfo(status, **info)  # type: ignore[arg-type]
    w.present(card, 1).after(61)
    w.received.clear()
    return w


def test_a_card_is_asked_for_and_charges(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]
    assert w.records[0].token == Token("CARD1")
    assert w.on[1]


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_card_starts_nothing(version: str, status: str) -> None:
    w = World(version).online().plug()
    w.infos["CARD1"] = TokenInfo(status)
    w.present("CARD1", 1)
    assert w.records == []
    assert not w.on[1]


def test_the_same_card_stops_without_a_question(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1).present("card1", 1).after(10)
    assert asked(w) == ["CARD1"], "tokens are compared without regard to case"
    assert w.records[-1].kind == "Ended"
    assert w.records[-1].stopped_reason == "Local"
    assert w.records[-1].token is not None


def test_another_card_does_not_stop_though_it_is_good(version: str) -> None:
    w = World(version).online().plug().present("CARD1", 1).present("CARD2", 1).after(10)
    assert asked(w) == ["CARD1", "CARD2"]
    assert w.station.evses[1].running
    assert all(record.token != Token("CARD2") for record in w.records)


def test_another_card_of_the_same_group_stops_and_is_named(version: str) -> None:
    w = World(version).online().plug()
    w.infos |= {card: TokenInfo("Accepted", group="FLEET") for card in ("CARD1", "CARD2")}
    w.present("CARD1", 1).present("CARD2", 1).after(10)
    assert w.records[-1].kind == "Ended"
    assert w.records[-1].token == Token("CARD2")


def test_a_blocked_card_of_the_group_stops_nothing(version: str) -> None:
    w = World(version).online().plug()
    w.infos |= {"CARD1": TokenInfo("Accepted", group="FLEET"), "CARD2": TokenInfo("Blocked", group="FLEET")}
    w.present("CARD1", 1).present("CARD2", 1).after(10)
    assert w.station.evses[1].running


def test_a_group_that_the_csms_names_only_at_the_start_counts_too(version: str) -> None:
    w = World(version).online().plug()
    w.infos["CARD1"] = TokenInfo("Accepted", group="FLEET")
    w.ask(c.RequestStart(Token("CARD1"), 1, 7))
    w.infos["CARD2"] = TokenInfo("Accepted", group="FLEET")
    w.present("CARD2", 1).after(10)
    assert w.records[-1].kind == "Ended"


def test_a_remembered_card_is_believed_at_once_where_that_is_allowed(version: str) -> None:
    w = cached(World(version, CACHED).online(), "CARD1").plug().present("CARD1", 1)
    assert asked(w) == []
    assert w.on[1]


def test_a_remembered_card_is_asked_for_where_it_is_not(version: str) -> None:
    w = cached(World(version).online(), "CARD1").plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]


def test_a_card_remembered_as_bad_is_asked_for_again(version: str) -> None:
    w = cached(World(version, CACHED).online(), "CARD1", "Blocked").plug()
    w.infos["CARD1"] = TokenInfo("Accepted")
    w.present("CARD1", 1)
    assert asked(w) == ["CARD1"]
    assert w.on[1]


def test_a_cleared_cache_remembers_nothing(version: str) -> None:
    w = cached(World(version, CACHED).online(), "CARD1")
    assert w.ask(c.ClearCache()).status == "Accepted"
    w.cut()
    w.online().plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]


def test_a_cache_that_is_not_in_use_cannot_be_cleared(version: str) -> None:
    w = World(version, {"AuthCacheCtrlr.Enabled": "false"}).online()
    assert w.ask(c.ClearCache()).status == "Rejected"


def test_the_cache_outlives_a_power_cut(version: str) -> None:
    w = cached(World(version, CACHED).online(), "CARD1")
    w.cut()
    w.online().plug().present("CARD1", 1)
    assert asked(w) == []


def test_a_card_is_forgotten_after_its_life_time(version: str) -> None:
    w = cached(World(version, CACHED | {"AuthCacheCtrlr.LifeTime": "600"}).online(), "CARD1").after(600)
    w.received.clear()
    w.plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]


def test_offline_a_remembered_card_charges(version: str) -> None:
    w = cached(World(version).online(), "CARD1").offline().plug().present("CARD1", 1)
    assert w.on[1]
    assert all(record.offline for record in w.records)


def test_offline_a_remembered_card_does_not_charge_where_that_is_forbidden(version: str) -> None:
    w = cached(World(version, {"AuthCtrlr.LocalAuthorizeOffline": "false"}).online(), "CARD1").offline().plug()
    assert not w.present("CARD1", 1).on[1]


def test_offline_an_unknown_card_does_not_charge(version: str) -> None:
    assert not World(version).plug().present("CARD1", 1).on[1]


def test_offline_an_unknown_card_charges_where_that_is_allowed(version: str) -> None:
    w = World(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}).plug().present("CARD1", 1)
    assert w.on[1]
    assert not w.disk.tokens, "unknown ids are not remembered (C15.FR.01)"


@pytest.mark.parametrize("unknown", ["true", "false"])
def test_offline_a_blocked_or_outdated_card_is_not_an_unknown_one(version: str, unknown: str) -> None:
    w = World(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": unknown}).online()
    cached(w, "CARD1", "Blocked")
    cached(w, "CARD2", expires_at=w.utc + 100)
    w.offline().plug().after(120)
    assert not w.present("CARD1", 1).on[1]
    assert not w.present("CARD2", 1).on[1]


def test_a_csms_that_does_not_answer_is_as_good_as_none(version: str) -> None:
    w = cached(World(version).online(), "CARD1").plug()
    w.mute = True
    w.present("CARD1", 1).after(100)
    assert w.on[1]


def test_a_card_that_is_shown_again_while_the_csms_thinks_is_asked_for_once(version: str) -> None:
    w = World(version).online().plug()
    w.mute = True
    w.present("CARD1", 1).present("CARD1", 1)
    message_id = w.received[-1][0]
    assert len(asked(w)) == 1
    w.mute = False
    w.tell(e.CallAnswered(message_id, m.AuthorizeAnswered(TokenInfo("Accepted"))))
    assert w.on[1]


def test_the_car_leaves_while_the_csms_thinks(version: str) -> None:
    w = World(version).online().plug()
    w.mute = True
    w.present("CARD1", 1)
    message_id = next(i for i, message in reversed(w.received) if isinstance(message, m.Authorize))
    w.unplug()
    w.mute = False
    w.tell(e.CallAnswered(message_id, m.AuthorizeAnswered(TokenInfo("Accepted"))))
    assert w.station.evses[1].session.authorized, "the card is good; it waits for a car"
    w.after(61)
    assert not w.station.evses[1].session.authorized
    assert not w.on[1]


def test_card_first_then_car(version: str) -> None:
    w = World(version).online().present("CARD1", 1).after(20).plug()
    assert w.on[1]
    assert w.records[0].starter == Token("CARD1")


def test_card_first_and_no_car(version: str) -> None:
    w = World(version).online().present("CARD1", 1).after(61).plug()
    assert not w.on[1]
    if version == "1.6":
        assert w.records == []
        assert w.statuses[(1, 1)] == "Preparing"


def test_card_first_and_no_car_ends_what_the_card_began() -> None:
    w = World("2.0.1", {"TxCtrlr.TxStartPoint": "Authorized"}).online().present("CARD1", 1).after(70)
    assert w.story() == ["Started Authorized Idle", "Ended EVConnectTimeout Idle (Timeout)"]
    w.present("CARD1", 1).plug()
    assert w.on[1], "a second visit works"


def test_one_reader_for_two_evses_takes_the_car_that_comes(version: str) -> None:
    w = World(version).online().present("CARD1").after(20)
    assert w.records == []
    w.plug(2)
    assert w.on == {1: False, 2: True}


def test_one_reader_for_two_evses_takes_the_car_that_came_last(version: str) -> None:
    w = World(version).online().plug(2).after(60).plug(1).present("CARD1")
    assert w.on == {1: True, 2: False}


def test_one_reader_for_two_evses_waits_no_longer_than_the_timeout(version: str) -> None:
    assert not World(version).online().present("CARD1").after(61).plug(2).on[2]


def test_a_second_card_at_a_shared_reader_takes_the_other_evse(version: str) -> None:
    w = World(version).online().plug(1).plug(2).present("CARD1").present("CARD2")
    assert w.on == {1: True, 2: True}
    assert {r.evse_id: r.starter for r in w.records} == {1: Token("CARD2"), 2: Token("CARD1")}


def test_a_card_is_taken_where_the_transaction_began_with_the_cable() -> None:
    w = World("2.0.1", {"TxCtrlr.TxStartPoint": "EVConnected"}).online().plug().present("CARD1", 1)
    assert w.on[1]
    assert w.story()[:2] == ["Started CablePluggedIn EVConnected", "Updated Authorized EVConnected"]
    assert [r.token for r in w.records[:3]] == [None, Token("CARD1"), None]


def test_nobody_takes_over_the_transaction_of_another() -> None:
    points = {"TxCtrlr.TxStartPoint": "EVConnected", "TxCtrlr.TxStopPoint": "EVConnected"}
    w = World("2.0.1", points).online().plug().present("CARD1", 1).present("CARD1", 1).after(10)
    assert w.station.evses[1].running
    assert not w.present("CARD2", 1).on[1]
    assert w.present("CARD1", 1).on[1], "its owner may go on"
    assert len({record.transaction_id for record in w.records}) == 1


def test_a_second_visit_at_the_same_cable_is_a_second_transaction(version: str) -> None:
    w = World(version, {"TxCtrlr.TxStartPoint": "EVConnected", "TxCtrlr.TxStopPoint": "Authorized"})
    w.online().plug().present("CARD1", 1).after(60).present("CARD1", 1).after(10).present("CARD2", 1)
    assert w.on[1]
    assert [r.starter for r in w.records if r.kind == "Started"][-1] == Token("CARD2")
    assert len({record.transaction_id for record in w.records}) == 2


# -- the CSMS thinks again (C15, E05) ----------------------------------------------------------------------------------

OFFLINE = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}


def refused_later(version: str, **variables: str) -> World:
    """Begun offline with an unknown card, which the CSMS then refuses."""
    w = World(version, OFFLINE | {f"TxCtrlr.{name}": value for name, value in variables.items()})
    w.plug().present("CARD1", 1).after(100)
    w.infos["CARD1"] = TokenInfo("Invalid")
    return w.online().after(20)


def test_a_token_refused_later_ends_the_transaction(version: str) -> None:
    w = refused_later(version, StopTxOnInvalidId="true")
    assert (w.records[-1].kind, w.records[-1].trigger) == ("Ended", "Deauthorized")
    assert w.records[-1].stopped_reason == "DeAuthorized"
    assert not w.on[1]


def test_a_token_refused_later_only_stops_the_energy_where_the_stop_point_is_elsewhere() -> None:
    w = refused_later("2.0.1", StopTxOnInvalidId="true", TxStopPoint="EVConnected")
    assert w.story()[-1] == "Updated Deauthorized SuspendedEVSE"
    assert not w.on[1]
    assert w.station.evses[1].locked[1], "locked until the owner comes (C15.FR.05)"
    w.present("CARD1", 1)
    assert not w.station.evses[1].locked[1]
    assert w.unplug().records[-1].kind == "Ended"


def test_a_token_refused_later_suspends_where_it_shall_not_stop(version: str) -> None:
    w = refused_later(version, StopTxOnInvalidId="false")
    assert w.story()[-1] == "Updated ChargingStateChanged SuspendedEVSE"
    assert not w.on[1]
    assert w.station.evses[1].running
    if version == "1.6":
        assert w.statuses[(1, 1)] == "SuspendedEVSE"
    assert w.present("CARD1", 1).after(10).records[-1].kind == "Ended"


def test_a_refused_token_is_asked_for_the_next_time(version: str) -> None:
    w = cached(World(version, CACHED).online(), "CARD1").plug()
    w.infos["CARD1"] = TokenInfo("Blocked")
    w.present("CARD1", 1).after(10)
    assert w.records[-1].kind == "Ended"
    w.unplug().plug()
    w.received.clear()
    w.present("CARD1", 1)
    assert asked(w) == ["CARD1"]


def test_a_refused_token_goes_on_for_what_it_is_allowed(version: str) -> None:
    w = refused_later(version, MaxEnergyOnInvalidId="1000", StopTxOnInvalidId="true")
    assert w.on[1]
    refused_at = w.station.evses[1].session.refused_wh
    assert refused_at is not None
    assert refused_at == pytest.approx(w.register[1] - 20 / 3600 * 11_000, abs=1)
    while w.on[1]:
        w.after(5)
    assert refused_at + 1000 <= w.register[1] < refused_at + 1020, "by the meter, not by readings 30 s apart"
    assert (w.records[-1].kind, w.records[-1].trigger) == ("Ended", "Deauthorized")
    assert sum(record.trigger == "Deauthorized" for record in w.records) == 1


def test_what_a_refused_token_is_allowed_ends_in_suspension_where_it_shall_not_stop(version: str) -> None:
    w = refused_later(version, MaxEnergyOnInvalidId="1000", StopTxOnInvalidId="false")
    assert w.on[1]
    w.after(600)
    assert not w.on[1]
    assert w.station.evses[1].running
    assert w.story()[-1] == "Updated ChargingStateChanged SuspendedEVSE"


def test_a_power_cut_gives_a_refused_token_no_more_energy(version: str) -> None:
    w = refused_later(version, MaxEnergyOnInvalidId="1000", StopTxOnInvalidId="false")
    begun = w.register[1]
    w.after(100)
    w.cut()
    w.after(100)
    w.cut()
    w.online().after(600)
    assert not w.on[1]
    assert w.register[1] < begun + 1020


def test_a_refused_driver_may_still_stop(version: str) -> None:
    w = refused_later(version, MaxEnergyOnInvalidId="1000", StopTxOnInvalidId="false")
    w.present("CARD1", 1).after(10)
    assert (w.records[-1].kind, w.records[-1].trigger) == ("Ended", "StopAuthorized")


def test_without_a_meter_a_refused_token_gets_nothing() -> None:
    plan = PLAN._replace(evses=(PLAN.evses[0]._replace(meter=False), PLAN.evses[1]))
    w = World("2.0.1", OFFLINE | {"TxCtrlr.MaxEnergyOnInvalidId": "1000"}, plan=plan).plug().present("CARD1", 1)
    w.infos["CARD1"] = TokenInfo("Invalid")
    assert not w.online().after(10).on[1]


def test_refused_before_the_car_is_there_the_allowance_begins_with_the_car() -> None:
    points = {"TxCtrlr.TxStartPoint": "Authorized", "TxCtrlr.MaxEnergyOnInvalidId": "1000"}
    w = cached(World("2.0.1", CACHED | points).online(), "CARD1")
    w.infos["CARD1"] = TokenInfo("Invalid")
    w.present("CARD1").after(10).plug(1).after(100)
    assert w.on[1]
    assert not w.after(600).on[1]
    assert w.register[1] - 10_000 < 1030 + 11_000 / 3600


# -- what the owner of the station has decided -------------------------------------------------------------------------


def test_a_refused_card_is_not_asked_for_again_where_that_is_not_wanted(version: str) -> None:
    w = cached(World(version, {"AuthCacheCtrlr.DisablePostAuthorize": "true"}).online(), "CARD1", "Blocked")
    w.received.clear()
    assert not w.plug().present("CARD1", 1).on[1]
    assert asked(w) == []


def test_only_remembered_cards_charge_where_the_csms_may_not_be_asked(version: str) -> None:
    w = cached(World(version).online(), "CARD1")
    w.variables.set(parse_name("AuthCtrlr.DisableRemoteAuthorization"), "Actual", "true")
    w.received.clear()
    assert not w.plug().present("CARD2", 1).on[1]
    assert w.present("CARD1", 1).on[1]
    assert asked(w) == []


CARDS = ("OFTEN", "EARLY", "LATE")


def full(version: str, policy: str) -> World:
    """A full cache: EARLY was first, OFTEN comes all the time but not of late, LATE came once, last."""
    small = {"AuthCacheCtrlr.MaxEntries": "3", "AuthCacheCtrlr.Policy": policy}
    w = World(version, small)
    for hours, card in enumerate(("EARLY", "OFTEN", "OFTEN", "OFTEN", "EARLY", "EARLY", "LATE")):
        w.after(hours and 3600)
        w.online().plug().present(card, 1).present(card, 1).after(10).unplug()
    return w


@pytest.mark.parametrize(
    ("policy", "forgotten"), [("FIFO", "EARLY"), ("LFU", "LATE"), ("LRU", "OFTEN"), ("CUSTOM", "LATE")]
)
def test_a_full_cache_forgets_what_its_policy_says(version: str, policy: str, forgotten: str) -> None:
    w = full(version, policy)
    assert set(w.disk.tokens) == set(CARDS)
    w.plug().present("NEW", 1)
    assert set(w.disk.tokens) == {*CARDS, "NEW"} - {forgotten}


@pytest.mark.parametrize("policy", ["FIFO", "LFU", "LRU", "CUSTOM"])
def test_a_full_cache_forgets_first_who_may_not_charge(version: str, policy: str) -> None:
    w = cached(full(version, policy), "OFTEN", "Blocked")
    w.plug().present("NEW", 1)
    assert "OFTEN" not in w.disk.tokens


def test_the_policy_outlives_a_power_cut(version: str) -> None:
    w = full(version, "LFU")
    w.cut()
    w.online().plug().present("NEW", 1)
    assert set(w.disk.tokens) == {"EARLY", "OFTEN", "NEW"}


def stored(w: World) -> int:
    return int(w.station.variables.get(parse_name("AuthCacheCtrlr.Storage"), "Actual").value or "")


def test_the_cache_tells_how_much_of_its_storage_is_in_use(version: str) -> None:
    w = World(version).online()
    empty = stored(w)
    cached(w, "CARD1")
    assert stored(w) > empty == 0


def test_a_card_charges_only_where_the_csms_lets_it(version: str) -> None:
    w = World(version).online()
    w.infos["CARD1"] = TokenInfo("Accepted", evse_ids=(2,))
    w.plug(1).present("CARD1").after(10)
    assert not w.on[1]
    assert w.plug(2).on == {1: False, 2: True}
    w.present("CARD1").after(10)
    assert not w.present("CARD1", 1).after(10).on[1], "nor where the reader serves no other"


def test_a_cache_that_is_not_in_use_keeps_what_it_knew(version: str) -> None:
    w = cached(World(version, CACHED).online(), "CARD1")
    w.configure("AuthCacheCtrlr.Enabled", "false")
    w.received.clear()
    w.plug().present("CARD1", 1).present("CARD1", 1).after(10)
    assert asked(w) == ["CARD1"]
    w.configure("AuthCacheCtrlr.Enabled", "true")
    w.received.clear()
    assert w.present("CARD1", 1).on[1]
    assert asked(w) == []


def test_a_power_cut_while_refused_tells_the_end_once(version: str) -> None:
    w = refused_later(version, MaxEnergyOnInvalidId="500", StopTxOnInvalidId="true")
    w.cut()
    w.online().after(600)
    assert [r.trigger for r in w.records].count("Deauthorized") == 1
    assert w.delivered() == w.records


def test_a_group_without_a_name_makes_nobody_the_owner(version: str) -> None:
    w = World(version).online().plug()
    w.infos |= {card: TokenInfo("Accepted", group="") for card in ("CARD1", "CARD2")}
    w.present("CARD1", 1).after(10).present("CARD2", 1).after(10)
    assert w.on[1]


def test_groups_are_compared_without_regard_to_case(version: str) -> None:
    w = World(version).online().plug()
    w.infos |= {"CARD1": TokenInfo("Accepted", group="Fleet"), "CARD2": TokenInfo("Accepted", group="FLEET")}
    w.present("CARD1", 1).after(10).present("CARD2", 1).after(10)
    assert not w.on[1]
