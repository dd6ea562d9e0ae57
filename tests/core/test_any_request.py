"""Whatever a CSMS asks that the schema allows is answered once, and breaks nothing."""

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
from tests.core.payloads import values
from tests.core.world import PLAN, World
from tests.dialects.mutants import read, resolve, schema_files

SCHEMAS = {
    (version, path.stem.removesuffix("Request")): read(path)
    for version in ("1.6", "2.0.1")
    for path in schema_files(version)
    if not path.stem.endswith("Response")
}
SCREENED = PLAN._replace(displays=((1, 2),))
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
    """A world whose CSMS speaks in texts."""

    def __init__(self, version: str) -> None:
        self.world = World(version, plan=SCREENED).online().plug().present().after(5)
        self.said: list[str] = []
        self.conversation = Conversation(
            lambda subprotocol: load(subprotocol, SCREENED, self.world.variables), self.said.append, self.world.tell
        )
        self.conversation.opened(VERSIONS[version])

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


@pytest.mark.parametrize(("version", "action"), OFFERED)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_the_schema_allows_is_answered_once(version: str, action: str, data: st.DataObject) -> None:
    schema = SCHEMAS[version, action]
    payloads = data.draw(st.lists(values(schema, schema), min_size=1, max_size=3))
    talk = Talk(version)
    for number, payload in enumerate(payloads):
        talk.ask(f"m{number}", action, payload)
    talk.work()
    answers = [rpc.parse(text, version) for text in talk.said]
    assert not [a for a in answers if isinstance(a, rpc.Error) and a.code == "InternalError"]
    if not talk.world.restarts:
        assert sorted(a.message_id for a in answers) == [f"m{number}" for number in range(len(payloads))]
