"""What is committed is what is loaded, on a real file."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepointd.core import effects as f
from chargepointd.core.pack import pack
from chargepointd.core.records import WINDOW, Entry
from chargepointd.core.saved import Saved
from chargepointd.core.session import Session
from chargepointd.core.token_store import Remembered
from chargepointd.core.values import Token, TokenInfo
from chargepointd.storage.store import PURGE_EVERY, Store
from chargepointd.storage.urgency import is_lazy
from tests.storage.saves import batch, record, records, reopened, saves, sessions, waiting


def shape(value: Any) -> Any:
    """The value with the types in it: a tuple that came back as a list, or a float as an int, is not the same."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value), [shape(item) for item in value]
    return type(value), value


class Books:
    """What should be kept, by the simplest means."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.sessions: dict[int, Session] = {}
        self.tokens: dict[str, Remembered] = {}
        self.listed: dict[str, str] = {}
        self.state: dict[str, Any] = {}

    def keep(self, save: f.Save) -> None:
        match save:
            case f.SaveVariable(name, value):
                self.variables[name] = value
            case f.SaveSession(evse_id, session):
                self._put(self.sessions, evse_id, session)
            case f.SaveToken(key=key, info=info):
                self._put(self.tokens, key, info and Remembered(*save[1:]))
            case f.DropTokens():
                self.tokens.clear()
            case f.SaveListed(full, entries):
                if full:
                    self.listed.clear()
                for key, text in entries:
                    self._put(self.listed, key, text)
            case f.SaveState(name, value):
                self._put(self.state, name, value)

    @staticmethod
    def _put(into: dict[Any, Any], key: Any, value: Any) -> None:
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value


@given(st.lists(st.lists(saves, min_size=1, max_size=4), max_size=6), st.booleans())
@settings(max_examples=60)
def test_what_is_committed_is_what_is_loaded(batches: list[list[f.Save]], durable: bool) -> None:
    books = Books()
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory))
        store.open()
        for each in batches:
            store.commit(each, durable=durable)
            for save in each:
                books.keep(save)
        store.close()
        saved = reopened(Path(directory))
    assert shape(saved.variables) == shape(books.variables)
    assert shape(saved.sessions) == shape(books.sessions)
    assert shape(dict(saved.tokens)) == shape(books.tokens)
    assert saved.listed == books.listed
    assert shape(saved.state) == shape(books.state)


@given(st.lists(records, min_size=1, max_size=4), st.lists(sessions, max_size=2))
@settings(max_examples=60)
def test_records_come_back_in_order_and_whole(told: list[Any], visits: list[Session]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory))
        store.open()
        kept = [f.SaveRecord(n, f"m{n}", each) for n, each in enumerate(told, 1)]
        store.commit([*kept, *[f.SaveSession(n, visit) for n, visit in enumerate(visits, 1)]], durable=True)
        store.close()
        saved, kept = reopened(Path(directory)), waiting(Path(directory))
    assert shape(kept) == shape([Entry(n, f"m{n}", each) for n, each in enumerate(told, 1)])
    assert saved.next_record_id == len(told) + 1


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = Store(tmp_path)
    store.open()
    yield store
    store.close()


def test_a_new_directory_is_made_and_holds_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "var" / "lib"
    assert reopened(directory) == Saved()
    assert stat.S_IMODE((directory / "chargepointd.db").stat().st_mode) == 0o600


def test_a_record_is_corrected_under_its_id(store: Store, tmp_path: Path) -> None:
    store.commit(batch(1), durable=True)
    store.commit([f.SaveRecord(1, "message-1", record(7))], durable=True)
    store.close()
    assert [entry.record.seq_no for entry in reopened(tmp_path).records] == [7]


def test_settled_records_do_not_come_back_and_their_numbers_are_not_used_again(store: Store, tmp_path: Path) -> None:
    for n in (1, 2, 3):
        store.commit(batch(n), durable=True)
    store.commit([f.SettleRecord(1), f.SettleRecord(2)], durable=False)
    store.close()
    assert [entry.id for entry in reopened(tmp_path).records] == [3]
    again = Store(tmp_path)
    again.open()
    again.commit([f.SettleRecord(3)], durable=False)
    again.close()
    saved = reopened(tmp_path)
    assert (saved.records, saved.next_record_id) == ((), 4)


def change(directory: Path, sql: str) -> None:
    db = sqlite3.connect(directory / "chargepointd.db")
    db.execute(sql)
    db.commit()
    db.close()


def rows(directory: Path, table: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(directory / "chargepointd.db")
    try:
        return db.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
    finally:
        db.close()


def test_settled_rows_stay_until_there_are_many_and_then_go_at_once(store: Store, tmp_path: Path) -> None:
    for n in range(1, PURGE_EVERY + 2):
        store.commit(batch(n), durable=False)
    for n in range(1, PURGE_EVERY):
        store.commit([f.SettleRecord(n)], durable=False)
    store.close()
    assert len(rows(tmp_path, "record")) == PURGE_EVERY + 1
    again = Store(tmp_path)
    again.open()
    again.commit([f.SettleRecord(PURGE_EVERY)], durable=False)
    again.close()
    assert [row[0] for row in rows(tmp_path, "record")] == [PURGE_EVERY + 1]


def test_a_record_given_up_is_set_aside_with_its_reason(store: Store, tmp_path: Path) -> None:
    store.commit(batch(1) + batch(2), durable=True)
    store.commit([f.SettleRecord(1, "InternalError: no")], durable=True)
    store.close()
    saved = reopened(tmp_path)
    assert (saved.dead, [entry.id for entry in saved.records]) == (1, [2])
    assert [(row[0], row[1], row[3]) for row in rows(tmp_path, "dead")] == [(1, "message-1", "InternalError: no")]


def test_a_failed_commit_leaves_nothing_of_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        store.commit([*batch(1), f.SettleRecord(1), "no save"], durable=True)  # type: ignore[list-item]
    store.commit(batch(2), durable=True)
    store.close()
    saved = reopened(tmp_path)
    assert ([entry.id for entry in saved.records], "settled" in saved.state) == ([2], False)


@pytest.mark.parametrize(
    ("saves_", "lazy"),
    [
        ([f.SettleRecord(1)], True),
        ([f.SettleRecord(1, "refused")], False),
        ([f.SettleRecord(1), f.SaveState("reference/tx-1", None)], True),
        ([f.SettleRecord(1), f.SaveState("reference/tx-1", 5)], False),
        ([f.SaveState("availability", {})], False),
        ([f.SaveSession(1, None)], True),
        ([f.SaveSession(1, None, withdraws=True)], False),
        ([f.SaveSession(1, Session(1), withdraws=True)], False),
        ([f.SaveSession(1, None), f.SaveState("tariff", None)], True),
        ([f.SaveState("tariff", {"visits": {}})], False),
        ([f.SaveSession(1, Session(1))], True),
        ([f.SaveSession(1, Session(1, Token("A"), authorized=True))], False),
        (batch(1), False),
        ([f.SettleRecord(1), f.SaveVariable("a", "b")], False),
        ([f.SaveToken("A", "", TokenInfo("Accepted"), 0.0)], False),
    ],
)
def test_only_what_would_be_told_again_may_wait_for_the_disk(saves_: list[f.Save], lazy: bool) -> None:
    assert is_lazy(saves_) is lazy


def test_a_second_process_on_the_directory_is_refused_with_a_remedy(store: Store, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from chargepointd.storage.store import Store, StoreError\n"
        "try: Store(Path(sys.argv[1])).open()\n"
        "except StoreError as error: print(error)"
    )
    second = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert "another chargepointd runs on this state directory; stop it, or give --state-dir" in second.stdout
    assert str(tmp_path) in second.stdout
    store.commit(batch(1), durable=True)  # the first one is not disturbed


def test_a_directory_that_cannot_be_written_is_named_with_a_remedy(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    store = Store(blocked)
    assert store.open() == Saved()
    assert "file/chargepointd.db: " in str(store.trouble)
    assert "is the state directory writable" in str(store.trouble)


def damage_all(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def damage_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1024)
        file.write(os.urandom(8 * 1024))


@pytest.mark.parametrize("damage", [damage_all, damage_a_page])
def test_a_damaged_file_is_set_aside_and_what_can_be_read_is_saved(
    damage: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "chargepointd.db"
    for time in (1, 2):
        store = Store(tmp_path)
        store.open()
        store.commit([save for n in range(1, 50) for save in batch(n)], durable=True)
        store.close()
        damage(path)
        damaged = path.read_bytes()
        saved = reopened(tmp_path)
        assert saved.damaged
        assert saved.lost
        assert (tmp_path / f"chargepointd.db.broken-{time}").read_bytes() == damaged
        assert reopened(tmp_path).lost == ()
    told = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert str(path) in told[0]
    assert "set aside as chargepointd.db.broken-1; missing" in "".join(told)


def test_a_row_that_cannot_be_read_does_not_stop_the_station(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.commit(batch(1) + batch(2), durable=True)
    store.close()
    change(tmp_path, "UPDATE record SET body = '[1,', crc = NULL WHERE id = 1")
    saved = reopened(tmp_path)
    assert [entry.id for entry in saved.records] == [2]
    assert "record 1 cannot be read and is left out" in caplog.text
    assert saved.dead == 1
    assert [(row[0], row[2], row[3]) for row in rows(tmp_path, "dead")] == [(1, "[1,", "cannot be read")]


def test_a_customer_is_forgotten_in_what_was_set_aside(tmp_path: Path) -> None:
    from chargepointd.core.values import Token

    store = Store(tmp_path)
    store.open()
    with_card = record(1)._replace(token=Token("abcd1234"), starter=Token("OTHER"))
    saves = [f.SaveRecord(1, "m", with_card), f.SettleRecord(1, "InternalError"), f.ForgetToken("ABCD1234")]
    store.commit(saves, durable=True)
    store.close()
    db = sqlite3.connect(tmp_path / "chargepointd.db")
    body = db.execute("SELECT body FROM dead").fetchone()[0]
    db.close()
    assert '1234"' not in body
    assert "OTHER" in body


def test_what_waits_is_read_page_by_page(store: Store) -> None:
    for n in range(1, 8):
        store.commit(batch(n), durable=True)
    store.commit([f.SettleRecord(2), f.SettleRecord(5, alone=True)], durable=True)
    first, complete, *_ = store.waiting(0, 3)
    assert ([entry.id for entry in first], complete) == ([3, 4, 6], False)
    rest, complete, *_ = store.waiting(6, 3)
    assert ([entry.id for entry in rest], complete) == ([7], True)
    assert first[0].size == len(pack(record(3)).encode())


def test_a_long_queue_is_loaded_as_its_beginning_and_what_is_behind(store: Store, tmp_path: Path) -> None:
    number = WINDOW + 50
    store.commit([f.SaveRecord(n, f"m{n}", record(n)) for n in range(1, number + 1)], durable=True)
    store.close()
    saved = reopened(tmp_path)
    assert len(saved.records) == WINDOW
    assert (saved.behind.number, saved.behind.held) == (50, {"tx-1": 50})
    assert saved.behind.size == sum(len(pack(record(n))) for n in range(WINDOW + 1, number + 1))


def test_what_was_set_aside_is_told_again_before_all_else_and_survives(store: Store, tmp_path: Path) -> None:
    for n in range(1, 5):
        store.commit(batch(n), durable=True)
    store.commit([f.SettleRecord(1, "no", at=5.0, attempts=3, reference=7), f.SettleRecord(2, "no")], durable=True)
    letter, other = store.dead(limit=5)
    assert (letter.id, letter.record, letter.attempts, letter.at, letter.reference) == (1, record(1), 3, 5.0, 7)
    assert store.dead((2,), limit=5) == store.dead(after_id=1, limit=5) == (other,)
    store.commit([f.RetryDead((1,)), f.DropDead((2,))], durable=True)
    store.commit([f.SettleRecord(3)], durable=True)
    store.close()
    saved = reopened(tmp_path)
    assert [(entry.id, entry.again) for entry in saved.records] == [(1, True), (4, False)]
    assert (saved.dead, saved.next_record_id) == (0, 5)


def test_what_is_told_again_stays_when_settled_rows_are_deleted(store: Store) -> None:
    store.commit(batch(1), durable=True)
    store.commit([f.SettleRecord(1, "no")], durable=True)
    store.commit([f.RetryDead((1,))], durable=True)
    store.commit([f.SaveRecord(n, "m", record(n)) for n in range(2, PURGE_EVERY + 3)], durable=True)
    store.commit([f.SettleRecord(PURGE_EVERY + 1)], durable=True)
    assert [entry.id for entry in store.waiting(0, 9)[0]] == [1, PURGE_EVERY + 2]


def test_what_there_is_no_room_for_is_gone(store: Store) -> None:
    for n in range(1, 6):
        store.commit(batch(n), durable=True)
    store.commit([f.DropRecords((2, 4))], durable=True)
    assert [entry.id for entry in store.waiting(0, 9)[0]] == [1, 3, 5]


def test_what_was_queued_when_the_connection_was_lost_is_marked_in_the_file(store: Store) -> None:
    for n in range(1, 6):
        store.commit(batch(n), durable=True)
    store.commit([f.AmendRecords(2, offline=True, sent=(4,))], durable=True)
    assert [entry.record.offline for entry in store.waiting(0, 9)[0]] == [False, False, True, False, True]
