"""One visit, told once: plug, tap, charge, two hours offline, stop, back online. Every dialect tells the same story."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.world import PLAN
from tests.csms.transcript import label, side_by_side
from tests.stories.station import Story

VERSIONS = ("1.6", "2.0.1")
TRANSACTION = ("StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent")
EVERY_QUARTER = {"SampledDataCtrlr.TxUpdatedInterval": "900"}


def a_visit_with_two_hours_offline(version: str) -> Story:
    story = Story(version, EVERY_QUARTER).online()
    story.plug().after(5).present("CARD1", 1).after(1800)
    story.offline().after(7200).present("CARD1", 1).after(60).unplug().after(30)
    story.online().after(5)
    return story


@pytest.fixture(scope="module")
def stories() -> dict[str, Story]:
    return {version: a_visit_with_two_hours_offline(version) for version in VERSIONS}


def essence(story: Story) -> list[str]:
    """The calls of the station, in words that are the same in every version, without repeats of samples."""
    words: list[str] = []
    for message in story.transcript.messages:
        told = message.sender == "link" or (message.sender == "station" and message.kind == "call")
        word = message.kind if message.sender == "link" else label(message)
        if told and word not in ("Heartbeat", "SecurityEventNotification") and words[-1:] != [word]:
            words.append(word)
    return words


def test_side_by_side(stories: dict[str, Story]) -> None:
    text = side_by_side(*(stories[version].transcript for version in VERSIONS), width=150)
    print("\n" + text)
    lines = text.splitlines()
    both = [line for line in lines if " | " in line and line.split(" | ")[0].strip()]
    assert any("StartTransaction" in line and '"eventType":"Started"' in line for line in both)
    assert any("StopTransaction" in line and '"eventType":"Ended"' in line for line in both)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_visit_is_told_in_order(stories: dict[str, Story], version: str) -> None:
    words = [word for word in essence(stories[version]) if word != "StatusNotification"]
    assert words == [
        "connected",
        "BootNotification",
        "Authorize",
        "TransactionStarted",
        "TransactionUpdated",
        "disconnected",
        "connected",
        "TransactionUpdated",
        "TransactionEnded",
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_statuses_tell_of_the_visit(stories: dict[str, Story], version: str) -> None:
    told = stories[version].said("StatusNotification")
    if version == "1.6":
        here = [each["status"] for each in told if each["connectorId"] == 1]
        assert here[:3] == ["Available", "Preparing", "Charging"]
    else:
        here = [each["connectorStatus"] for each in told if each["evseId"] == 1]
        assert here[:2] == ["Available", "Occupied"]
    assert here[-1] == "Available"


def test_what_is_billed_is_the_same(stories: dict[str, Story]) -> None:
    start, stop = (stories["1.6"].said(f"{word}Transaction")[0] for word in ("Start", "Stop"))
    events = stories["2.0.1"].said("TransactionEvent")
    first, last = events[0], events[-1]
    assert start["timestamp"][:19] == first["timestamp"][:19] == "2027-01-15T08:16:45"
    assert stop["timestamp"][:19] == last["timestamp"][:19] == "2027-01-15T10:46:45"
    assert start["meterStart"] == round(energy(first)) == 10_000
    assert stop["meterStop"] == round(energy(last))
    assert stop["meterStop"] - start["meterStart"] == pytest.approx(27_500, rel=0.01), "11 kW for two and a half hours"
    assert start["idTag"] == first["idToken"]["idToken"] == stop["idTag"] == last["idToken"]["idToken"] == "CARD1"
    assert stop.get("reason", "Local") == last["transactionInfo"].get("stoppedReason", "Local") == "Local"


def energy(event: dict[str, Any]) -> float:
    values = [sample for value in event["meterValue"] for sample in value["sampledValue"]]
    register = "Energy.Active.Import.Register"
    return float([sample["value"] for sample in values if sample.get("measurand", register) == register][-1])


def test_in_2_0_1_what_happened_offline_says_so_and_nothing_is_missing(stories: dict[str, Story]) -> None:
    events = stories["2.0.1"].said("TransactionEvent")
    assert [event["seqNo"] for event in events] == list(range(len(events)))
    offline = [event.get("offline", False) for event in events]
    assert offline == sorted(offline)
    assert sum(offline) == 9, "eight quarters of an hour and the end"


def test_in_1_6_the_number_of_the_csms_is_in_all_that_follows(stories: dict[str, Story]) -> None:
    later = stories["1.6"].said("MeterValues", "StopTransaction")
    assert {each["transactionId"] for each in later} == {1}


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_left(stories: dict[str, Story], version: str) -> None:
    story = stories[version]
    assert len(story.station.outbox) == 0
    silent = [r for r in story.records if version == "1.6" and r.kind == "Updated" and not r.values]
    assert story.delivered() == [record for record in story.records if record not in silent]


# -- smaller stories, every message valid ------------------------------------------------------------------------------


def remote_visit(story: Story) -> None:
    story.online().plug()
    if story.version == "1.6":
        start = {"connectorId": 1, "idTag": "DRIVER"}
        assert story.request("RemoteStartTransaction", start) == {"status": "Accepted"}
        story.after(100)
        assert story.request("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
    else:
        token = {"idToken": "DRIVER", "type": "Central"}
        start = {"evseId": 1, "idToken": token, "remoteStartId": 9}
        assert story.request("RequestStartTransaction", start)["status"] == "Accepted"
        story.after(100)
        stop = {"transactionId": story.records[0].transaction_id}
        assert story.request("RequestStopTransaction", stop)["status"] == "Accepted"
    story.after(10).unplug()


def card_first_and_no_car(story: Story) -> None:
    story.online().set("TxCtrlr.TxStartPoint", "Authorized").present("CARD1", 1).after(100)


def broken_then_mended(story: Story) -> None:
    story.online().plug().present("CARD1", 1).after(60).break_(1).after(60).mend(1).after(60).unplug().after(10)


def cut_in_the_middle(story: Story) -> None:
    story.online().plug().present("CARD1", 1).after(100)
    story.cut()
    story.online().after(100).present("CARD1", 1).after(20).unplug()


def reset_in_the_middle(story: Story) -> None:
    story.online().plug().present("CARD1", 1).after(100)
    reset = {"type": "Hard" if story.version == "1.6" else "Immediate"}
    assert story.request("Reset", reset)["status"] == "Accepted"
    story.online().after(10).unplug()


def out_of_service(story: Story) -> None:
    story.online()
    off = {"connectorId": 0, "type": "Inoperative"} if story.version == "1.6" else {"operationalStatus": "Inoperative"}
    assert story.request("ChangeAvailability", off)["status"] == "Accepted"
    story.plug().present("CARD1", 1).unplug()


def unplugged_at_the_car_and_plugged_in_again(story: Story) -> None:
    story.online().set("TxCtrlr.StopTxOnEVSideDisconnect", "false").set("TxCtrlr.TxStopPoint", "Authorized")
    story.plug().present("CARD1", 1).after(100).unplug_at_car().after(20).plug().after(100)
    story.present("CARD1", 1).after(10).unplug()


def signed_by_the_meter(story: Story) -> None:
    story.online().set("SampledDataCtrlr.SignReadings", "true").set("AlignedDataCtrlr.SignReadings", "true")
    story.plug().present("CARD1", 1).after(200).present("CARD1", 1).after(20).unplug()
    said = story.said("MeterValues", "StopTransaction", "TransactionEvent")
    assert any("signedMeterValue" in str(each) or "SignedData" in str(each) for each in said)


def from_the_bay_to_the_bay(story: Story) -> None:
    story.online().set("TxCtrlr.TxStartPoint", "ParkingBayOccupancy").set("TxCtrlr.TxStopPoint", "ParkingBayOccupancy")
    story.drive_in().after(10).plug().present("CARD1", 1).after(100).present("CARD1", 1).unplug().after(10).drive_out()


SMALLER: list[Callable[[Story], None]] = [
    remote_visit,
    card_first_and_no_car,
    broken_then_mended,
    cut_in_the_middle,
    reset_in_the_middle,
    out_of_service,
    unplugged_at_the_car_and_plugged_in_again,
    signed_by_the_meter,
    from_the_bay_to_the_bay,
]
EQUIPPED = PLAN._replace(evses=tuple(evse._replace(bay_sensor=True, signs=True) for evse in PLAN.evses))


@pytest.mark.parametrize("tell", SMALLER, ids=lambda tell: tell.__name__)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_message_of_it_is_valid_and_nothing_is_left(version: str, tell: Callable[[Story], None]) -> None:
    names = {"AlignedDataCtrlr.Interval": "60", "SampledDataCtrlr.TxEndedInterval": "60"}
    story = Story(version, names, plan=EQUIPPED)
    tell(story)
    story.after(30)
    assert story.said("BootNotification"), "it has been told"
    assert len(story.station.outbox) == 0
    kinds = [record.kind for record in story.records]
    assert kinds.count("Started") == kinds.count("Ended")
