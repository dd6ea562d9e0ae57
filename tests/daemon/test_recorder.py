"""The last events of a station hold no secret."""

from pathlib import Path

from chargepointd.core import commands as c
from chargepointd.core import events as e
from chargepointd.core.contracts import EvCertificate
from chargepointd.core.customer import GiveCustomerInformation
from chargepointd.core.local_list import SendLocalList
from chargepointd.core.messages import AuthorizeAnswered
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.daemon.recorder import LISTED, REPORTS, Recorder


def test_neither_a_password_nor_a_token_is_written_down(tmp_path: Path) -> None:
    recorder = Recorder()
    items = ((parse_name("SecurityCtrlr.BasicAuthPassword"), "Actual", "geheim-geheim-geheim"),)
    recorder.record(1.0, e.CallReceived("1", c.SetVariables(items)))
    items = ((parse_name("OCPPCommCtrlr.OfflineThreshold"), "Actual", "4711"),)
    recorder.record(2.0, e.CallReceived("2", c.SetVariables(items)))
    recorder.record(3.0, e.TokenPresented(Token("04A1B2C3D4E5F6"), (1,)))
    recorder.record(4.0, e.VehicleIdentified(1, "02AABBCCDDEE"))
    for key in "271828":
        recorder.record(5.0, e.KeyPressed(key, (1,)))
    text = recorder.write(tmp_path, "test").read_text()
    assert "BasicAuthPassword" in text
    assert "geheim" not in text
    assert "04A1B2C3D4E5F6" not in text
    assert "02AABBCCDDEE" not in text
    assert '"8"' not in text, "no key of a code"
    assert "KeyPressed" in text
    assert "4711" in text


def test_a_station_that_fails_again_and_again_keeps_its_last_reports(tmp_path: Path) -> None:
    for n in range(30):
        (tmp_path / f"crash-20260101T0000{n:02}.jsonl").write_text("{}")
    written = Recorder().write(tmp_path, "wss://user:geheim@x/ failed")
    kept = sorted(tmp_path.glob("crash-*.jsonl"))
    assert len(kept) == REPORTS
    assert kept[-1] == written
    assert "geheim" not in written.read_text()
    assert written.stat().st_mode & 0o777 == 0o600


def test_neither_is_the_group_of_a_token(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.record(1.0, e.CallAnswered("1", AuthorizeAnswered(TokenInfo("Accepted", group="FAMILY-OF-FOUR"))))
    recorder.record(2.0, e.CallReceived("2", GiveCustomerInformation(1, True, False, identifier="FAMILY-OF-FOUR")))
    text = recorder.write(tmp_path, "test").read_text()
    assert "CallAnswered" in text
    assert "FAMILY-OF-FOUR" not in text


def test_neither_is_whose_contract_a_vehicle_shows_or_fetches(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.record(1.0, e.ContractShown(1, "DEABCC1234567X", "-----BEGIN CERTIFICATE-----"))
    recorder.record(2.0, e.EvCertificateWanted(1, "Install", "urn:iso:15118:2:2013:MsgDef", "ZXhpRequest"))
    recorder.record(3.0, e.CallAnswered("1", EvCertificate("Accepted", "ZXhpResponse")))
    text = recorder.write(tmp_path, "test").read_text()
    assert '"emaid": "\\u2026567X"' in text
    for secret in ("DEABCC1234567X", "BEGIN CERTIFICATE", "ZXhp"):
        assert secret not in text


def test_of_a_long_list_the_first_tokens_are_enough(tmp_path: Path) -> None:
    recorder = Recorder()
    entries = tuple((Token(f"04A1B2C3{n:04}"), TokenInfo("Accepted", group=f"GROUP-{n}")) for n in range(1000))
    recorder.record(1.0, e.CallReceived("1", SendLocalList(7, True, entries)))
    text = recorder.write(tmp_path, "test").read_text()
    assert text.count("token") == LISTED
    assert '"token": "\\u20260019"' in text
    assert "04A1B2C3" not in text
    assert "GROUP-1" not in text
