"""Old databases load for ever: kept types are arrays by position, so their fields may only be added to, at the end."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargepointd.core.messages import TransactionRecord
from chargepointd.core.pack import as_json, pack, unpack
from chargepointd.core.records import Entry
from chargepointd.core.security import Logged
from chargepointd.core.session import Ending, Past, Session, Transaction
from chargepointd.core.token_store import Remembered
from chargepointd.core.values import MeterValue, Sample, Stamp, Token, TokenInfo
from chargepointd.storage import database
from chargepointd.storage.database import Database, StoreError, schemas
from tests.storage.saves import reopened

DATABASES = Path(__file__).parent / "databases"

TOKEN = Token(value="04A1B2C3D4E5F6", kind="ISO14443")
ENERGY = Sample(measurand="Energy.Active.Import.Register", value=1234.5, unit="Wh", phase=None, location="Outlet")
CURRENT = Sample(measurand="Current.Import", value=15.5, unit="A", phase="L1", location="Inlet")
VALUES = (MeterValue(at=1700000005.0, context="Sample.Periodic", samples=(ENERGY, CURRENT)),)
ENDED = TransactionRecord(
    kind="Ended",
    transaction_id="tx-1",
    seq_no=2,
    stamp=Stamp(at=1700000009.0, sure=True, mono=0.0, boot=""),
    trigger="StopAuthorized",
    evse_id=1,
    connector_id=2,
    charging_state="Idle",
    energy_wh=1300.0,
    values=VALUES,
    token=TOKEN,
    starter=TOKEN,
    remote_start_id=None,
    stopped_reason="Local",
    offline=True,
)
UPDATED = TransactionRecord(
    kind="Updated",
    transaction_id="tx-é",
    seq_no=9,
    stamp=Stamp(at=1700000005.0, sure=False, mono=17.5, boot="boot-1"),
    trigger="MeterValuePeriodic",
    evse_id=1,
    connector_id=2,
    charging_state="Charging",
    energy_wh=1234.5,
    values=VALUES,
    starter=TOKEN,
)
STARTED = TransactionRecord(
    kind="Started",
    transaction_id="tx-1",
    seq_no=0,
    stamp=Stamp(at=1700000000.0, sure=True, mono=12.5, boot="boot-1"),
    trigger="CablePluggedIn",
    evse_id=1,
    connector_id=2,
    charging_state="EVConnected",
    energy_wh=1200.0,
    token=TOKEN,
    starter=TOKEN,
    remote_start_id=77,
    reservation_id=8,
    phases=3,
    cable_limit_a=32.0,
)
TRANSACTION = Transaction(
    id="tx-2",
    connector_id=1,
    started_at=1700000100.0,
    seq_no=4,
    charging_state="SuspendedEV",
    starter=TOKEN,
    token_told=True,
    energy_start_wh=1300.0,
    energy_last_wh=1350.5,
    remote_start_id=78,
    offline_start=True,
    ending=Ending(trigger="StopAuthorized", reason="Local", token=TOKEN),
    series=VALUES,
)
SESSION = Session(
    connector_id=2,
    token=TOKEN,
    group="group-1",
    authorized=True,
    suspended=True,
    remote_start_id=79,
    transaction=TRANSACTION,
    ended=True,
    held=True,
)


SECURITY = (
    Logged(7, "StartupOfTheDevice", Stamp(1700000000.5), "PowerUp"),
    Logged(8, "InvalidCsmsCertificate", Stamp(1700000001.5), "expired", "m-5"),
)


LISTED = {
    TOKEN.value: '["Accepted",1800000000.0,"group-1","de","Hallo",[1,2]]',
    "KeyCode:1234": '["Blocked"]',
}


def old(directory: Path, schema: int) -> Path:
    """A state directory as a program of that schema left it."""
    path = directory / database.NAME
    db = sqlite3.connect(path)
    db.executescript((DATABASES / f"schema-{schema}.sql").read_text("utf-8"))
    db.close()
    return path


def test_there_is_a_database_of_every_schema() -> None:
    assert [path.stem for path in sorted(DATABASES.glob("*.sql"))] == [f"schema-{number}" for number in schemas()]


@pytest.mark.parametrize("schema", schemas())
def test_an_old_database_loads_field_by_field(schema: int, tmp_path: Path) -> None:
    old(tmp_path, schema)
    saved = reopened(tmp_path)
    assert [entry._replace(size=0) for entry in saved.records] == [Entry(3, "m-3", ENDED), Entry(4, "m-4", UPDATED)]
    assert (saved.next_record_id, saved.dead) == (5, 1)
    assert saved.sessions == {1: SESSION, 2: Session(connector_id=1)}
    assert saved.variables == {"AuthCtrlr.Enabled": "false"}
    accepted = TokenInfo(status="Accepted", expires_at=1800000000.0, group="group-1", language="de", message="Hallo")
    assert dict(saved.tokens) == {
        TOKEN.value: Remembered(
            "ISO14443", accepted, 1700000001.5, *((1690000000.0, 1700000003.5, 17) if schema >= 3 else ())
        ),
        "FF": Remembered("Local", TokenInfo("Blocked"), 1700000002.0),
    }
    assert saved.listed == (LISTED if schema >= 4 else {})
    assert saved.state.get("local_list") == (7 if schema >= 4 else None)
    assert saved.references == {"tx-1": 4711}
    assert saved.state["availability"] == {"station": True, "evses": {"1": False}}
    assert saved.state["boot_reason"] == "RemoteReset"
    assert saved.security == (SECURITY if schema >= 2 else ())


def test_the_start_of_a_transaction_is_read_field_by_field(tmp_path: Path) -> None:
    path = old(tmp_path, 1)
    db = sqlite3.connect(path)
    body = db.execute("SELECT body FROM record WHERE id = 1").fetchone()[0]
    db.close()
    assert unpack(TransactionRecord, body) == STARTED


@pytest.mark.parametrize("value", [STARTED, ENDED, SESSION, TokenInfo("Accepted")])
def test_a_field_that_an_older_program_did_not_have_gets_its_default(value: Any) -> None:
    shorter = as_json(value[:-1])
    assert unpack(type(value), shorter)[:-1] == value[:-1]


@pytest.mark.parametrize("value", [STARTED, SESSION])
def test_a_field_that_a_newer_program_added_is_passed_over(value: Any) -> None:
    assert unpack(type(value), as_json([*value, "from the future"])) == value


SHORTEST = {
    '["Started","tx-1",0,[1.5],"Authorized",1,2]': TransactionRecord(
        "Started", "tx-1", 0, Stamp(1.5, True, 0.0, "", ""), "Authorized", 1, 2, None, None, (), None, None, None, None,
        False, None, None, None, None, None,
    ),
    '["Updated","tx-1",1,[1.5],"Trigger",1,2,null,null,[[1.5,"Trigger",[["Frequency",50.0,"Hz"]]]],["04A1"]]':
    TransactionRecord(
        "Updated", "tx-1", 1, Stamp(1.5), "Trigger", 1, 2,
        values=(MeterValue(1.5, "Trigger", (Sample("Frequency", 50.0, "Hz", None, "Outlet"),), None),),
        token=Token("04A1", "ISO14443"),
    ),
    "[]": Session(0, None, None, False, False, None, None, False, False, (), False, None, None, 0, None),
    '[0,null,null,false,false,null,["tx-1",2,1.5]]': Session(
        transaction=Transaction(
            "tx-1", 2, 1.5, 0, "Idle", None, False, None, None, None, False, None, (), False, "", False, None, None,
            None, None, 0.0, False, 0.0, 0.0, False,
        )
    ),
    '[1,null,null,false,false,null,null,true,false,[],false,null,null,0,["tx-1",1.5,2.5]]': Session(
        connector_id=1, ended=True, past=Past("tx-1", 1.5, 2.5, None, None, True)
    ),
    '["Accepted"]': TokenInfo("Accepted", None, None, None, None, (), 0),
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SHORTEST.items())
def test_what_has_its_default_is_not_written_and_no_default_may_change(text: str, value: Any) -> None:
    assert pack(value) == text
    assert unpack(type(value), text) == value


@pytest.mark.parametrize("value", [Session(connector_id=1, held=0), Session(priority=0.0), Session(refused_wh=False)])  # type: ignore[arg-type]
def test_what_only_equals_a_default_is_written(value: Session) -> None:
    assert repr(unpack(Session, pack(value))) == repr(value)


@pytest.mark.parametrize("text", ["", "[1", "5", "null", "[]", '[["x"]]'])
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpack(TransactionRecord, text)


@pytest.fixture
def migrations(tmp_path: Path) -> Callable[[int, str], Path]:
    """The real migrations, and one more in a directory of its own."""
    directory = tmp_path / "migrations"
    directory.mkdir()
    for number, path in schemas().items():
        (directory / f"{number:03}.sql").write_text(path.read_text("utf-8"))

    def add(number: int, script: str) -> Path:
        (directory / f"{number:03}.sql").write_text(script)
        return directory

    return add


NEXT = max(schemas()) + 1


def opened(state: Path, migrations: Path | None = None) -> Database:
    db = Database(state, migrations) if migrations else Database(state)
    db.open()
    return db


def test_a_migration_keeps_a_copy_of_before(tmp_path: Path, migrations: Callable[[int, str], Path]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    old(state, NEXT - 1)
    db = opened(state, migrations(NEXT, "ALTER TABLE session ADD COLUMN note TEXT;"))
    assert db.connection.execute("PRAGMA user_version").fetchone() == (NEXT,)
    assert db.connection.execute("SELECT note FROM session WHERE evse_id = 1").fetchone() == (None,)
    db.close()
    copy = sqlite3.connect(state / f"{database.NAME}.schema-{NEXT - 1}")
    assert copy.execute("PRAGMA user_version").fetchone() == (NEXT - 1,)
    assert copy.execute("SELECT count(*) FROM record").fetchone() == (4,)
    copy.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, migrations: Callable[[int, str], Path]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    path = old(state, NEXT - 1)
    with pytest.raises(StoreError, match="no such table: nowhere"):
        opened(state, migrations(NEXT, "DROP TABLE session;\nDELETE FROM nowhere;"))
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (NEXT - 1,)
    assert db.execute("SELECT count(*) FROM session").fetchone() == (2,)
    db.close()


def test_an_older_program_goes_on_with_a_newer_file(tmp_path: Path, migrations: Callable[[int, str], Path]) -> None:
    opened(tmp_path, migrations(NEXT, "ALTER TABLE record ADD COLUMN note TEXT;")).close()
    assert reopened(tmp_path).records == ()


def test_an_older_program_refuses_a_file_that_it_cannot_read(
    tmp_path: Path, migrations: Callable[[int, str], Path]
) -> None:
    script = f"INSERT INTO state (name, value) VALUES ('min_reader', '{NEXT}');"
    opened(tmp_path, migrations(NEXT, script)).close()
    with pytest.raises(StoreError, match=f"written by a newer chargepointd .schema {NEXT}.* install that one again"):
        opened(tmp_path)
    opened(tmp_path, migrations(NEXT, script)).close()
