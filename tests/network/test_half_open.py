"""N1: a link that stands still without being closed is noticed, the transaction goes on, the books are whole."""

import time

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import (
    Desk,
    begin,
    brisk,
    delivered,
    finish,
    register_wh,
    session,
    true_to,
    until,
    whole_visit,
)
from tests.network.relay import Passage, Relay

pytestmark = pytest.mark.process

NEW = pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
NO_PING = {"OCPPCommCtrlr.WebSocketPingInterval": 0, "OCPPCommCtrlr.MessageTimeout[Default]": 1}


def noticed(relay: Relay, csms: Csms, timeout: float = 30.0) -> Passage:
    """Wait until the station has left its first connection, and has another."""
    left = relay.wait_left(1, timeout)
    relay.wait_passages(2)
    return left


@pytest.mark.parametrize(
    ("way", "dialect"),
    [("both", "1.6"), ("to_csms", "2.0.1"), ("to_station", "2.0.1")],
    indirect=["dialect"],
)
def test_a_link_that_stands_still_is_given_up_and_the_visit_goes_on(
    station: Station, csms: Csms, relay: Relay, dialect: str, way: str
) -> None:
    before = register_wh(station)
    begin(station, csms)
    relay.stall(to_csms=way != "to_station", to_station=way != "to_csms")
    noticed(relay, csms)
    assert session(station)["charging_state"] == "Charging"
    assert station.ctl("outbox")["dead"] == 0
    whole_visit(station, csms, dialect, before)


@NEW
def test_a_csms_that_talks_but_hears_nothing_is_given_up_too(
    station: Station, csms: Csms, relay: Relay, dialect: str
) -> None:
    """One way: what the CSMS sends proves nothing of what is sent to it."""
    before = register_wh(station)
    begin(station, csms)
    relay.stall(to_station=False)
    number = 0
    while relay.passages[0].left_at is None:
        number += 1
        csms.send_raw(f'[2,"one-way-{number}","ClearCache",{{}}]')
        time.sleep(0.2)
        assert number < 200, "never noticed"
    relay.wait_passages(2)
    assert number > 5, "as long as something came, the first missing answer was no reason"
    whole_visit(station, csms, dialect, before)


def test_a_link_that_stands_still_while_an_answer_is_awaited(
    station: Station, csms: Csms, relay: Relay, dialect: str
) -> None:
    """The record under way is sent again under its id: it counts once."""
    before = register_wh(station)
    begin(station, csms)
    action = "MeterValues" if dialect == "1.6" else "TransactionEvent"
    csms.forget()
    with csms.holding(action):
        held = csms.wait(action)
        relay.stall()
        noticed(relay, csms)
    again = csms.wait(action, lambda message: message.id == held.id and message.connection != held.connection)
    assert again.payload == held.payload
    assert again.duplicate
    whole_visit(station, csms, dialect, before)


@NEW
def test_a_link_that_stands_still_while_the_queue_drains(
    station: Station, csms: Csms, relay: Relay, dialect: str
) -> None:
    """Twice, after some kilobytes each; the rest goes over the connection that lets it pass."""
    before = register_wh(station)
    csms.wait_status("Available")
    station.ctl("sim.transactions", count=1)  # the token is known from now on
    csms.offline()
    station.ctl("sim.transactions", count=20, timeout=60.0)
    assert station.ctl("outbox")["queued"] >= 60

    def narrow(passage: Passage) -> None:
        if passage.number in (first + 1, first + 2):
            passage.to_csms.most = 9_000

    relay.wait_left(1)
    first = len(relay.passages)
    relay.on_passage = narrow
    csms.online()
    delivered(station, timeout=60.0)
    assert len(relay.passages) >= first + 3
    assert len(csms.books.transactions) == 21
    assert not csms.books.open
    assert true_to(register_wh(station) - before, csms.books.energy_wh, dialect)


@NEW
def test_without_pings_an_answer_that_does_not_come_finds_it_out(csms: Csms, relay: Relay, dialect: str) -> None:
    """A ping all the same, as a question about a CALL; and no record is given up for it."""
    patient = {"OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 5}
    with Station(brisk(relay.url, dialect, **NO_PING, **patient)) as station:
        before = register_wh(station)
        begin(station, csms)
        relay.stall()
        noticed(relay, csms)
        whole_visit(station, csms, dialect, before)


@NEW
def test_a_csms_that_answers_nothing_but_pings_keeps_its_connection(csms: Csms, relay: Relay, dialect: str) -> None:
    """It is alive: what it does not answer is tried again, at the intervals of the standard, over the same link."""
    with Station(brisk(relay.url, dialect, **NO_PING)) as station:
        begin(station, csms)
        csms.silent("TransactionEvent", times=3)
        until(lambda: sum(m.duplicate for m in csms.calls("TransactionEvent")) >= 3, "third attempt")
        delivered(station, 30.0)
        assert len(relay.passages) == 1
        finish(station, csms)


@NEW
def test_pings_that_are_turned_on_while_connected(csms: Csms, relay: Relay, dialect: str) -> None:
    with Station(brisk(relay.url, dialect, **{"OCPPCommCtrlr.WebSocketPingInterval": 0})) as station:
        begin(station, csms)
        assert Desk(csms).set("WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval", "1") == "Accepted"
        delivered(station)
        relay.stall()
        noticed(relay, csms, timeout=20.0)  # a CALL without an answer would tell after 27 s
        finish(station, csms)
