"""The flight recorder: bounded, without secrets, and what it has can be replayed."""

import gzip
import os
from pathlib import Path

import pytest

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.contracts import EvCertificate
from chargepointd.core.customer import GiveCustomerInformation
from chargepointd.core.local_list import SendLocalList
from chargepointd.core.messages import AuthorizeAnswered, TransactionRecord
from chargepointd.core.pack import pack
from chargepointd.core.plan import StationPlan
from chargepointd.core.saved import Saved
from chargepointd.core.values import MeterValue, Now, Sample, Stamp, Token, TokenInfo
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.daemon import recorder as module
from chargepointd.daemon.assembly import Start
from chargepointd.daemon.recorder import BUDGET, CHUNK, LAST, Recorder
from chargepointd.daemon.recording import REPORTS, read, write_report

START = Start(StationPlan("CS1", "V", "M", "1", "1", ()), {}, Saved(), "ocpp2.0.1", "b00t", Now(1.0, 1_800_000_000.0))


def recorder(*events: e.Event) -> Recorder:
    made = Recorder(START)
    for number, event in enumerate(events):
        made.record(Now(1.0 + number, 1_800_000_000.0 + number), event, [])
    return made


def text_of(made: Recorder, directory: Path, why: str = "test") -> str:
    return gzip.decompress(write_report(made.taken(), directory, why).read_bytes()).decode()


def test_neither_a_password_nor_a_token_is_written_down(tmp_path: Path) -> None:
    secret = ((parse_name("SecurityCtrlr.BasicAuthPassword"), "Actual", "geheim-geheim-geheim"),)
    public = ((parse_name("OCPPCommCtrlr.OfflineThreshold"), "Actual", "4711"),)
    made = recorder(
        e.CallReceived("1", c.SetVariables(secret)),
        e.CallReceived("2", c.SetVariables(public)),
        e.TokenPresented(Token("04A1B2C3D4E5F6"), (1,)),
        e.VehicleIdentified(1, "02AABBCCDDEE"),
        *(e.KeyPressed(key, (1,)) for key in "271828#"),
        e.CallAnswered("1", AuthorizeAnswered(TokenInfo("Accepted", group="FAMILY-OF-FOUR"))),
        e.CallReceived("2", GiveCustomerInformation(1, True, False, identifier="FAMILY-OF-FOUR")),
        e.ContractShown(1, "DEABCC1234567X", "-----BEGIN CERTIFICATE-----\nMIIB" + 10 * "abcdefgh"),
        e.EvCertificateWanted(1, "Install", "urn:iso:15118:2:2013:MsgDef", 6 * "ZXhpRequest"),
        e.CallAnswered("3", EvCertificate("Accepted", 6 * "ZXhpResponse")),
    )
    text = text_of(made, tmp_path)
    assert "BasicAuthPassword" in text
    assert "KeyPressed" in text
    assert "4711" in text
    typed = "".join(step.event.key for step in read_back(tmp_path) if isinstance(step.event, e.KeyPressed))
    assert (len(typed), typed[-1]) == (7, "#")
    assert typed != "271828#"
    for gone in ("geheim", "04A1B2C3D4E5F6", "02AABBCCDDEE", "FAMILY-OF-FOUR", "DEABCC1234567X", "MIIB", "ZXhpRe"):
        assert gone not in text, gone


def read_back(directory: Path) -> tuple[module.Recorded, ...]:
    [file] = directory.glob("crash-*.jsonl.gz")
    return read(file).steps


def test_a_station_that_fails_again_and_again_keeps_its_last_reports(tmp_path: Path) -> None:
    for n in range(30):
        (tmp_path / f"crash-20260101T0000{n:02}.jsonl.gz").write_text("{}")
    written = write_report(recorder().taken(), tmp_path, "wss://user:geheim@x/ failed")
    kept = sorted(tmp_path.glob("crash-*.jsonl.gz"))
    assert len(kept) == REPORTS
    assert kept[-1] == written
    assert "geheim" not in read(written).about["why"]
    assert written.stat().st_mode & 0o777 == 0o600


