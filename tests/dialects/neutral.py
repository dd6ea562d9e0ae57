"""Stations, messages and payloads for the tests of the dialects; every payload is held against the official schema."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st

from chargepointd.core import commands as c
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.metering import MEASURANDS
from chargepointd.core.plan import ConnectorPlan, EvsePlan, StationPlan
from chargepointd.core.rules import ConnectorView
from chargepointd.core.values import Fault, FaultCode, MeterValue, Sample, Signed, Stamp, Token
from chargepointd.core.variables.catalogue import Live, living, standard
from chargepointd.core.variables.registry import Registry
from chargepointd.dialects.dialect import Dialect, Payload, Refusal, load
from tests.csms.schemas import schema_problem

AT = 1_795_500_000.5
AT_TEXT = "2026-11-24T06:00:00.500Z"

PLAN = StationPlan(
    "CS1",
    "A vendor with a rather long name",
    "A model with a rather long name",
    "S-1",
    "1.2.3",
    (
        EvsePlan(1, (ConnectorPlan(1, lock=True),)),
        EvsePlan(2, (ConnectorPlan(1, lock=True), ConnectorPlan(2, "cCCS2", fixed_cable=True))),
    ),
    displays=((1, 2),),
    token_kinds=("Central", "ISO14443", "NoAuthorization", "eMAID"),
    lamps=((1, 2),),
)
"""1.6 connectors 1 = EVSE 1, 2 and 3 = the connectors of EVSE 2"""


def registry(plan: StationPlan = PLAN) -> Registry:
    live = Live(lambda: True, lambda n: "Available", lambda n, m: "Available", lambda: AT_TEXT)
    return Registry([*standard(plan), *living(plan, live)], {}, {})


def loaded(version: str, variables: Registry | None = None) -> Dialect:
    return load({"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1"}[version], PLAN, variables or registry())


def valid(version: str, action: str, payload: Payload, *, answer: bool = False) -> Payload:
    """The payload as it is on the wire; fails with the schema's complaint."""
    text = json.dumps(payload, allow_nan=False)
    assert schema_problem(version, action, answer, json.loads(text, parse_float=Decimal)) is None, payload
    return payload


def told(dialect: Dialect, message: Any, reference: int | None = None) -> tuple[str, Payload] | None:
    """What the dialect says for a message, valid."""
    said = dialect.call(message, reference)
    if said:
        valid(dialect.version, *said)
    return said


def asked(dialect: Dialect, action: str, payload: Payload) -> Any:
    """The command (or Refusal) for a request; the request itself has to be valid too."""
    return dialect.command(action, valid(dialect.version, action, payload))


def answered(dialect: Dialect, action: str, payload: Payload, reply: Any) -> Payload:
    """The response, valid."""
    response = dialect.response(action, payload, reply)
    assert not isinstance(response, Refusal), response
    return valid(dialect.version, action, response, answer=True)


def obeyed(dialect: Dialect, variables: Registry, action: str, payload: Payload) -> Payload:
    """Request to response for what only reads or sets variables."""
    command = asked(dialect, action, payload)
    assert not isinstance(command, Refusal), command
    if isinstance(command, c.GetVariables):
        return answered(dialect, action, payload, c.VariablesGot(tuple(variables.get(*item) for item in command.items)))
    return answered(dialect, action, payload, c.VariablesSet(tuple(variables.set(*i)[0] for i in command.items)))


# -- records -----------------------------------------------------------------------------------------------------------

