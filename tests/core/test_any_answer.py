"""Whatever a CSMS answers that the schema allows breaks nothing."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.contracts import CheckContract, ContractChecked
from chargepointd.core.jobs import JobFailed
from chargepointd.core.reports import GetBaseReport
from chargepointd.core.signing import MakeKey
from chargepointd.daemon.conversation import Conversation
from chargepointd.dialects import rpc
from chargepointd.dialects.dialect import VERSIONS, load
from tests.core.payloads import values
from tests.core.test_any_request import ANYTHING
from tests.core.world import PLAN, World
from tests.dialects.mutants import read, schema_files

ANSWERS = {
    (version, path.stem.removesuffix("Response")): read(path)
    for version in ("1.6", "2.0.1")
    for path in schema_files(version)
    if path.stem.endswith("Response")
}
SCREENED = PLAN._replace(displays=((1, 2),), token_kinds=(*PLAN.token_kinds, "eMAID"))
CHECKED = ContractChecked("", rooted=True, hashes=(("SHA256", "aa", "bb", "1f", "http://ocsp.example"),))


class Odd(World):
    """A world whose CSMS answers what comes to its mind."""

    def __init__(self, version: str, data: st.DataObject) -> None:
        self.data = data
        self.said: list[str] = []
        super().__init__(version, {"AuthCtrlr.LocalPreAuthorize": "true"}, plan=SCREENED)
        self.conversation = Conversation(
            lambda _: load(VERSIONS[version], SCREENED, self.variables), self._hear, self._queue.append
        )
        self.conversation.opened(VERSIONS[self.version])
        self.linked = True
        self._run()

    def _hear(self, text: str) -> None:
        call = rpc.parse(text, self.version)
        assert isinstance(call, rpc.Call)
        schema = ANSWERS[self.version, call.action]
        payload = self.data.draw(values(schema, schema), label=call.action)
        if call.action == "DataTransfer" and self.data.draw(st.booleans(), label="of the vendor"):
            data = self.data.draw(ANYTHING, label="data")
            payload |= {"status": "Accepted", "data": json.dumps(data)}
        if call.action == "BootNotification":
            payload["status"] = "Accepted"
        self.said.append(rpc.result(call.message_id, payload))

    def _receive(self, call: f.SendCall) -> None:
        self.conversation.call(call)
        while self.said:
            self.conversation.heard(self.said.pop(0))

    def boot(self) -> None:
        super().boot()
        if hasattr(self, "conversation"):
            self.conversation.opened(VERSIONS[self.version])
            self.linked = True
            self._run()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_answered_breaks_nothing(version: str, data: st.DataObject) -> None:
    w = Odd(version, data)
    w.plug().present().after(30)
    w.ask(c.TriggerMessage("Heartbeat"))
    w.ask(GetBaseReport(1, "SummaryInventory"))
    w.present().unplug().after(30)
    w.plug()
    w.tell(e.ContractShown(1, "DEABCC1234567X", "chain"))
    w.tell(e.EvCertificateWanted(1, "Install", "urn:iso:15118:2:2013:MsgDef", "ZXhp"))
    w.ask(c.TriggerMessage("SignV2GCertificate"))
    for _ in range(10):
        if w.under_way:
            job = type(w.under_way[0].job)
            w.finish({CheckContract: CHECKED, MakeKey: "CSR"}.get(job, JobFailed("test")))
    w.after(100)
    w.cut()
    w.after(30)