def test_large_reports_are_fewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        (tmp_path / f"crash-20260101T0000{n:02}.jsonl.gz").write_bytes(bytes(1000))
    monkeypatch.setattr("chargepointd.daemon.recording.REPORTS_BYTES", 2500)
    write_report(recorder().taken(), tmp_path, "")
    assert len(list(tmp_path.glob("crash-*.jsonl.gz"))) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_of_a_report_that_finds_no_room_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open
    monkeypatch.setattr(os, "open", lambda path, *more: opened("/dev/full", os.O_WRONLY) if path else 0)
    made = recorder(*[e.TokenPresented(Token(os.urandom(8).hex()), (1,)) for _ in range(200)])
    with pytest.raises(OSError, match="No space"):
        write_report(made.taken(), tmp_path, "")
    assert not list(tmp_path.iterdir())


def test_the_last_steps_are_there_whatever_happened(tmp_path: Path) -> None:
    steps = 3 * LAST
    made = recorder(*[e.Ticked()] * steps)
    write_report(made.taken(), tmp_path, "")
    assert [step.number for step in read_back(tmp_path)] == list(range(1, steps + 1))


def test_a_record_comes_out_as_it_went_in() -> None:
    values = (MeterValue(1_800_000_000.25, "Sample.Periodic", (Sample("Power.Active.Import", 11_000.0, "W", "L1"),)),)
    stamp, token = Stamp(1_800_000_000.123456, False, 12.5, "machine1"), Token("04A1B2C3", "Central")
    record = TransactionRecord("Updated", "T-1", 3, stamp, "Trigger", 1, 1, "Charging", 1006.0, values, None, token)
    save = module.f.SaveRecord(7, "m-7", record, pack(record))
    made = Recorder(START)
    for number in range(LAST + 2 * CHUNK):
        made.record(Now(1.0 + number, 1_800_000_000.0), e.Ticked(), [save])
    packed = [step for chunk in made.taken().packed for step in module.recorded(chunk)]
    assert packed
    assert all(step.effects == [save] for step in packed)


def test_questions_are_among_the_last_steps_only(tmp_path: Path) -> None:
    question = e.CallReceived("1", c.GetVariables(()))
    made = recorder(e.PoweredUp(), *[question] * (LAST + 2 * CHUNK), e.Ticked())
    write_report(made.taken(), tmp_path, "")
    steps = read_back(tmp_path)
    assert LAST < len(steps) < LAST + CHUNK + 2
    assert [step.event for step in steps if step.event != question] == [e.PoweredUp(), e.Ticked()]


def test_when_the_budget_is_spent_the_recording_says_that_it_cannot_be_replayed(tmp_path: Path) -> None:
    made = Recorder(START)
    number = 0
    while made.taken().start is not None:
        number += 1
        made.record(Now(float(number), 0.0), e.TokenPresented(Token(os.urandom(18).hex()), (1,)), [])
        assert number < 50_000
    assert not made.taken().packed
    file = write_report(made.taken(), tmp_path, "")
    recording = read(file)
    assert recording.start is None
    assert not recording.about["replayable"]
    assert "the last steps only" in recording.about["note"]
    assert recording.steps[-1].number == number
    assert LAST <= len(recording.steps) < LAST + CHUNK


def test_a_start_that_is_larger_than_the_budget_is_none() -> None:
    listed = {os.urandom(18).hex(): os.urandom(40).hex() for _ in range(BUDGET // 40)}
    made = Recorder(START._replace(saved=Saved(listed=listed)))
    assert made.taken().start is not None
    made.settle()
    assert made.taken().start is None


def lists_of_a_thousand(times: int) -> Recorder:
    entries = tuple((Token(f"04A1B2C3{n:04}"), TokenInfo("Accepted", group=f"GROUP-{n}")) for n in range(1000))
    made = Recorder(START)
    for number in range(times):
        event = e.CallReceived(str(number), SendLocalList(7, True, entries))
        made.record(Now(1.0, 0.0), event, [module.f.Respond("1", c.Status("Accepted"))])
    return made


def test_a_list_of_a_thousand_tokens_takes_little_room(tmp_path: Path) -> None:
    taken = lists_of_a_thousand(200).taken()
    size = sum(len(step) for step in taken.last if isinstance(step, bytes)) + sum(map(len, taken.packed))
    assert 50_000 < size < BUDGET + module.LARGE_BUDGET
    made = lists_of_a_thousand(60)
    assert made.taken().packed, "there was no room for all of them among the last"
    assert all(isinstance(step, bytes) for step in made.taken().last)
    assert "04A1B2C3" not in text_of(made, tmp_path)
    assert len(read_back(tmp_path)[-1].event.command.entries) == 1000
