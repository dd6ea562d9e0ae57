"""A master pass stops what others began, and starts nothing (C16)."""

from chargepointd.core import commands as c
from chargepointd.core.values import Token, TokenInfo
from tests.core.world import PLAN, World

MASTERS = {"AuthCtrlr.MasterPassGroupId": "Masters"}
MENU = PLAN._replace(menu=True)


def busy(version: str, *, menu: bool = False, **variables: str) -> World:
    """Two drivers charge."""
    given = {f"TxCtrlr.{name}": value for name, value in variables.items()}
    w = World(version, MASTERS | given, plan=MENU if menu else PLAN).online()
    w.infos["BOSS"] = TokenInfo("Accepted", group="MASTERS")
    return w.plug(1).present("CARD1", 1).plug(2).present("CARD2", 2).after(60)


def ends(w: World) -> dict[int, str | None]:
    return {r.evse_id: r.stopped_reason for r in w.records if r.kind == "Ended"}


def test_without_a_menu_it_stops_everybody(version: str) -> None:
    w = busy(version).present("BOSS").after(10)
    assert ends(w) == {1: "MasterPass", 2: "MasterPass"}
    assert w.on == {1: False, 2: False}
    assert w.records[-1].token == Token("BOSS")


def test_with_a_menu_its_bearer_chooses(version: str) -> None:
    w = busy(version, menu=True).present("BOSS").after(10)
    assert w.on == {1: True, 2: True}, "first the choice"
    w.press("2#").after(10)
    assert ends(w) == {2: "MasterPass"}
    assert w.on == {1: True, 2: False}


def test_zero_is_everybody(version: str) -> None:
    assert ends(busy(version, menu=True).present("BOSS").press("0#").after(10)) == {1: "MasterPass", 2: "MasterPass"}


def test_a_number_that_is_none_is_asked_for_again(version: str) -> None:
    w = busy(version, menu=True).present("BOSS").press("7#").after(5)
    assert ends(w) == {}
    assert ends(w.press("1#").after(10)) == {1: "MasterPass"}


def test_the_choice_can_be_cancelled_and_has_an_end(version: str) -> None:
    w = busy(version, menu=True).present("BOSS").press("1*").press("1#").after(10)
    assert ends(w) == {}
    w.present("BOSS").after(31).press("1#").after(10)
    assert ends(w) == {}


def test_it_starts_nothing(version: str) -> None:
    w = World(version, MASTERS).online()
    w.infos["BOSS"] = TokenInfo("Accepted", group="Masters")
    w.plug().present("BOSS", 1).after(10).present("BOSS").after(10)
    assert not w.on[1]
    assert w.records == []


def test_from_afar_it_starts_and_stops_nothing(version: str) -> None:
    w = busy(version)
    w.configure("AuthCtrlr.AuthorizeRemoteStart", "true")
    w.unplug(2).plug(2)
    w.ask(c.RequestStart(Token("BOSS"), 2))
    w.after(10)
    assert w.on == {1: True, 2: False}


def test_it_is_known_offline_too(version: str) -> None:
    w = busy(version)
    w.present("BOSS").after(10).unplug(1).plug(1).present("CARD1", 1).after(10).offline()
    assert w.on[1]
    w.present("BOSS").after(10)
    assert not w.on[1]
    assert w.records[-1].stopped_reason == "MasterPass"


def test_what_ends_with_the_cable_tells_the_master_pass_then() -> None:
    w = busy("2.0.1", TxStopPoint="EVConnected").present("BOSS").after(10)
    assert ends(w) == {}
    assert w.on == {1: False, 2: False}
    assert ends(w.unplug(1).after(10)) == {1: "MasterPass"}


def test_a_stranger_that_turns_out_to_be_a_master_pass_is_stopped(version: str) -> None:
    w = World(version, MASTERS | {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}).plug().present("BOSS", 1).after(10)
    assert w.on[1]
    w.infos["BOSS"] = TokenInfo("Accepted", group="Masters")
    assert not w.online().after(10).on[1]


def test_where_no_group_is_named_there_is_no_master_pass(version: str) -> None:
    w = World(version).online()
    w.infos["CARD1"] = TokenInfo("Accepted", group="")
    assert w.plug().present("CARD1", 1).on[1]
