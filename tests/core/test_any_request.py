"""Whatever a CSMS asks that the schema allows is answered once, and breaks nothing."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepointd.core import effects as f
from chargepointd.core.events import CallReceived
from chargepointd.core.jobs import JobFailed
from chargepointd.daemon.conversation import Conversation
from chargepointd.dialects import rpc
from chargepointd.dialects.dialect import VERSIONS, load
from chargepointd.dialects.v2 import requests as v2
from chargepointd.dialects.v16 import requests as v16
from chargepointd.dialects.v16.requests import plug_and_charge, pricing
from tests.core.payloads import TIMES, values
from tests.core.world import PLAN, World
from tests.dialects.mutants import read, resolve, schema_files

SCHEMAS = {
    (version, path.stem.removesuffix("Request")): read(path)
    for version in ("1.6", "2.0.1")
    for path in schema_files(version)
    if not path.stem.endswith("Response")
}
SCREENED = PLAN._replace(displays=((1, 2),), token_kinds=(*PLAN.token_kinds, "eMAID"))
OFFERED = [
    *(("1.6", action) for action in v16.OFFERED),
    *(("2.0.1", action) for action in v2.OFFERED),
]


TRIGGERS = [
    (version, action, word)
    for version, action in (("1.6", "TriggerMessage"), ("1.6", "ExtendedTriggerMessage"), ("2.0.1", "TriggerMessage"))
    for schema in [SCHEMAS[version, action]]
    for word in resolve(schema["properties"]["requestedMessage"], schema)["enum"]
]
NOT_OFFERED = {"PublishFirmwareStatusNotification", "SignCombinedCertificate", "SignV2GCertificate"}
"""of a local controller, and of ISO 15118"""


class Talk:
    """A world whose CSMS speaks in texts. There is something that a request can be about: a transaction at EVSE 1, and
    whatever `about` the CSMS has asked before."""

    def __init__(self, version: str, about: tuple[tuple[str, dict[str, Any]], ...] = ()) -> None:
        self.world = World(version, plan=SCREENED).online().plug().present().after(5)
        self.said: list[str] = []
        self.conversation = Conversation(
            lambda subprotocol: load(subprotocol, SCREENED, self.world.variables), self.said.append, self.world.tell
        )
        self.conversation.opened(VERSIONS[version])
        transaction = self.world.station.evses[1].transaction
        assert transaction
        self.transaction = 1 if version == "1.6" else transaction.id
        for number, (action, payload) in enumerate(about):
            self.ask(f"about-{number}", action, payload)
        answers = [rpc.parse(text, version) for text in self.said]
        assert all(isinstance(a, rpc.Result) and a.payload["status"] == "Accepted" for a in answers), answers
        self.said.clear()

    def ask(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        self.conversation.heard(rpc.call(message_id, action, payload))
        self.answer()

    def answer(self) -> None:
        replies, self.world.replies = self.world.replies, {}
        for message_id, reply in replies.items():
            if isinstance(reply, f.Refuse):
                self.conversation.refuse(reply)
            else:
                self.conversation.respond(f.Respond(message_id, reply))

    def aim(self, part: Any, name: str = "") -> Any:
        """The same request, about what there is."""
        if isinstance(part, list):
            aimed = [self.aim(each) for each in part]
            if name == "chargingSchedulePeriod":
                return [each | {"startPeriod": 60 * n} for n, each in enumerate(aimed)]
            return aimed[:1] if name == "chargingSchedule" else aimed
        if isinstance(part, dict):
            return {key: self.aim(each, key) for key, each in part.items()}
        return {"transactionId": self.transaction, "chargingRateUnit": "A"}.get(name, part)

    def work(self) -> None:
        """Jobs come to nothing, and time passes."""
        self.world.after(1)
        for _ in range(20):
            if not self.world.under_way:
                break
            self.world.finish(JobFailed("test"))
        self.world.after(100)
        self.answer()


@pytest.mark.parametrize(("version", "action", "word"), TRIGGERS)
def test_whatever_can_be_triggered_is_answered_first_and_then_sent(version: str, action: str, word: str) -> None:
    world = World(version).online().plug().present("CARD1", 1).after(5)
    command = load(VERSIONS[version], PLAN, world.variables).command(action, {"requestedMessage": word})
    effects = world.station.step(CallReceived("m1", command), world.now)
    (reply,) = [effect.reply for effect in effects if isinstance(effect, f.Respond)]
    if word in NOT_OFFERED:
        assert reply.status == "NotImplemented"
    elif word == "BootNotification" and version == "2.0.1":
        assert reply.status == "Rejected"
    else:
        assert reply.status == "Accepted"
        kinds = [type(effect) for effect in effects]
        begun = [kind for kind in kinds if kind in (f.SendCall, f.StartJob, f.ReadMeter)]
        assert begun, "a message, or what it needs"
        assert kinds.index(f.Respond) < kinds.index(begun[0])


def profile(version: str, number: int, purpose: str, evse_id: int, level: int, *limits: float) -> tuple[str, Any]:
    """The CSMS sets it."""
    periods = [{"startPeriod": 7 * n, "limit": limit} for n, limit in enumerate(limits)]
    schedule: dict[str, Any] = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    begin = {"startSchedule": "2020-01-01T00:00:00Z", "duration": 80_000}
    made: dict[str, Any] = {"stackLevel": level, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative"}
    if purpose != "TxProfile":
        made |= {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
        schedule |= begin
    if version == "1.6":
        made |= {"chargingProfileId": number, "chargingSchedule": schedule}
        return "SetChargingProfile", {"connectorId": evse_id, "csChargingProfiles": made}
    made |= {"id": number, "chargingSchedule": [schedule | {"id": number}]}
    return "SetChargingProfile", {"evseId": evse_id, "chargingProfile": made}


def reservation(version: str) -> tuple[str, Any]:
    if version == "1.6":
        fields = {"connectorId": 2, "expiryDate": "2030-01-01T00:00:00Z", "idTag": "AAAA1111", "reservationId": 1}
    else:
        token = {"idToken": "AAAA1111", "type": "ISO14443"}
        fields = {"id": 1, "expiryDateTime": "2030-01-01T00:00:00Z", "idToken": token, "evseId": 2}
    return "ReserveNow", fields


def tokens(version: str) -> tuple[str, Any]:
    names = ("AAAA1111", "x", "1", "a" * 20)
    if version == "1.6":
        entries: Any = [{"idTag": name, "idTagInfo": {"status": "Accepted"}} for name in names]
        return "SendLocalList", {"listVersion": 3, "updateType": "Full", "localAuthorizationList": entries}
    entries = [
        {"idToken": {"idToken": name, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}} for name in names
    ]
    return "SendLocalList", {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": entries}


def about(version: str) -> tuple[tuple[str, Any], ...]:
    station = "ChargePointMaxProfile" if version == "1.6" else "ChargingStationMaxProfile"
    return (
        profile(version, 1, station, 0, 0, 20.0, 0.0, 9.5),
        profile(version, 2, "TxDefaultProfile", 0, 1, 16.0, 6.0),
        reservation(version),
        tokens(version),
    )


def composites(talk: Talk, version: str) -> int:
    """What is to be charged by is still to be had; how many were asked for."""
    for number in range(3):
        name = "connectorId" if version == "1.6" else "evseId"
        talk.ask(f"c{number}", "GetCompositeSchedule", {name: number, "duration": 100_000})
    return 3


@pytest.mark.parametrize(("version", "action"), OFFERED)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_the_schema_allows_is_answered_once(version: str, action: str, data: st.DataObject) -> None:
    schema = SCHEMAS[version, action]
    payloads = data.draw(st.lists(values(schema, schema), min_size=1, max_size=3))
    talk = Talk(version, about(version) if data.draw(st.booleans(), label="about") else ())
    if data.draw(st.booleans(), label="aimed"):
        payloads = [talk.aim(payload) for payload in payloads]
    check_answers(talk, version, action, payloads)


def check_answers(talk: Talk, version: str, action: str, payloads: list[Any]) -> None:
    for number, payload in enumerate(payloads):
        talk.ask(f"m{number}", action, payload)
    running = not talk.world.restarts
    asked = composites(talk, version) if running else 0
    talk.work()
    answers = [rpc.parse(text, version) for text in talk.said]
    assert not [a for a in answers if isinstance(a, rpc.Error) and a.code == "InternalError"]
    if not talk.world.restarts:
        expected = [*(f"c{number}" for number in range(asked)), *(f"m{number}" for number in range(len(payloads)))]
        assert sorted(a.message_id for a in answers) == expected
    talk.world.cut()
    talk.world.online().unplug().after(100)


# -- what stands in the data of a DataTransfer -------------------------------------------------------------------------

FIELDS = (
    "priceText", "priceTextExtra", "idToken", "transactionId", "cost", "state", "nextPeriod", "timestamp", "meterValue",
    "chargingPrice", "idlePrice", "kWhPrice", "hourPrice", "graceMinutes", "flatFee", "atTime", "atEnergykWh",
    "atPowerkW", "atCPStatus", "triggerMeterValue", "qrCodeText", "format", "language", "content", "certificate",
    "certificateChain", "certificateType", "certificateHashData", "hashAlgorithm", "issuerNameHash", "issuerKeyHash",
    "serialNumber", "requestedMessage", "idTokenInfo", "status", "groupIdToken", "cacheExpiryDateTime",
    "certificateStatus", "exiResponse", "ocspResult",
)  # fmt: skip
EDGES = (
    *(None, True, "", "x", "Charging", "SHA256", "V2GRootCertificate", "SignV2GCertificate", "Accepted", "AAAA1111"),
    *(0, -1, 1, 2**63, 10**400, 1e308, -1e308, 1e-308, *TIMES),
)
ANYTHING = st.recursive(
    st.sampled_from(EDGES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)),
    max_leaves=20,
)
MESSAGES = {
    "org.openchargealliance.costmsg": pricing.TRANSFERS,
    "org.openchargealliance.iso15118pnc": plug_and_charge.TRANSFERS,
}
TRANSFERS = [(vendor, message_id) for vendor, messages in MESSAGES.items() for message_id in messages]
GOOD = {"transactionId": 1, "cost": 1.5, "idToken": "AAAA1111", "priceText": "1"}


def data_of(vendor: str) -> st.SearchStrategy[str]:
    fields = st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=10)
    objects = st.one_of(fields, fields.map(lambda made: GOOD | made), ANYTHING)
    words = st.sampled_from(("", "{", "NaN", '{"cost": NaN}', '{"cost": 1e999}', "[" * 5000, '{"cost":"\\ud800"}'))
    return st.one_of(objects.map(json.dumps), words)


@pytest.mark.parametrize(("vendor", "message_id"), TRANSFERS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_data_transfer_brings_is_answered_once(vendor: str, message_id: str, data: st.DataObject) -> None:
    texts = data.draw(st.lists(data_of(vendor), min_size=1, max_size=3))
    payloads = [{"vendorId": vendor, "messageId": message_id, "data": text} for text in texts]
    check_answers(Talk("1.6"), "1.6", "DataTransfer", payloads)
