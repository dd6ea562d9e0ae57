"""The systemd unit says what the daemon needs and promises."""

import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from chargepointd import app
from chargepointd.daemon import ending
from hal.health import Limits

UNIT = Path(__file__).parents[2] / "systemd" / "chargepointd.service"
LONGEST_SAFE_S = Limits().safe_timeout_s + Limits().leave_timeout_s + 0.5
"""that a driver takes at the end"""


def service() -> dict[str, str]:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def test_the_unit_speaks_the_daemons_protocol() -> None:
    unit = service()
    assert unit["Type"] == "notify"
    assert int(unit["WatchdogSec"]) > 0
    assert int(unit["TimeoutStopSec"]) >= LONGEST_SAFE_S + ending.END_S + 2 * ending.SAY_S + 5
    assert unit["RestartPreventExitStatus"] == str(app.EXIT_CONFIG)
    assert str(app.DEFAULT_CONFIG) in unit["ExecStart"]
    assert Path("/var/lib") / unit["StateDirectory"] == app.DEFAULT_STATE


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_finds_it_well_hardened() -> None:
    checked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout[-2000:] + checked.stderr
