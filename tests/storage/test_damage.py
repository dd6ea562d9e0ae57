"""What a disk has changed is found, not used, kept for a person, told; and what stood alone because of it is ended."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from chargepointd.core import effects as f
from chargepointd.core.messages import TransactionRecord
from chargepointd.core.security import LOST
from chargepointd.core.session import Session, Transaction
from chargepointd.core.values import Stamp, Token, TokenInfo
from chargepointd.daemon.dead_letters import listed
from chargepointd.storage import losses
from chargepointd.storage.rows import TABLES
from chargepointd.storage.store import Store, StoreError
from tests.storage.saves import reopened

TOKEN = Token("04A1B2C3D4E5F6")


def record(seq_no: int, kind: str = "Updated", energy_wh: float | None = 1000.0) -> TransactionRecord:
    return TransactionRecord(
        kind, "tx-1", seq_no, Stamp(1.7e9 + seq_no), "MeterValuePeriodic", 1, 1, energy_wh=energy_wh, starter=TOKEN
    )


def session(seq_no: int) -> Session:
    return Session(1, TOKEN, authorized=True, transaction=Transaction("tx-1", 1, 1.7e9, seq_no))


def visit(*kinds: str) -> list[f.Save]:
    saves: list[f.Save] = [
        f.SaveRecord(n, f"m-{n}", record(n - 1, kind, 1000.0 + n)) for n, kind in enumerate(kinds, 1)
    ]
    return [*saves, f.SaveSession(1, session(len(kinds)))]


EVERYTHING: list[f.Save] = [
    *visit("Started", "Updated"),
    f.SaveVariable("AuthCtrlr.Enabled", "false"),
    f.SaveToken("FF", "Local", TokenInfo("Blocked"), 5, 1, 2, 3),
    f.SaveListed(True, (("AB", '["Accepted"]'),)),
    f.SaveState("availability", {"inoperative": []}),
    f.SaveSecurityEvent(1, "StartupOfTheDevice", 7, "PowerUp", "m-9"),
]


def keep(directory: Path, *saves: f.Save) -> None:
    store = Store(directory)
    store.open()
    store.commit(saves, durable=True)
    store.tend()
    store.close()


def sql(directory: Path, *statements: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(directory / "chargepointd.db")
    try:
        for statement in statements:
            found = db.execute(statement).fetchall()
        db.commit()
        return found
    finally:
        db.close()


CHANGES = [
    ("record", "body = replace(body, '1001.0', '9001.0') WHERE id = 1"),
    ("record", "id = 7 WHERE id = 2"),
    ("record", "message_id = 'm-3' WHERE id = 2"),
    ("session", "body = replace(body, 'tx-1', 'tx-3')"),
    ("session", "evse_id = 2"),
    ("variable", "value = 'true'"),
    ("variable", "name = 'AuthCtrlr.Enable'"),
    ("token", "info = replace(info, 'Blocked', 'Accepte')"),
    ("token", "stored_at = 6"),
    ("listed", "key = 'AC'"),
    ("state", "value = '{\"inoperative\":[0]}'"),
    ("security", "info = 'PowerUq'"),
    ("security", "at = 7.5"),
    ("variable", "value = CAST(x'ff41' AS TEXT)"),
    ("listed", "key = CAST(x'ff41' AS TEXT)"),
]


@pytest.mark.parametrize(("table", "change"), CHANGES)
def test_a_changed_row_is_not_used_kept_aside_and_told_once(table: str, change: str, tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    whole = reopened(tmp_path)
    assert whole.lost == ()
    sql(tmp_path, f"UPDATE {table} SET {change}")
    saved = reopened(tmp_path)
    [lost] = saved.lost
    assert lost.startswith(f"{table} ")
    assert [row[0] for row in sql(tmp_path, "SELECT source FROM damaged")] == [table]
    again = reopened(tmp_path)
    assert again.lost == ()
    for field in ("variables", "sessions", "tokens", "listed"):
        assert getattr(saved, field) == getattr(again, field)
    fields = {"variable": "variables", "token": "tokens", "listed": "listed", "security": "security"}
    if table in fields:
        assert not getattr(saved, fields[table])


def test_what_is_lost_is_found_by_each_process_until_one_has_told_it(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    sql(tmp_path, "UPDATE variable SET value = 'changed'")
    lost = reopened(tmp_path, tells=False).lost
    assert len(lost) == 1
    sql(tmp_path, "UPDATE token SET info = 'changed'")
    both = reopened(tmp_path, tells=False).lost
    assert (both[:1], len(both)) == (lost, 2)
    assert reopened(tmp_path).lost == both
    assert not reopened(tmp_path).damaged


@pytest.mark.parametrize("value", ["'['", "'5'", "CAST(x'ff5b' AS TEXT)", "replace(value, 'one', 'two')"])
def test_a_note_of_losses_that_is_damaged_hinders_none(value: str, tmp_path: Path) -> None:
    """It is read where the end of the log is in doubt too, before the rows are looked at."""
    keep(tmp_path, f.SaveState(LOST, ["one"]))
    sql(tmp_path, f"UPDATE state SET value = {value}")
    db = sqlite3.connect(tmp_path / "chargepointd.db")
    losses.note(db, ["another"])
    db.commit()
    db.close()
    assert reopened(tmp_path).lost == (f"state {LOST}", "another")


def test_rows_of_an_older_program_have_no_checksum_are_used_and_get_one(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    whole = reopened(tmp_path)
    for table in TABLES:
        sql(tmp_path, f"UPDATE {table} SET crc = NULL")
    assert reopened(tmp_path) == whole
    for table in TABLES:
        assert sql(tmp_path, f"SELECT count(*) FROM {table} WHERE crc IS NULL") == [(0,)]


def test_an_older_program_changes_rows_in_place_and_nothing_is_called_damaged(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING, f.SettleRecord(1, "InternalError: no"))
    sql(
        tmp_path,
        "UPDATE security SET message_id = ''",
        "UPDATE dead SET body = replace(body, 'tx-1', '')",
        "INSERT OR REPLACE INTO variable (name, value) VALUES ('AuthCtrlr.Enabled', 'true')",
    )
    saved = reopened(tmp_path)
    assert (saved.lost, saved.variables) == ((), {"AuthCtrlr.Enabled": "true"})
    assert sql(tmp_path, "SELECT crc FROM dead") == [(None,)]


def test_a_transaction_whose_session_is_lost_ends_with_what_is_known(tmp_path: Path) -> None:
    keep(tmp_path, *visit("Started", "Updated"), f.SaveRecord(3, "m-3", record(2, energy_wh=None)), f.SettleRecord(2))
    sql(tmp_path, "UPDATE session SET body = replace(body, 'tx-1', 'tx-3')")
    for _ in range(2):  # and the next start does not end it again
        saved = reopened(tmp_path)
        assert [entry.id for entry in saved.records] == [3, 4]
        end = saved.records[-1].record
        assert (end.kind, end.transaction_id, end.seq_no, end.energy_wh) == ("Ended", "tx-1", 3, 1002.0)
        assert (end.stopped_reason, end.offline, end.stamp.at) == ("Other", True, 1.7e9 + 2)
        assert saved.sessions == {}


def test_an_end_that_is_damaged_and_may_have_been_told_is_not_made_up(tmp_path: Path) -> None:
    keep(tmp_path, *visit("Started", "Updated", "Ended"), f.SettleRecord(2), f.SaveSession(1, None))
    sql(tmp_path, "UPDATE record SET body = replace(body, '1003.0', '9003.0') WHERE id = 3")
    saved = reopened(tmp_path)
    assert saved.lost == ("record 3",)
    assert saved.records == ()


def test_a_whole_file_is_not_written_at_a_start(tmp_path: Path) -> None:
    keep(tmp_path, *EVERYTHING)
    reopened(tmp_path)
    before = (tmp_path / "chargepointd.db").read_bytes()
    reopened(tmp_path)
    assert (tmp_path / "chargepointd.db").read_bytes() == before


def test_what_the_disk_changes_after_the_start_is_found_when_its_turn_comes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open()
    store.commit(visit("Started", "Updated", "Ended"), durable=True)
    store._db.execute("UPDATE record SET body = replace(body, '1003.0', '9003.0')")
    store.commit([f.AmendRecords(0, offline=True)], durable=True)  # what is made right gets no new checksum
    size = store._db.execute("SELECT length(body) FROM record WHERE id = 3").fetchone()[0]
    entries, complete, *unreadable = store.waiting(0, 10)
    assert unreadable == [1, size]
    assert store.waiting(0, 10)[2:] == (0, 0), "it is set aside once"
    assert ([(entry.id, entry.record.offline) for entry in entries], complete) == ([(1, True), (2, True)], True)
    [letter] = store.dead(limit=10)
    assert (letter.id, letter.record, letter.reason) == (3, None, "cannot be read")
    store.close()


@pytest.mark.parametrize("column", ["message_id", "body", "reason"])
def test_what_was_set_aside_and_is_no_text_any_more_is_shown_as_unreadable(column: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open()
    refused: list[f.Save] = [f.SettleRecord(n, "InternalError: no") for n in (1, 2)]
    store.commit([*visit("Started", "Updated"), *refused], durable=True)
    store._db.execute(f"UPDATE dead SET {column} = CAST(x'5b22ff' AS TEXT), crc = 1 WHERE id = 1")
    [letter, other] = store.dead(limit=10)
    assert (letter.id, letter.record) == (1, None)
    assert (other.id, other.record) == (2, record(1, "Updated", 1002.0))
    assert letter.reason.startswith('["' if column == "reason" else "InternalError")
    store.commit([f.ForgetToken(TOKEN.value), f.DropDead((1,))], durable=True)
    assert [letter.id for letter in store.dead(limit=10)] == [2]
    store.close()


@pytest.mark.parametrize("value", ["1e300", "-9e999", "x'ff'", "CAST(x'ff' AS TEXT)"])
@pytest.mark.parametrize("column", ["at", "attempts", "reference"])
def test_of_what_was_set_aside_any_column_may_be_changed_and_all_is_shown(
    column: str, value: str, tmp_path: Path
) -> None:
    """A record whose number at the CSMS is none any more cannot be told."""
    store = Store(tmp_path)
    store.open()
    refused = f.SettleRecord(1, "InternalError: no", at=5.0, attempts=3, reference=7)
    store.commit([*visit("Started"), refused], durable=True)
    store._db.execute(f"UPDATE dead SET {column} = {value}")
    [letter] = store.dead(limit=10)
    assert letter.record == (None if column == "reference" else record(0, "Started", 1001.0))
    assert json.dumps(listed(letter))
    store.close()


def test_who_is_forgotten_makes_no_damaged_record_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open()
    store.commit([*visit("Started"), f.SettleRecord(1, "InternalError: no")], durable=True)
    crc = store._db.execute("SELECT crc FROM dead").fetchone()[0]
    store._db.execute("UPDATE dead SET crc = 1, body = replace(body, '1001.0', '9001.0')")
    store._db.execute("UPDATE dead SET crc = ?", (crc,))
    store.commit([f.ForgetToken(TOKEN.value)], durable=True)
    [body] = store._db.execute("SELECT body FROM dead").fetchone()
    assert TOKEN.value not in body
    [letter] = store.dead(limit=10)
    assert letter.record is None
    store.close()


def test_a_record_that_is_no_text_any_more_is_set_aside_when_its_turn_comes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open()
    store.commit(visit("Started", "Updated"), durable=True)
    store._db.execute("UPDATE record SET body = CAST(x'5b22ff' AS TEXT) WHERE id = 1")
    store.commit([f.AmendRecords(0, offline=True)], durable=True)
    entries, complete, *unreadable = store.waiting(0, 10)
    assert ([entry.id for entry in entries], complete, unreadable) == ([2], True, [1, 3])
    assert [letter.record for letter in store.dead(limit=10)] == [None]
    store.close()


def test_a_table_that_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.open()
    store._db.execute("DROP TABLE record")
    with pytest.raises(StoreError, match=r"chargepointd\.db: no such table"):
        store.waiting(0, 10)
    store.close()
