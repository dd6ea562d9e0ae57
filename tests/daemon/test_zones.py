"""Time zones by name."""

import pytest

from chargepointd.daemon.zones import offset_s

SUMMER, WINTER = 1_816_000_000.0, 1_800_000_000.0


def test_a_zone_knows_its_transitions() -> None:
    assert offset_s("Europe/Oslo", WINTER) == 3600
    assert offset_s("Europe/Oslo", SUMMER) == 7200
    assert offset_s("Etc/UTC", SUMMER) == 0


@pytest.mark.parametrize("name", ["Europe", "Nowhere/Atlantis", "../../etc/passwd", "/etc/localtime", "x\0y"])
def test_what_is_no_zone(name: str) -> None:
    assert offset_s(name, WINTER) is None
