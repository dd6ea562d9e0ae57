"""The CSMS says whom this station is to know, and that list is right where others differ (C13, C14, D01, D02)."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.customer import CustomerData, GiveCustomerInformation
from chargepointd.core.local_list import CAPACITY, NOT_IN_USE, GetLocalListVersion, SendLocalList, ShowToken
from chargepointd.core.values import Token, TokenInfo
from tests.core.world import NOON, World

REFUSALS = ("Blocked", "Expired", "Invalid")
AT_ONCE = {"AuthCtrlr.LocalPreAuthorize": "true"}
ENABLED = "LocalAuthListCtrlr.Enabled"
GOOD = TokenInfo("Accepted")


def send(w: World, version: int, *, full: bool = True, **entries: TokenInfo | None) -> str:
    """The status of the answer."""
    listed = tuple((Token(value), info) for value, info in entries.items())
    return str(w.ask(SendLocalList(version, full, listed)).status)


def change(w: World, version: int, **entries: TokenInfo | None) -> str:
    return send(w, version, full=False, **entries)


def version_of(w: World) -> int:
    return int(w.ask(GetLocalListVersion()))


def asked(w: World) -> list[str]:
    return [message.token.value for message in w.told(m.Authorize)]


def known(w: World) -> dict[str, TokenInfo]:
    return dict(w.station.local_list.all())


def listing(version: str, variables: dict[str, str] | None = None, **entries: TokenInfo | None) -> World:
    w = World(version, variables).online()
    assert send(w, 1, **entries) == "Accepted"
    return w


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_a_full_list_takes_the_place_of_the_old_one(version: str) -> None:
    w = listing(version, CARD1=GOOD)
    assert send(w, 7, CARD2=GOOD) == "Accepted"
    assert known(w) == {"CARD2": GOOD}
    assert version_of(w) == 7


def test_a_change_adds_replaces_and_removes(version: str) -> None:
    w = listing(version, CARD1=GOOD, CARD2=GOOD)
    assert change(w, 2, CARD1=TokenInfo("Blocked"), CARD2=None, CARD3=GOOD) == "Accepted"
    assert known(w) == {"CARD1": TokenInfo("Blocked"), "CARD3": GOOD}
    assert change(w, 3) == "Accepted"
    assert version_of(w) == 3
    assert len(known(w)) == 2


@pytest.mark.parametrize("number", [0, -1])
def test_a_version_that_is_none_fails(version: str, number: int) -> None:
    w = listing(version, CARD1=GOOD)
    assert send(w, number) == "Failed"
    assert change(w, number) == "Failed"
    assert version_of(w) == 1


@pytest.mark.parametrize("number", [4, 5])
def test_a_change_of_an_old_version_does_not_fit(version: str, number: int) -> None:
    w = listing(version, CARD1=GOOD)
    assert change(w, 5, CARD2=GOOD) == "Accepted"
    assert change(w, number, CARD1=None) == "VersionMismatch"
    assert version_of(w) == 5
    assert set(known(w)) == {"CARD1", "CARD2"}


def test_a_full_list_may_have_any_version(version: str) -> None:
    w = listing(version, CARD1=GOOD)
    assert change(w, 5) == "Accepted"
    assert send(w, 2, CARD1=GOOD) == "Accepted"
    assert version_of(w) == 2


def test_tokens_are_the_same_without_regard_to_case(version: str) -> None:
    w = listing(version, CARD1=GOOD)
    assert send(w, 2, CARD1=GOOD, card1=GOOD) == "Failed"
    assert version_of(w) == 1


def test_a_full_list_says_something_of_each_token(version: str) -> None:
    w = listing(version, CARD1=GOOD)
    assert send(w, 2, CARD2=None) == "Failed"
    assert set(known(w)) == {"CARD1"}


def test_a_message_has_no_more_tokens_than_is_said(version: str) -> None:
    w = World(version, {"LocalAuthListCtrlr.ItemsPerMessage": "2"}).online()
    assert send(w, 1, CARD1=GOOD, CARD2=GOOD, CARD3=GOOD) == "Failed"
    assert known(w) == {}
    assert version_of(w) == 0
    assert send(w, 1, CARD1=GOOD, CARD2=GOOD) == "Accepted"


def test_there_are_no_more_tokens_than_there_is_room_for(version: str) -> None:
    w = World(version, {"LocalAuthListCtrlr.ItemsPerMessage": str(CAPACITY)}).online()
    assert send(w, 1, **{f"CARD{n}": GOOD for n in range(CAPACITY)}) == "Accepted"
    before = dict(w.disk.listed)
    assert change(w, 2, CARD0=TokenInfo("Blocked"), NEW=GOOD) == "Failed"
    assert known(w)["CARD0"] == GOOD, "all or nothing"
    assert w.disk.listed == before
    assert version_of(w) == 1
    assert change(w, 2, CARD0=None, NEW=GOOD) == "Accepted"
    assert change(w, 3, CARD1=TokenInfo("Blocked")) == "Accepted", "it is there already"
    assert w.variables.text("LocalAuthListCtrlr.Entries") == str(CAPACITY)


def test_a_disk_that_is_nearly_full_is_for_transactions(version: str) -> None:
    w = listing(version, CARD1=GOOD)
    w.tell(e.StorageLow(5_000_000))
    assert change(w, 2, CARD2=GOOD) == "Failed"
    assert set(known(w)) == {"CARD1"}
    assert version_of(w) == 1
    assert send(w, 2) == "Accepted", "nothing needs no room"
    w.tell(e.StorageLow(50_000_000, over=True))
    assert send(w, 3, CARD2=GOOD) == "Accepted"


def test_what_is_not_in_use_is_neither_changed_nor_asked(version: str) -> None:
    w = listing(version, AT_ONCE, CARD1=GOOD).set(ENABLED, "false")
    assert version_of(w) == NOT_IN_USE
    assert send(w, 2) == "NotSupported"
    w.plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]
    w.set(ENABLED, "true")
    assert version_of(w) == 1
    assert known(w) == {"CARD1": GOOD}


def test_before_anything_was_sent_the_version_is_zero(version: str) -> None:
    assert version_of(World(version).online()) == 0


@pytest.mark.parametrize(("version", "said"), [("1.6", 0), ("2.0.1", 1)])
def test_a_list_of_nobody_has_a_version_where_the_standard_gives_it_one(version: str, said: int) -> None:
    w = listing(version)
    assert version_of(w) == said
    assert change(w, said + 1, CARD1=GOOD) == "Accepted"
    assert version_of(w) == said + 1


# -- who may charge ----------------------------------------------------------------------------------------------------


def test_who_is_listed_starts_without_a_question(version: str) -> None:
    w = listing(version, AT_ONCE, CARD1=GOOD).plug().present("card1", 1)
    assert asked(w) == []
    assert w.on[1]


def test_who_is_listed_is_asked_for_where_the_list_may_not_decide(version: str) -> None:
    w = listing(version, CARD1=GOOD).plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]


@pytest.mark.parametrize("status", REFUSALS)
def test_who_is_listed_as_refused_is_asked_for(version: str, status: str) -> None:
    w = listing(version, AT_ONCE, CARD1=TokenInfo(status)).plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]
    assert w.on[1], "the CSMS says yes"
    assert known(w) == {"CARD1": TokenInfo(status)}, "only SendLocalList changes the list"


def test_who_is_listed_as_refused_need_not_be_asked_for(version: str) -> None:
    variables = AT_ONCE | {"LocalAuthListCtrlr.DisablePostAuthorize": "true"}
    w = listing(version, variables, CARD1=TokenInfo("Invalid")).plug().present("CARD1", 1)
    assert asked(w) == []
    assert not w.on[1]


@pytest.mark.parametrize(("status", "starts"), [("Accepted", True), *((status, False) for status in REFUSALS)])
@pytest.mark.parametrize("unknown_may", ["true", "false"])
def test_the_list_decides_while_offline(version: str, status: str, starts: bool, unknown_may: str) -> None:
    w = listing(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": unknown_may}, CARD1=TokenInfo(status))
    w.offline().plug().present("CARD1", 1)
    assert w.on[1] is starts


def test_the_list_is_right_and_the_cache_is_not(version: str) -> None:
    w = World(version, AT_ONCE | {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}).online()
    w.present("CARD1", 1).after(61)
    assert w.station.tokens.valid(Token("CARD1"), w.utc) == GOOD
    assert send(w, 1, CARD1=TokenInfo("Invalid"), CARD2=GOOD) == "Accepted"
    w.offline().plug().present("CARD1", 1)
    assert not w.on[1]


def test_an_entry_past_its_date_lets_nobody_in(version: str) -> None:
    w = listing(version, AT_ONCE, CARD1=TokenInfo("Accepted", NOON + 1010.0)).after(20)
    w.infos["CARD1"] = TokenInfo("Expired")
    w.plug().present("CARD1", 1)
    assert asked(w) == ["CARD1"]
    assert not w.on[1]
    w.offline().present("CARD1", 1)
    assert not w.on[1]


def test_an_entry_is_good_up_to_its_date(version: str) -> None:
    w = listing(version, AT_ONCE, CARD1=TokenInfo("Accepted", NOON + 2000.0)).plug().present("CARD1", 1)
    assert asked(w) == []
    assert w.on[1]


def test_the_group_of_an_entry_counts(version: str) -> None:
    w = listing(
        version, AT_ONCE, CARD1=TokenInfo("Accepted", group="FLEET"), CARD2=TokenInfo("Accepted", group="fleet")
    )
    w.plug().present("CARD1", 1).present("CARD2", 1).after(10)
    assert asked(w) == []
    assert w.records[-1].kind == "Ended"
    assert w.records[-1].token == Token("CARD2")


def test_an_entry_may_be_of_some_evses_only(version: str) -> None:
    w = listing(version, AT_ONCE, CARD1=TokenInfo("Accepted", evse_ids=(2,))).plug(1).plug(2).present("CARD1")
    assert w.on == {1: False, 2: True}


def test_a_code_is_not_the_card_of_the_same_number() -> None:
    w = World("2.0.1", AT_ONCE).online()
    assert w.ask(SendLocalList(1, True, ((Token("1234", "KeyCode"), GOOD),))).status == "Accepted"
    w.plug().present("1234", 1)
    assert asked(w) == ["1234"]


def test_a_remote_start_that_is_checked_finds_the_token_in_the_list(version: str) -> None:
    w = listing(version, AT_ONCE | {"AuthCtrlr.AuthorizeRemoteStart": "true"}, CARD1=GOOD).plug()
    assert w.ask(c.RequestStart(Token("CARD1"), 1, 5)).status == "Accepted"
    assert asked(w) == []
    assert w.on[1]


# -- the CSMS contradicts itself ---------------------------------------------------------------------------------------


def conflicts(w: World) -> list[Any]:
    told = w.told(m.StatusChanged)
    return [message for message in told if message.fault and message.fault.code == "LocalListConflict"]


def test_what_the_csms_says_otherwise_does_not_change_the_list(version: str) -> None:
    w = listing(version, AT_ONCE, CARD1=GOOD)
    w.infos["CARD1"] = TokenInfo("Blocked")
    w.plug().present("CARD1", 1).after(10)
    assert not w.on[1], "it is ended by the answer to the transaction"
    assert known(w) == {"CARD1": GOOD}


@pytest.mark.parametrize(("version", "times"), [("1.6", 1), ("2.0.1", 0)])
def test_in_1_6_the_csms_hears_of_the_conflict(version: str, times: int) -> None:
    w = listing(version, CARD1=TokenInfo("Invalid"))
    w.present("CARD1", 1)
    assert len(conflicts(w)) == times
    assert all((told.evse_id, told.connector_id, told.status) == (0, 0, "Available") for told in conflicts(w))


@pytest.mark.parametrize("status", ["Accepted", "ConcurrentTx"])
def test_that_somebody_charges_elsewhere_is_no_conflict(status: str) -> None:
    w = listing("1.6", CARD1=GOOD)
    w.infos["CARD1"] = TokenInfo(status)
    w.present("CARD1", 1)
    assert conflicts(w) == []


@pytest.mark.parametrize(("version", "cached"), [("1.6", None), ("2.0.1", GOOD)])
def test_who_is_listed_is_cached_where_the_standard_says_so(version: str, cached: TokenInfo | None) -> None:
    w = listing(version, CARD1=GOOD).present("CARD1", 1)
    assert w.station.tokens.valid(Token("CARD1"), w.utc) == cached


# -- what else is told of it -------------------------------------------------------------------------------------------


def test_a_customer_learns_of_his_entry_which_stays() -> None:
    w = listing("2.0.1", CARD1=TokenInfo("Accepted", group="FAMILY"), CARD2=GOOD)
    w.ask(GiveCustomerInformation(1, True, True, Token("CARD1")))
    (told,) = w.told(CustomerData)
    assert told.data == ("local authorization list: CARD1: Accepted, group FAMILY; only the CSMS itself changes it")
    assert set(known(w)) == {"CARD1", "CARD2"}


@pytest.mark.parametrize(
    ("info", "text"),
    [(GOOD, '["Accepted"]'), (TokenInfo("Blocked", evse_ids=(1,)), '["Blocked",null,null,null,null,[1]]')],
)
def test_an_entry_takes_little_room(info: TokenInfo, text: str) -> None:
    assert listing("2.0.1", CARD1=info).disk.listed == {"CARD1": text}


def test_a_technician_asks_whether_a_card_is_known(version: str) -> None:
    w = listing(version, CARD1=TokenInfo("Accepted", NOON + 1.0, "FLEET"))
    w.present("CARD2", 1)
    assert w.ask(ShowToken(Token("card1"))).data == {
        "known_by": "list", "status": "Expired", "expires_at": NOON + 1.0, "group": "FLEET"
    }  # fmt: skip
    assert w.ask(ShowToken(Token("CARD2"))).data == {"known_by": "cache", "status": "Accepted"}
    assert w.ask(ShowToken(Token("CARD3"))).data == {"known_by": "nobody"}
    sizes = {"entries": 1, "capacity": CAPACITY, "cached": 1}
    assert w.ask(ShowToken()).data == {"in_use": True, "version": 1, **sizes}


def test_an_entry_that_cannot_be_read_is_none(version: str) -> None:
    w = listing(version, AT_ONCE, CARD1=GOOD)
    w.disk.listed |= {"CARD1": '["Accepted"', "CARD2": "[]", "CARD3": json.dumps([*GOOD, "new"])}
    w.cut()
    w.online().plug().present("CARD1", 1).unplug().after(10)
    assert asked(w) == ["CARD1"]
    assert known(w) == {"CARD3": GOOD}


# -- whatever happens --------------------------------------------------------------------------------------------------

INFOS = st.builds(
    TokenInfo,
    st.sampled_from(["Accepted", "Blocked"]),
    st.none() | st.floats(0, 2e9),
    st.none() | st.sampled_from(["G", "é"]),
    message=st.none() | st.just("Hi"),
    evse_ids=st.sampled_from([(), (1,), (1, 2)]),
)
CARDS = st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), st.none() | INFOS, max_size=4)
SENT = st.tuples(st.just("send"), st.integers(-1, 6), st.booleans(), CARDS)
TURNED = st.tuples(st.sampled_from(["cut", "cut before", "cut after", "on", "off", "1.6", "2.0.1"]))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SENT | TURNED, max_size=14))
def test_it_is_always_what_was_sent_last(history: list[Any]) -> None:
    w = World("2.0.1").online()
    model: dict[str, TokenInfo] = {}
    version, on, cut = 0, True, ""
    for what, *how in history:
        if what == "send":
            number, full, entries = how
            current = 0 if w.version == "1.6" and not model else version
            fits = on and number > 0 and (full or number > current) and not (full and None in entries.values())
            if cut:
                w.cut_in(1, committed=cut == "cut after")
            w.ask(SendLocalList(number, full, tuple((Token(card), info) for card, info in entries.items())))
            if fits and cut != "cut before":
                model = {} if full else model
                for card, info in entries.items():
                    model.pop(card, None)
                    model |= {card: info} if info else {}
                version = number
            cut = ""
            w.online()
        elif what.startswith("cut "):
            cut = what
        elif what == "cut":
            w.cut()
            w.online()
        elif what in ("on", "off"):
            on = what == "on"
            w.set(ENABLED, str(on).lower())
        else:
            w.switch_to(what)
        assert known(w) == model
        shown = version if model or w.version != "1.6" else 0
        assert version_of(w) == (shown if on else NOT_IN_USE)
