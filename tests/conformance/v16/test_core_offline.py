"""Core: the connection is lost in a transaction, or all of it is offline."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.conformance.v16.tester import TOKEN, Tester
from tests.csms import Csms, Message
from tests.daemon.visit import until

OFFLINE = {"LocalAuthorizeOffline": "true", "AllowOfflineTxForUnknownId": "true"}
ONE_SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)


Between = tuple[datetime, datetime]


def begun_offline(tester: Tester) -> Between:
    """The link is cut; plugged in, the card shown, energy flows. When it began, at the earliest and at the latest."""
    tester.link_cut()
    before = datetime.now(UTC)
    tester.plug_in()
    tester.present()
    until(lambda: tester.power_w() > 0, "energy")
    return before, datetime.now(UTC)


def told_late(start: Message, began: Between) -> None:
    """With the time when it happened, to the millisecond."""
    assert began[0] - MILLISECOND <= datetime.fromisoformat(start["timestamp"]) <= began[1]


def stopped_offline(tester: Tester) -> None:
    tester.present()
    until(lambda: not tester.station.ctl("status")["evses"][0]["session"].get("transaction_id"), "end")


@pytest.mark.under_test(keys={"MeterValueSampleInterval": "1"})
def test_tc_036_cs(tester: Tester, csms: Csms) -> None:
    """Connection Loss During Transaction"""
    transaction = tester.charging()
    csms.wait("MeterValues", transactionId=transaction)
    tester.link_cut()
    tester.queued(3)
    tester.link_back()
    tester.delivered()
    before = len(csms.transcript)
    csms.wait("MeterValues", lambda m: m.number >= before and m["transactionId"] == transaction)
    told = [value for m in csms.calls("MeterValues", {"transactionId": transaction}) for value in m["meterValue"]]
    moments = [datetime.fromisoformat(value["timestamp"]) for value in told]
    assert len(moments) >= 5
    gaps = [b - a for a, b in pairwise(moments)]
    assert all(gap >= ONE_SECOND and not gap % ONE_SECOND for gap in gaps), gaps
    assert ONE_SECOND in gaps, gaps


@pytest.mark.under_test(keys=OFFLINE)
def test_tc_037_1_cs(tester: Tester, csms: Csms) -> None:
    """Offline Start Transaction - Valid IdTag"""
    began = begun_offline(tester)
    tester.link_back()
    told_late(csms.wait("StartTransaction", connectorId=1, idTag=TOKEN), began)
    tester.status(1, "Charging")
    assert not csms.calls("Authorize")


def refused_late(tester: Tester) -> None:
    """S> StartTransaction, T> Invalid; S> Charging."""
    tester.csms.tokens[TOKEN] = "Invalid"
    began = begun_offline(tester)
    tester.link_back()
    told_late(tester.csms.wait("StartTransaction", connectorId=1, idTag=TOKEN), began)
    tester.status(1, "Charging")


@pytest.mark.under_test(keys=OFFLINE | {"StopTransactionOnInvalidId": "false", "MaxEnergyOnInvalidId": "0"})
def test_tc_037_2_cs(tester: Tester, csms: Csms) -> None:
    """Offline Start Transaction - Invalid IdTag - StopTransactionOnInvalidId = false"""
    refused_late(tester)
    tester.status(1, "SuspendedEVSE")
    tester.fence()
    tester.delivered()
    assert not csms.calls("StopTransaction")
    assert tester.power_w() == 0


@pytest.mark.under_test(keys=OFFLINE | {"StopTransactionOnInvalidId": "true"})
def test_tc_037_3_cs(tester: Tester, csms: Csms) -> None:
    """Offline Start Transaction - Invalid IdTag - StopTransactionOnInvalidId = true"""
    refused_late(tester)
    stop = csms.wait("StopTransaction", reason="DeAuthorized")
    assert csms.books.of(stop) is csms.books.only()
    tester.status(1, "Finishing")


def test_tc_038_cs(tester: Tester, csms: Csms) -> None:
    """Offline Stop Transaction"""
    transaction = tester.charging()
    tester.link_cut()
    stopped_offline(tester)
    tester.link_back()
    tester.stopped(transaction, idTag=TOKEN)
    assert csms.books.only().reason == "Local"


@pytest.mark.under_test(keys=OFFLINE)
def test_tc_039_cs(tester: Tester, csms: Csms) -> None:
    """Offline Transaction"""
    began = begun_offline(tester)
    stopped_offline(tester)
    tester.link_back()
    start = csms.wait("StartTransaction", connectorId=1, idTag=TOKEN)
    told_late(start, began)
    stop = csms.wait("StopTransaction", transactionId=int(csms.books.of(start).id))
    assert stop.number > start.number
    assert csms.books.only().reason == "Local"
