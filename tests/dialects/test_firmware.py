"""Firmware updates in words: what the CSMS asks, what it is told (L01; whitepaper L01)."""

import pytest

from chargepointd.core import update
from chargepointd.core.commands import Status
from chargepointd.core.firmware import UpdateFirmware
from chargepointd.core.messages import FirmwareStatus
from chargepointd.dialects.dialect import Refusal
from tests.dialects.neutral import AT, AT_TEXT, answered, asked, loaded, told
from tests.dialects.test_v201 import enumeration

FIRMWARE = {"location": "https://fw.example/a.bin", "retrieveDateTime": AT_TEXT}
SIGNED = FIRMWARE | {"installDateTime": AT_TEXT, "signingCertificate": "PEM", "signature": "c2ln"}


def test_a_request() -> None:
    dialect = loaded("2.0.1")
    assert asked(dialect, "UpdateFirmware", {"requestId": 7, "firmware": FIRMWARE}) == UpdateFirmware(
        7, "https://fw.example/a.bin", AT
    )
    payload = {"requestId": 7, "retries": 3, "retryInterval": 10, "firmware": SIGNED}
    assert asked(dialect, "UpdateFirmware", payload) == UpdateFirmware(
        7, "https://fw.example/a.bin", AT, AT, 3, 10, "PEM", "c2ln"
    )
    assert asked(dialect, "UpdateFirmware", payload | {"retries": -1}).retries == 0


@pytest.mark.parametrize("field", ["retrieveDateTime", "installDateTime"])
def test_a_time_that_is_none(field: str) -> None:
    payload = {"requestId": 7, "firmware": SIGNED | {field: "2026-13-01T00:00:00Z"}}
    refusal = loaded("2.0.1").command("UpdateFirmware", payload)
    assert isinstance(refusal, Refusal)


@pytest.mark.parametrize("status", ["Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate"])
def test_the_answers(status: str) -> None:
    assert status in enumeration("UpdateFirmwareResponse", "UpdateFirmwareStatusEnumType")
    payload = {"requestId": 7, "firmware": FIRMWARE}
    assert answered(loaded("2.0.1"), "UpdateFirmware", payload, Status(status, "why"))["status"] == status


def test_every_state_is_told_in_a_word_of_the_schema() -> None:
    dialect = loaded("2.0.1")
    states = set(update.TABLE) | {state for row in update.TABLE.values() for state in row.values()}
    words = {update.Update(UpdateFirmware(1, "", 0), state).told_as for state in states} - {""}
    assert words | {"Idle"} == enumeration("FirmwareStatusNotificationRequest", "FirmwareStatusEnumType")
    for word in words:
        assert told(dialect, FirmwareStatus(7, word)) == (
            "FirmwareStatusNotification",
            {"status": word, "requestId": 7},
        )
        assert told(loaded("1.6"), FirmwareStatus(7, word)) == (
            "SignedFirmwareStatusNotification",
            {"status": word, "requestId": 7},
        )
    assert told(dialect, FirmwareStatus(None, "Idle")) == ("FirmwareStatusNotification", {"status": "Idle"})


@pytest.mark.parametrize(
    ("status", "said", "asked_for"),
    [
        ("Installing", "Installing", "Installing"),
        ("InstallVerificationFailed", "InstallationFailed", "InstallationFailed"),
        ("DownloadScheduled", None, "Idle"),
        ("DownloadPaused", None, "Downloading"),
        ("InstallScheduled", None, "Downloaded"),
        ("InstallRebooting", None, "Installing"),
    ],
)
def test_an_unsigned_update_of_1_6_has_fewer_words(status: str, said: str | None, asked_for: str) -> None:
    dialect = loaded("1.6")
    expected = said and ("FirmwareStatusNotification", {"status": said})
    assert told(dialect, FirmwareStatus(None, status)) == expected
    triggered = told(dialect, FirmwareStatus(None, status, asked=True))
    assert triggered == ("FirmwareStatusNotification", {"status": asked_for})
    signed = told(dialect, FirmwareStatus(None, status, asked=True, numbered=True))
    assert signed == ("SignedFirmwareStatusNotification", {"status": status})


def test_the_requests_of_1_6() -> None:
    dialect = loaded("1.6")
    plain = {"location": "https://fw.example/a.bin", "retrieveDate": AT_TEXT}
    assert asked(dialect, "UpdateFirmware", plain) == UpdateFirmware(None, "https://fw.example/a.bin", AT)
    assert asked(dialect, "UpdateFirmware", plain | {"retries": 2, "retryInterval": -1}) == UpdateFirmware(
        None, "https://fw.example/a.bin", AT, None, 2, 0
    )
    assert answered(dialect, "UpdateFirmware", plain, Status("Rejected", "why")) == {}
    assert isinstance(dialect.command("UpdateFirmware", plain | {"retrieveDate": "2026-13-01T00:00:00Z"}), Refusal)
    payload = {"requestId": 7, "retries": 3, "retryInterval": 10, "firmware": SIGNED}
    assert asked(dialect, "SignedUpdateFirmware", payload) == UpdateFirmware(
        7, "https://fw.example/a.bin", AT, AT, 3, 10, "PEM", "c2ln"
    )
    for status in ("Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate"):
        assert answered(dialect, "SignedUpdateFirmware", payload, Status(status, "why")) == {"status": status}
