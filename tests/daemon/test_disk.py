"""A disk that fills up is an event, once each time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargepointd.core import events as e
from chargepointd.core import messages as m
from chargepointd.daemon import disk
from tests.core.world import World


def test_each_time_the_disk_fills_up_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    low = disk.LOW_BYTES
    readings: Iterator[int] = iter([low, low - 1, low - 2, low + 1, 5])
    monkeypatch.setattr(disk, "_free", lambda directory: next(readings))
    monkeypatch.setattr(disk, "EVERY_S", 0.0)
    posted: list[Any] = []
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(disk.watch(tmp_path, posted.append))
    assert posted == [e.StorageLow(low - 1), e.StorageLow(low + 1, over=True), e.StorageLow(5)]


def test_the_real_disk_has_a_size(tmp_path: Path) -> None:
    assert (disk._free(tmp_path) or 0) > 0
    assert disk._free(tmp_path / "absent") is None


def test_the_csms_hears_of_it() -> None:
    w = World("2.0.1").online()
    w.tell(e.StorageLow(5_000_000))
    told = w.told(m.SecurityEvent)[-1]
    assert (told.kind, told.info) == ("MemoryExhaustion", "5 MB are left on the disk")
    w.tell(e.StorageLow(50_000_000, over=True))
    assert w.told(m.SecurityEvent)[-1] is told
