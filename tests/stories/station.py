"""A station in its small world that speaks a real dialect: core and dialect together, without a socket.

Every message in both directions is held against the official schema with `jsonschema`, and written to a transcript.
"""

import json
from decimal import Decimal
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.core.plan import StationPlan
from chargepointd.dialects.codec import format_time
from chargepointd.dialects.dialect import VERSIONS, Dialect, Refusal, load
from tests.core.world import PLAN, World
from tests.csms.schemas import schema_problem
from tests.csms.transcript import Message, Transcript


class Story(World):
    """`World`, in the words of its dialect."""

    dialect: Dialect

    def __init__(self, version: str, variables: dict[str, str] | None = None, *, plan: StationPlan = PLAN) -> None:
        self.transcript = Transcript(f"OCPP {version}")
        self._asked: dict[str, tuple[str, dict[str, Any]]] = {}
        self._seen: set[str] = set()
        super().__init__(version, variables, plan=plan)

    def online(self) -> "Story":
        if not self.linked:
            self.dialect = load(VERSIONS[self.version], self.plan, self.variables)
            self._write("link", "connected", "", "", {"after_s": round(self.mono - 1000)})
        super().online()
        return self

    def offline(self) -> "Story":
        if self.linked:
            self._write("link", "disconnected", "", "", {"after_s": round(self.mono - 1000)})
        super().offline()
        return self

    # -- what the station tells ----------------------------------------------------------------------------------------

    def _receive(self, call: f.SendCall) -> None:
        spoken = self.dialect.call(call.message, call.reference)
        if spoken is None:
            self._queue.append(e.CallUnspeakable(call.message_id))
            return
        action, payload = spoken
        self._write("station", "call", action, call.message_id, payload)
        super()._receive(call)

    def _answer(self, call: f.SendCall, message: m.Message) -> m.Answer:
        spoken = self.dialect.call(message, call.reference)
        assert spoken
        answer = self._csms(spoken[0], spoken[1], super()._answer(call, message))
        self._write("csms", "result", spoken[0], call.message_id, answer)
        return self.dialect.answer(message, answer)

    def _csms(self, action: str, payload: dict[str, Any], meant: Any) -> dict[str, Any]:
        """The answer in the words of the version."""
        status = {"status": meant.info.status} if getattr(meant, "info", None) else {"status": "Accepted"}
        old = self.version == "1.6"
        if action == "BootNotification":
            return {"status": meant.status, "interval": meant.interval_s, "currentTime": format_time(meant.time)}
        if action == "Heartbeat":
            return {"currentTime": format_time(meant.time)}
        if action == "Authorize":
            return {"idTagInfo" if old else "idTokenInfo": status}
        if action == "StartTransaction":
            return {"transactionId": meant.reference, "idTagInfo": status}
        if action == "TransactionEvent" and "idToken" in payload:
            return {"idTokenInfo": status}
        return {}

    # -- what the CSMS asks --------------------------------------------------------------------------------------------

    def request(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """A request of the CSMS in the words of the version; its answer."""
        message_id = f"csms-{action}-{len(self._asked)}"
        self._write("csms", "call", action, message_id, payload)
        command = self.dialect.command(action, payload)
        assert not isinstance(command, Refusal), command
        self._asked[message_id] = (action, payload)
        self.tell(e.CallReceived(message_id, command))
        return self.replies[message_id]  # type: ignore[no-any-return]

    def _obey(self, effect: Any) -> None:
        super()._obey(effect)
        if isinstance(effect, f.Respond) and effect.message_id in self._asked:
            action, request = self._asked[effect.message_id]
            answer = self.dialect.response(action, request, effect.reply)
            assert not isinstance(answer, Refusal), answer
            self._write("station", "result", action, effect.message_id, answer)
            self.replies[effect.message_id] = answer

    # -- the transcript ------------------------------------------------------------------------------------------------

    def _write(self, sender: Any, kind: str, action: str, message_id: str, payload: dict[str, Any]) -> None:
        text = json.dumps(payload, separators=(",", ":"))
        if action:
            wrong = schema_problem(self.version, action, kind == "result", json.loads(text, parse_float=Decimal))
            assert wrong is None, f"{self.version} {action} {kind}: {wrong}\n{text}"
        again = (message_id, kind) in self._seen if message_id else False
        self._seen.add((message_id, kind))  # type: ignore[arg-type]
        shown = f"{action} {text}" if kind == "call" else text
        self.transcript.add(
            Message(sender, kind, shown, message_id, action, payload, self.version, "CS1", duplicate=again)
        )

    def said(self, *actions: str) -> list[dict[str, Any]]:
        """The payloads of what the station called, in order."""
        return [x.payload for x in self.transcript.messages if x.sender == "station" and x.kind == "call"
                and x.action in actions]  # fmt: skip
