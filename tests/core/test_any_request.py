"""Whatever a CSMS asks that the schema allows is answered once, and breaks nothing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepointd.core import effects as f
from chargepointd.core.jobs import JobFailed
from chargepointd.daemon.conversation import Conversation
from chargepointd.dialects import rpc
from chargepointd.dialects.dialect import load
from chargepointd.dialects.v2.requests import OFFERED
from tests.core.payloads import values
from tests.core.world import PLAN, World
from tests.dialects.mutants import read, schema_files

SCHEMAS = {
    path.stem.removesuffix("Request"): read(path) for path in schema_files("2.0.1") if path.stem.endswith("Request")
}


class Talk:
    """A world whose CSMS speaks in texts."""

    def __init__(self) -> None:
        self.world = World("2.0.1").online().plug().present().after(5)
        self.said: list[str] = []
        self.conversation = Conversation(
            lambda subprotocol: load(subprotocol, PLAN, self.world.variables), self.said.append, self.world.tell
        )
        self.conversation.opened("ocpp2.0.1")

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


@pytest.mark.parametrize("action", OFFERED)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_the_schema_allows_is_answered_once(action: str, data: st.DataObject) -> None:
    schema = SCHEMAS[action]
    payloads = data.draw(st.lists(values(schema, schema), min_size=1, max_size=3))
    talk = Talk()
    for number, payload in enumerate(payloads):
        talk.ask(f"m{number}", action, payload)
    talk.work()
    answers = [rpc.parse(text, "2.0.1") for text in talk.said]
    assert not [a for a in answers if isinstance(a, rpc.Error) and a.code == "InternalError"]
    if not talk.world.restarts:
        assert sorted(a.message_id for a in answers) == [f"m{number}" for number in range(len(payloads))]
