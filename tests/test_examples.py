"""The configurations in etc/ are what a newcomer starts from: each must be one the daemon takes."""

import subprocess
import sys
from pathlib import Path
from re import DOTALL, findall

import pytest

from chargepointd.config import load
from chargepointd.hardware.bindings import bindings

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "etc").glob("*.toml"))


def test_the_promised_examples_are_there() -> None:
    assert {"demo.toml", "ac-station.toml", "dc-station.toml", "dc-bench.toml"} <= {file.name for file in FILES}


@pytest.mark.process
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_daemon_takes_it(file: Path) -> None:
    command = [sys.executable, "-m", "chargepointd", "--check-config", "--config", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{file}: ok\n"


@pytest.mark.parametrize("name", ["demo.toml", "dc-bench.toml"])
def test_a_bench_station_needs_no_hardware(name: str) -> None:
    config = load(ROOT / "etc" / name)
    assert {driver.driver.name for driver in config.drivers} == {"simulator"}
    assert config.csms.url == "ws://127.0.0.1:9180/ocpp"


def test_what_the_readme_shows_can_be_added_to_a_station(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "station.toml").write_bytes((ROOT / "etc" / "demo.toml").read_bytes())
    shown = findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), DOTALL)
    for number, text in enumerate(shown):
        (tmp_path / "conf.d" / f"{number}.toml").write_text(text, "utf-8")
    assert len(shown) >= 5
    assert load(tmp_path / "station.toml").csms.security_profile == 2


def test_the_dc_examples_are_of_one_shape() -> None:
    real, bench = (load(ROOT / "etc" / name) for name in ("dc-station.toml", "dc-bench.toml"))
    for config in (real, bench):
        assert [evse.connector[0].type for evse in config.evse] == ["cCCS2", "cCCS2", "cTesla", "cTesla"]
        assert {evse.supply for evse in config.evse} == {"DC"}
        assert {evse.max_power_w for evse in config.evse} == {400_000.0}
        assert (len(config.reader), len(config.display)) == (1, 1)
    assert {evse.supply_device.partition(".")[0] for evse in real.evse} == {"power1", "power2", "power3", "power4"}


def test_the_ac_example_simulates_nothing() -> None:
    config = load(ROOT / "etc" / "ac-station.toml")
    assert {driver.driver.name for driver in config.drivers} == {"openevse-rapi", "modbus-meter", "pn532"}
    assert {evse.connector[0].cable for evse in config.evse} == {"detachable"}
    assert {binding.role for binding in bindings(config)} == {"pilot", "contactor", "lock", "meter", "reader"}
