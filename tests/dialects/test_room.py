"""What may be announced of the size of a message, at most, is read: a frame holds it."""

import json
from typing import Any

from chargepointd.core.variables.catalogue import standard
from chargepointd.dialects import rpc
from tests.dialects.neutral import PLAN

MOST = {str(variable.ref): variable.max_limit for variable in standard(PLAN)}


def frame(version: str, action: str, payload: dict[str, Any]) -> str:
    """As wordy as most senders are: with a blank after each comma and colon."""
    text = json.dumps([2, "x" * rpc.MAX_ID, action, payload])
    assert isinstance(rpc.parse(text, version), rpc.Call)
    return text


def most(name: str) -> int:
    largest = MOST[name]
    assert largest
    return int(largest)


def test_as_many_entries_of_a_local_list_as_may_be_announced() -> None:
    token = "T" * 20
    info = {"status": "Accepted", "expiryDate": "2026-11-27T00:00:00.000Z", "parentIdTag": token}
    entries = [{"idTag": token, "idTagInfo": info}] * most("LocalAuthListCtrlr.ItemsPerMessage")
    frame("1.6", "SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries})


def test_as_many_keys_as_may_be_announced() -> None:
    keys = ["K" * 50] * most("DeviceDataCtrlr.ItemsPerMessage[GetVariables]")
    frame("1.6", "GetConfiguration", {"key": keys})


def test_as_many_bytes_as_may_be_announced() -> None:
    sizes = [most(name) for name in MOST if ".BytesPerMessage" in name]
    assert len(sizes) == 4
    frame("2.0.1", "DataTransfer", {"vendorId": "v", "data": "x" * max(sizes)})