STOP_REASONS = (
    "DeAuthorized", "EmergencyStop", "EnergyLimitReached", "EVDisconnected", "GroundFault", "ImmediateReset", "Local",
    "LocalOutOfCredit", "MasterPass", "Other", "OvercurrentFault", "PowerLoss", "PowerQuality", "Reboot", "Remote",
    "SOCLimitReached", "StoppedByEV", "TimeLimitReached", "Timeout", "HardReset", "SoftReset", "UnlockCommand",
)  # fmt: skip
TRIGGERS = (
    "Authorized", "CablePluggedIn", "ChargingStateChanged", "Deauthorized", "EVCommunicationLost", "EVConnectTimeout",
    "MeterValueClock", "MeterValuePeriodic", "Trigger", "UnlockCommand", "StopAuthorized", "RemoteStop", "RemoteStart",
    "AbnormalCondition", "ResetCommand", "TxResumed",
)  # fmt: skip
KINDS = (
    "ISO14443",
    "ISO15693",
    "KeyCode",
    "Central",
    "eMAID",
    "Local",
    "MacAddress",
    "NoAuthorization",
    "DirectPayment",
)

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_time = st.floats(0, 4e9)
_small = st.integers(0, 2**31 - 1)
tokens = st.builds(Token, st.text("0123456789ABCDEFabcdef*-", max_size=45), st.sampled_from(KINDS))
_samples = st.builds(
    Sample,
    st.sampled_from((*MEASURANDS, "Energy.Apparent.Net", "RPM", "Display.PresentSOC")),
    st.floats(-1e9, 1e12) | st.just(float("nan")) | st.just(float("inf")),
    st.sampled_from(("Wh", "W", "A", "V", "Hz", "Celsius", "Percent", "")),
    st.sampled_from((None, "L1", "L2-N", "L3-L1")),
    st.sampled_from(("Outlet", "EV", "Inlet", "Body", "Cable")),
)
_contexts = st.sampled_from(("Transaction.Begin", "Transaction.End", "Sample.Periodic", "Sample.Clock", "Trigger"))
_signed = st.builds(
    Signed,
    (st.binary(max_size=2500) | st.just(b"OCMF|{}|{}")).map(lambda data: b64encode(data).decode()),
    _text,
    _text,
    st.binary(max_size=100).map(bytes.hex),
)
meter_values = st.builds(
    MeterValue, _time, _contexts, st.lists(_samples, max_size=4).map(tuple), signed=st.none() | _signed
)
faults = st.builds(Fault, st.sampled_from(get_args(FaultCode)), _text, _text)
records = st.builds(
    TransactionRecord,
    kind=st.sampled_from(("Started", "Updated", "Ended")),
    transaction_id=st.text("0123456789abcdef-", min_size=1, max_size=36),
    seq_no=_small,
    stamp=st.builds(Stamp, _time, st.booleans()),
    trigger=st.sampled_from(TRIGGERS),
    evse_id=st.integers(0, 5),
    connector_id=st.integers(0, 3),
    charging_state=st.sampled_from((None, "Idle", "EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE")),
    energy_wh=st.none() | st.floats(0, 1e12),
    values=st.lists(meter_values, max_size=3).map(tuple),
    token=st.none() | tokens,
    starter=st.none() | tokens,
    remote_start_id=st.none() | _small,
    stopped_reason=st.none() | st.sampled_from(STOP_REASONS),
    offline=st.booleans(),
    reservation_id=st.none() | _small,
    phases=st.sampled_from((None, 0, 1, 3)),
    cable_limit_a=st.none() | st.floats(0, 500),
)
views = st.builds(
    ConnectorView,
    operative=st.booleans(),
    faults=st.sampled_from(((), (Fault("GroundFailure", "pilot"),))),
    reserved=st.booleans(),
    plugged=st.booleans(),
    other_plugged=st.booleans(),
    authorized=st.booleans(),
    transaction=st.booleans(),
    ended=st.booleans(),
    charging_state=st.sampled_from(("Idle", "EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE")),
)

FREE = ConnectorView(True, (), False, False, False, False, False, False, "Idle")
TOKEN = Token("04A1B2C3")


def record(kind: str = "Started", **more: Any) -> TransactionRecord:
    plain: dict[str, Any] = {
        "kind": kind,
        "transaction_id": "b-1",
        "seq_no": 0,
        "stamp": Stamp(AT),
        "trigger": "Authorized",
        "evse_id": 2,
        "connector_id": 2,
        "energy_wh": 1234.5678,
    }
    return TransactionRecord(**plain | more)


def values(*samples: Sample, context: str = "Sample.Periodic") -> tuple[MeterValue, ...]:
    return (MeterValue(AT, context, samples or (Sample("Energy.Active.Import.Register", 0.1 * 161, "Wh"),)),)
