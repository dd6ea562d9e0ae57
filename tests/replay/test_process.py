"""Recordings of the real process: what `chargepointctl bundle` packs, of one that runs and of one that does not."""

import gzip
import io
import json
import os
import signal
import tarfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from chargepointd import cli
from chargepointd.daemon.recording import read
from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import TOKEN, begin, brisk, charging, delivered, finish
from tests.replay.replaying import differing

pytestmark = pytest.mark.process

PASSWORD = "pa55word-of-the-station"
IN_THE_FILE = "pa55word-of-the-file"
ONLINE = {
    "recording.jsonl.gz", "status.json", "outbox.json", "variables.json", "drivers.json", "log.txt", "list.json",
    "configuration.json", "versions.json", "system.json",
}  # fmt: skip


def station(csms: Csms, dialect: str, supply: str = "AC") -> Station:
    config = brisk(csms.url, dialect)
    config["csms"]["password"] = IN_THE_FILE
    if supply == "DC":
        config["drivers"]["sim"] |= {"supply": "DC", "fixed_cable": True}
        devices = {name: f"sim.{name}1" for name in ("pilot", "contactor", "meter", "vehicle")}
        limits = {"phases": 0, "voltage_v": 920, "max_current_a": 125, "max_power_w": 50_000}
        connectors = [{"id": 1, "type": "cCCS2", "cable": "fixed"}]
        evse = {"id": 1, "supply": "DC", "supply_device": "sim.supply1", "connector": connectors}
        config["evse"] = [evse | devices | limits]
    return Station(config)


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = [(entry.name.partition("/")[2], tar.extractfile(entry)) for entry in tar.getmembers()]
        return {name: file.read() for name, file in files if file}


def replayed(parts: dict[str, bytes], directory: Path) -> int:
    """The number of steps, of which none differs."""
    file = directory / "recording.jsonl.gz"
    file.write_bytes(parts["recording.jsonl.gz"])
    recording = read(file)
    differs = next(differing(recording), None)
    assert differs is None, str(differs)
    return len(recording.steps)


def check_secrets(parts: dict[str, bytes]) -> None:
    for name, content in parts.items():
        text = gzip.decompress(content) if name.endswith(".gz") else content
        for secret in (TOKEN, PASSWORD, IN_THE_FILE):
            assert secret.lower() not in text.decode().lower(), (name, secret)


def bundle(*arguments: Any) -> int:
    return cli.main(["bundle", *map(str, arguments)])


@pytest.mark.parametrize("supply", ["AC", "DC"])
def test_a_visit_is_replayed_from_the_bundle_and_so_is_what_came_after_a_power_cut(
    csms: Csms, dialect: str, supply: str, tmp_path: Path
) -> None:
    with station(csms, dialect, supply) as made:
        begin(made, csms)
        made.restart(Station.kill)
        charging(made)
        finish(made, csms)
        delivered(made)
        made.ctl("set", variable="SecurityCtrlr.BasicAuthPassword", value=PASSWORD)
        got = made.ctl("bundle")
        parts = unpacked(b64decode(got["archive"]))
    assert set(got["parts"]) == set(parts) >= ONLINE
    assert "missing.txt" not in parts
    assert json.loads(parts["configuration.json"])["csms"]["url"] == csms.url
    assert b" at 0x" not in parts["configuration.json"]
    assert json.loads(parts["versions.json"])["packages"]
    assert "csms: connected" in parts["log.txt"].decode()
    assert replayed(parts, tmp_path) > 20
    check_secrets(parts)


def test_without_a_daemon_the_bundle_has_what_is_on_the_disk(
    csms: Csms, dialect: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with station(csms, dialect) as made:
        begin(made, csms)
        made.ctl("set", variable="SecurityCtrlr.BasicAuthPassword", value=PASSWORD)
        made.kill()
        before = {file.name: file.read_bytes() for file in made.state_dir.iterdir() if file.is_file()}
        code = bundle(tmp_path / "b.tgz", "--state-dir", made.state_dir, "--config", made.config_file)
        assert {file.name: file.read_bytes() for file in made.state_dir.iterdir() if file.is_file()} == before
    assert code == cli.NOT_RUNNING
    assert "the archive has what is on the disk" in capsys.readouterr().err
    parts = unpacked((tmp_path / "b.tgz").read_bytes())
    assert "recording.jsonl.gz: chargepointd is not running" in parts["missing.txt"].decode()
    session = json.loads(parts["state.json"])["sessions"]["$dict"][0][1]
    assert session["authorized"]
    assert len(session["token"]["value"]) == len(TOKEN)
    assert json.loads(parts["configuration.json"])["station"]["id"] == "TEST001"
    check_secrets(parts)


def test_of_a_daemon_that_stands_still_too(
    csms: Csms, dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "ALIVE_S", 0.5)
    with station(csms, dialect) as made:
        begin(made, csms)
        os.kill(made.pid, signal.SIGSTOP)
        code = bundle(tmp_path, "--state-dir", made.state_dir, "--config", made.config_file)
        os.kill(made.pid, signal.SIGCONT)
        finish(made, csms)
    assert code == cli.NOT_RUNNING
    [file] = tmp_path.glob("bundle-TEST001-*.tar.gz")
    parts = unpacked(file.read_bytes())
    assert "does not answer" in parts["missing.txt"].decode()
    assert json.loads(parts["state.json"])["sessions"]["$dict"]
    check_secrets(parts)


@pytest.mark.parametrize("there", [True, False])
def test_where_there_is_nothing_the_bundle_says_so(there: bool, tmp_path: Path) -> None:
    if there:
        (tmp_path / "empty").mkdir()
    code = bundle(tmp_path / "b.tgz", "--state-dir", tmp_path / "empty", "--config", tmp_path / "none.toml")
    assert code == cli.NOT_RUNNING
    missing = unpacked((tmp_path / "b.tgz").read_bytes())["missing.txt"].decode()
    assert "state.json: " in missing
    assert "configuration.json: " in missing
