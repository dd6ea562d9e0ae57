"""The CSMS asks what is known of a customer, and has it forgotten (N09, N10)."""

from typing import Any

import pytest

from chargepointd.core import customer, records
from chargepointd.core.commands import Status
from chargepointd.core.customer import WAITING_MAX, CustomerData, GiveCustomerInformation
from chargepointd.core.effects import ForgetToken
from chargepointd.core.values import Token, TokenInfo
from tests.core.world import World

CARD = Token("AAAA1111")


def told(w: World) -> str:
    parts = w.told(CustomerData)
    last = [part for part in parts if part.request_id == parts[-1].request_id]
    assert [part.seq_no for part in last] == list(range(len(last)))
    assert [part.to_be_continued for part in last] == [True] * (len(last) - 1) + [False]
    assert all(len(part.data) <= 512 for part in last)
    return "".join(part.data for part in last)


def ask(w: World, request_id: int = 1, *, report: bool = True, clear: bool = False, **who: Any) -> str:
    who = who or {"token": CARD}
    assert w.ask(GiveCustomerInformation(request_id, report, clear, **who)) == Status("Accepted")
    return told(w)


@pytest.fixture
def w() -> World:
    made = World("2.0.1").online()
    made.infos["AAAA1111"] = TokenInfo("Accepted", group="FAMILY", message="Hello")
    made.plug().present("AAAA1111", 1).after(60)
    return made


def test_all_that_is_known_is_told(w: World) -> None:
    data = ask(w)
    assert "authorization cache: ISO14443 AAAA1111: Accepted, group FAMILY" in data
    transaction = w.station.evses[1].transaction
    assert transaction
    assert f"visit: ISO14443 AAAA1111 at EVSE 1, transaction {transaction.id} since" in data


def test_records_that_wait_are_told_of() -> None:
    w = World("2.0.1").online()
    w.mute_records = True
    w.plug().present("AAAA1111", 1).after(10)
    w.ask(GiveCustomerInformation(1, True, False, CARD))
    w.after(60)  # the answer to the record that is under way does not come
    assert "waits for the CSMS: Started no. 0 of transaction" in told(w)


def test_records_that_only_the_disk_has_are_told_of_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WINDOW", 4)
    monkeypatch.setattr(records, "LOW", 2)
    monkeypatch.setattr(customer, "PAGE", 3)
    names = {"OCPPCommCtrlr.MessageTimeout[Default]": "600", "SampledDataCtrlr.TxUpdatedInterval": "10"}
    w = World("2.0.1", names).online()
    w.plug().present("AAAA1111", 1)
    w.mute_records = True
    w.after(200)
    waiting = len(w.station.outbox)
    assert w.station.outbox.records.behind > 10
    w.ask(GiveCustomerInformation(1, True, False, CARD))
    w.mute_records = False
    w.offline().online().after(60)
    assert told(w).count("waits for the CSMS: ") == waiting


def test_of_a_stranger_nothing_is_known(w: World) -> None:
    assert ask(w, token=Token("STRANGER")) == ""
    assert ask(w, 2, certificate=True) == ""
    assert ask(w, 3, identifier="") == ""


def test_what_is_cleared_stays_so_over_a_power_cut(w: World) -> None:
    w.present("AAAA1111", 1).after(60).unplug()
    assert "AAAA1111" in ask(w, clear=True)
    assert ask(w, 2) == ""
    w.cut()
    w.online()
    assert ask(w, 3) == ""
    assert w.station.tokens.valid(CARD, w.utc) is None


def test_clearing_alone_is_confirmed(w: World) -> None:
    assert ask(w, report=False, clear=True) == "cleared"


def test_a_customer_identifier_is_the_group_of_the_cards(w: World) -> None:
    w.present("AAAA1111", 1).after(60).unplug()
    assert "AAAA1111" in ask(w, identifier="family", clear=True)
    assert ask(w, 2, identifier="FAMILY") == ""


def test_a_visit_that_goes_on_is_not_forgotten(w: World) -> None:
    ask(w, clear=True)
    assert ask(w, 2).startswith("visit:")


def test_much_is_told_in_parts(w: World) -> None:
    w.infos["AAAA1111"] = TokenInfo("Accepted", message="x" * 1200)
    w.present("AAAA1111", 1).after(60).unplug().plug().present("AAAA1111", 1).after(10)
    assert len(w.told(CustomerData)) == 0
    assert "x" * 1200 in ask(w)
    assert len(w.told(CustomerData)) >= 3


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (GiveCustomerInformation(1, True, False), "Invalid"),
        (GiveCustomerInformation(1, True, False, CARD, "x"), "Invalid"),
        (GiveCustomerInformation(1, True, True, CARD, None, True), "Invalid"),
        (GiveCustomerInformation(1, False, False, CARD), "Rejected"),
    ],
)
def test_what_makes_no_sense_is_refused(w: World, command: GiveCustomerInformation, status: str) -> None:
    assert w.ask(command).status == status
    assert w.told(CustomerData) == []


def test_a_csms_that_takes_no_answer_is_told_no_more(w: World) -> None:
    w.mute = True
    requests = [GiveCustomerInformation(n, True, False, CARD) for n in range(WAITING_MAX + 1)]
    assert [w.ask(request).status for request in requests] == ["Accepted"] * WAITING_MAX + ["Rejected"]
    w.mute = False
    w.after(3700)
    assert w.ask(requests[-1]).status == "Accepted"
    assert [part.request_id for part in w.told(CustomerData)][-WAITING_MAX - 1 :] == list(range(WAITING_MAX + 1))


def test_records_that_were_set_aside_lose_the_token(w: World) -> None:
    kept: list[Any] = []
    w.disk.keep = kept.append  # type: ignore[method-assign]
    ask(w, clear=True)
    assert ForgetToken("AAAA1111") in [save for save in kept if isinstance(save, ForgetToken)]
