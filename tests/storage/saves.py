"""Saves of every kind, for properties and for load."""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from chargepointd.core import effects as f
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.records import Entry
from chargepointd.core.security import LOST
from chargepointd.core.session import Ending, Past, Session, Transaction
from chargepointd.core.values import MeterValue, Sample, Stamp, Token, TokenInfo
from chargepointd.storage.store import Store

texts = st.text(st.characters(codec="utf-8"), max_size=40)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.integers(-(2**53), 2**53)
counts = st.integers(0, 2**31)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


tokens = st.builds(Token, texts, names)
infos = st.builds(
    TokenInfo,
    names,
    optional(floats),
    optional(texts),
    optional(texts),
    optional(texts),
    st.lists(st.integers(0, 99)).map(tuple),
)
samples = st.builds(Sample, names, floats, names, optional(names), names)
values = st.builds(MeterValue, floats, names, st.lists(samples, max_size=3).map(tuple))
series = st.lists(values, max_size=3).map(tuple)
records = st.builds(
    TransactionRecord,
    kind=st.sampled_from(["Started", "Updated", "Ended"]),
    transaction_id=names,
    seq_no=counts,
    stamp=st.builds(Stamp, floats, st.booleans(), floats, texts),
    trigger=names,
    evse_id=counts,
    connector_id=counts,
    charging_state=optional(names),
    energy_wh=optional(floats),
    values=series,
    token=optional(tokens),
    starter=optional(tokens),
    remote_start_id=optional(numbers),
    stopped_reason=optional(names),
    offline=st.booleans(),
    reservation_id=optional(numbers),
    phases=optional(counts),
    cable_limit_a=optional(floats),
    told_at=optional(floats),
    told_wh=optional(floats),
)
transactions = st.builds(
    Transaction,
    names,
    counts,
    floats,
    seq_no=counts,
    charging_state=names,
    starter=optional(tokens),
    token_told=st.booleans(),
    energy_start_wh=optional(floats),
    energy_last_wh=optional(floats),
    ready_at=optional(floats),
    remote_start_id=optional(numbers),
    offline_start=st.booleans(),
    ending=optional(st.builds(Ending, names, names, optional(tokens))),
    series=series,
    told_at=optional(floats),
    told_wh=optional(floats),
    wrapped_wh=floats,
    stamped_at=floats,
    held_until=floats,
)
sessions = st.builds(
    Session,
    counts,
    optional(tokens),
    optional(texts),
    st.booleans(),
    st.booleans(),
    optional(numbers),
    optional(transactions),
    st.booleans(),
    st.booleans(),
    refused_wh=optional(floats),
    past=optional(st.builds(Past, names, floats, floats, optional(floats), optional(numbers), st.booleans())),
)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
saves = st.one_of(
    st.builds(f.SaveSession, st.integers(1, 4), optional(sessions)),
    st.builds(f.SaveVariable, names, texts),
    st.builds(f.SaveToken, names, names, optional(infos), floats, floats, floats, st.integers(0, 10**9)),
    st.just(f.DropTokens()),
    st.builds(
        f.SaveListed, st.booleans(), st.lists(st.tuples(names, optional(texts)), unique_by=lambda e: e[0]).map(tuple)
    ),
    st.builds(f.SaveSecurityEvent, st.integers(1, 4), names, floats, texts, texts),
    st.builds(f.SettleSecurityEvent, st.integers(1, 4)),
    st.builds(f.SaveState, names.filter(lambda name: name != "settled"), plain),
)


def record(number: int) -> TransactionRecord:
    """A periodic sample, as it stands most often in the queue."""
    read = (Sample("Energy.Active.Import.Register", 1234.5, "Wh"), Sample("Current.Import", 16.0, "A", "L1"))
    values = (MeterValue(1.7e9 + number, "Sample.Periodic", read),)
    stamp = Stamp(1.7e9 + number)
    return TransactionRecord("Updated", "tx-1", number, stamp, "MeterValuePeriodic", 1, 1, "Charging", 1234.5, values)


def batch(number: int) -> list[f.Save]:
    """What a step with a sample keeps."""
    transaction = Transaction("tx-1", 1, 1.7e9, number, "Charging", Token("04A1B2C3D4E5F6"))
    session = Session(1, Token("04A1B2C3D4E5F6"), authorized=True, transaction=transaction)
    return [f.SaveRecord(number, f"message-{number}", record(number)), f.SaveSession(1, session)]


def waiting(directory: Path) -> list[Entry]:
    """All records that the next process finds."""
    store = Store(directory)
    try:
        store.open()
        return [entry._replace(size=0) for entry in store.waiting(0, 10**6)[0]]
    finally:
        store.close()


def reopened(directory: Path, *, tells: bool = True) -> Any:
    """What the next process finds; what is damaged it `tells`, for good."""
    store = Store(directory)
    try:
        saved = store.open()
        if saved.damaged and tells:
            store.commit([f.SaveState(LOST, None)], durable=True)
        return saved
    finally:
        store.close()
