"""A day of the real daemon in seconds: that it is a day for it, and for all it talks to."""

import asyncio
from collections.abc import Callable

import pytest

from tests.daemon.config import Config, ac_station
from tests.soak.site import DAY_S, Site

pytestmark = pytest.mark.process
TOKEN = "04A2B3C4D5E680"


def station(version: str) -> Callable[[str], Config]:
    def configure(url: str) -> Config:
        config = ac_station(url, versions=(version,))
        return config | {"log": {"level": "info"}}

    return configure


async def one_visit(site: Site) -> None:
    await site.csms.online()
    await site.start()
    await site.until(lambda: site.csms.counts["StatusNotification"], "status")
    await site.ask("sim.plug_in", evse=1)
    await asyncio.sleep(5)
    await site.ask("sim.swipe", token=TOKEN)
    await asyncio.sleep(3600)
    await site.ask("sim.swipe", token=TOKEN)
    await asyncio.sleep(60)
    await site.ask("sim.plug_out", evse=1)
    await site.until_day(1)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_day_with_a_visit(version: str) -> None:
    """An hour at 11 kW, with a sample a minute; a heartbeat each five minutes of the day; nothing sent twice."""
    site = Site(station(version), (version,))
    seen = site.run(one_visit_and_end)
    transaction = site.csms.books.only()
    assert site.csms.books.check() == [] and site.csms.violations == []
    assert 11_000 < (transaction.energy_wh or 0) < 11_050
    assert transaction.kinds.count("Updated") in (59, 60)
    assert transaction.duplicates == 0
    assert 280 <= site.csms.counts["Heartbeat"] <= DAY_S / 300
    assert seen == 0


async def one_visit_and_end(site: Site) -> int:
    await one_visit(site)
    return await site.end()


def test_a_reset_and_a_power_cut_keep_the_time() -> None:
    """The program that re-executes itself, and the one that is started again after an outage, go on where they were."""
    site = Site(station("2.0.1"), ("2.0.1",))
    assert site.run(reset_and_cut) == (3, 0)
    assert site.csms.counts["BootNotification"] == 3
    assert site.csms.violations == []


async def reset_and_cut(site: Site) -> tuple[int, int]:
    await site.csms.online()
    await site.start()
    await site.until(lambda: site.csms.counts["StatusNotification"], "status")
    await asyncio.sleep(1000)
    assert (await site.csms.call("Reset", {"type": "Immediate"}))["status"] == "Accepted"
    await site.until(lambda: site.csms.counts["BootNotification"] == 2, "second start")
    assert 1000 < site.now < 1100
    await asyncio.sleep(1000)
    site.cut()
    await asyncio.sleep(500)
    await site.restore()
    await site.until(lambda: site.csms.counts["BootNotification"] == 3, "third start")
    assert 2500 < site.now < 2700
    shown = (await site.ask("status"))["station"]
    assert shown["uptime_s"] < 200
    return site.stage.starts, await site.end()
