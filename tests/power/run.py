"""One visit of a real station, with the cuts it is to have."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, TypeVar

from tests.csms import Csms
from tests.daemon.config import Config, ac_station, dc_evse
from tests.daemon.process import TIMEOUT_S, Station
from tests.daemon.visit import BRISK, until
from tests.power import saboteur
from tests.power.judge import EVSES, Outcome, complaints, outcome
from tests.power.saboteur import Cut
from tests.power.visit import Dark, Visit
from tests.power.words import Words
from tests.servers.web import web_server

T = TypeVar("T")

DIALECTS = ("1.6", "2.0.1")
SUPPLIES = ("AC", "DC")
LIMITS = {"AC": ("A", 10.0), "DC": ("W", 7000.0)}
SETTLED_S = 30.0
IMAGE = "firmware.bin"
INSTALLER = {
    # One that goes on where the power was cut: asked what became of it, it has installed.
    "install_command": ["true"], "status_command": ["true"], "allow_unsigned": True,
    # Else it would take EVSEs out of service, and their reservations with them.
    "during_transactions": True,
}  # fmt: skip
DC_CARS = {
    "supply": "DC", "fixed_cable": True, "dc_max_power_w": 400_000, "dc_max_current_a": 500, "car_voltage_v": 800,
    "car_power_w": 11_000,
}  # fmt: skip


class Case(NamedTuple):
    dialect: str
    supply: str

    @property
    def name(self) -> str:
        return f"{self.dialect} {self.supply}"


CASES = tuple(Case(dialect, supply) for dialect in DIALECTS for supply in SUPPLIES)


class Told(NamedTuple):
    """How a visit went."""

    cuts: tuple[Cut, ...]
    """those that struck"""
    complaints: tuple[str, ...]
    outcome: Outcome | None
    """none where it came to no end"""
    passed: tuple[str, ...]
    """the moments, over all starts"""
    evidence: str = ""
    """of a visit that failed"""


def play(case: Case, cuts: Sequence[Cut] = (), uncut: Outcome | None = None) -> Told:
    """A visit from plug-in to the end. Cuts that would come after it do not strike."""
    with _stage(case, cuts) as (csms, station, visit):
        try:
            _go_through(station, visit)
            found = _seen(station, lambda: _settled(lambda: complaints(csms, visit, uncut, case.dialect)))
            came_of_it = _seen(station, lambda: outcome(csms, visit))
        except (AssertionError, OSError) as error:
            found, came_of_it = [f"in stage {visit.stage}: {error!r}"], None
        if "Traceback" in station.log:
            found.append("a traceback in the log")
        struck = tuple(cuts[: len(cuts) - saboteur.left(station.home)])
        passed = saboteur.passed(station.home)
        evidence = "\n\n".join(("\n".join(passed), csms.transcript.render(), station.log)) if found else ""
        return Told(struck, tuple(found), came_of_it, tuple(passed), evidence)


def _settled(complaints: Callable[[], list[str]]) -> list[str]:
    """What is left of them when everything has been told that will be."""
    deadline = time.monotonic() + SETTLED_S
    while (found := complaints()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _seen(station: Station, look: Callable[[], T]) -> T:
    """What is there when the visit is over. What needs no hurry is written then, and a cut may strike there too."""
    while True:
        try:
            return look()
        except Dark:
            station.kill()
            station.start()
            until(lambda: not station.running or station.notify.find("READY", "1"), "start", TIMEOUT_S)


def _go_through(station: Station, visit: Visit) -> None:
    station.start()
    while not visit.over:
        until(lambda: not station.running or station.notify.find("READY", "1"), "start", TIMEOUT_S)
        try:
            while not visit.over:
                visit.go_on()
        except Dark:
            station.kill()  # what it has started, as the power would
            station.start()


@contextmanager
def _stage(case: Case, cuts: Sequence[Cut]) -> Iterator[tuple[Csms, Station, Visit]]:
    with Csms(versions=(case.dialect,), audit=False) as csms, ExitStack() as stack:
        station = Station(_config(case, csms.url), command=saboteur.COMMAND)
        stack.push(station)
        saboteur.plan(station.home, cuts)
        (station.home / IMAGE).write_bytes(bytes(20_000))
        web = stack.enter_context(web_server(station.home))
        web.go_on.clear()
        visit = Visit(csms, station, Words(csms, LIMITS[case.supply]), web.url(IMAGE), web.go_on.set)
        visit.hurries = case.supply == "AC"
        yield csms, station, visit
        station.kill()
        station.allow_tracebacks = True  # it was looked for
        csms.take_violations()
        csms.mistakes.clear()


def _config(case: Case, url: str) -> Config:
    """A sample every second, an eager car, no patience between two attempts."""
    config = ac_station(url, evses=len(EVSES), versions=(case.dialect,), variables=BRISK)
    config["drivers"]["sim"] |= {"reaction_s": 0.1} | (DC_CARS if case.supply == "DC" else {})
    config["firmware"] = INSTALLER
    if case.supply == "DC":
        config["evse"] = [dc_evse(number) for number in EVSES]
    return config
