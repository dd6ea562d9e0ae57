"""The power is cut at twenty moments of visits, and the books stay right.

A person goes through visit after visit, looking at the station as people do, while a saboteur kills the process: when
the n-th message has crossed the wire, when the n-th event has been told to a watcher, or after a while. Each time it is
started again and the visit goes on where it was: the car is still plugged in, the meter has kept its register.

POWER_CUT_SEED chooses other moments; the seed and the moments are printed, and shown when the test fails.
"""

import os
import random
import signal
import threading
from typing import Any, NamedTuple

import pytest

from tests.csms import Csms
from tests.daemon import control
from tests.daemon.process import Station
from tests.daemon.visit import TOKEN, brisk, delivered, true_to, until

pytestmark = pytest.mark.process

CUTS = 20
ENERGY_WH = 2.0
"""what a visit is to bring: 0.7 s at 11 kW, with a sample or two in it"""
PATIENCE_S = 8.0


class Dark(Exception):
    """The process is gone."""


class Saboteur:
    """Cuts the power once, at a moment drawn by `chance`; `arm` anew after each start."""

    def __init__(self, csms: Csms, station: Station, chance: random.Random) -> None:
        self._csms, self._station, self._chance = csms, station, chance
        self._calm = threading.Event()
        self._thread: threading.Thread | None = None
        self.moments: list[str] = []
        self.struck = False
        """since it was armed"""

    @property
    def cuts(self) -> int:
        return len(self.moments)

    def arm(self) -> None:
        wait, moment = self._chance.choice((self._message, self._event, self._while))()
        self._thread = threading.Thread(target=self._strike, args=(wait, moment, self._station.pid), daemon=True)
        self._thread.start()

    def rest(self) -> None:
        self.struck = False

    def disarm(self) -> None:
        """When this returns no cut is coming any more."""
        self._calm.set()
        self._csms.transcript.notify()
        if self._thread:
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive()

    def _strike(self, wait: Any, moment: str, pid: int) -> None:
        wait()
        if not self._calm.is_set():
            self.struck = True
            self.moments.append(moment)
            os.killpg(pid, signal.SIGKILL)

    def _message(self) -> tuple[Any, str]:
        count = self._chance.randint(1, 24)
        due = len(self._csms.transcript) + count
        transcript = self._csms.transcript

        def wait() -> None:
            transcript.until(lambda: len(transcript) >= due or self._calm.is_set(), PATIENCE_S)

        return wait, f"message {count}"

    def _event(self) -> tuple[Any, str]:
        count = self._chance.randint(1, 12)
        watch = self._station.watch()

        def wait() -> None:
            with watch as events:
                for _ in range(count):
                    while not self._calm.is_set():
                        try:
                            events.wait(timeout=0.1)
                            break
                        except AssertionError:
                            continue  # nothing happened yet

        return wait, f"event {count}"

    def _while(self) -> tuple[Any, str]:
        seconds = self._chance.uniform(0.0, 1.6)
        return lambda: self._calm.wait(seconds), f"{seconds:.3f} s"


class Visit(NamedTuple):
    before_wh: float
    after_wh: float


class Person:
    """Goes through visits and tries again what a power cut took away. Every look at the station may end in Dark."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self.visits: list[Visit] = []
        self._stages = (self._plug_in, self._tap, self._charge, self._tap_again, self._leave)
        self._stage = 0
        self._before_wh = 0.0

    @property
    def gone(self) -> bool:
        """Between two visits."""
        return self._stage == 0

    def go_on(self) -> None:
        """One stage further, or as far as the power lasts."""
        self._stages[self._stage]()
        self._stage = (self._stage + 1) % len(self._stages)

    def ask(self, method: str, **params: Any) -> Any:
        try:
            return control.call(self._station.socket, method, params, PATIENCE_S)
        except (OSError, ValueError) as error:  # refused, reset, half an answer
            until(lambda: not self._station.running, f"end of the process that answered {error!r}")
            raise Dark from error

    def _world(self) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("sim.state")["evses"][0]
        return told

    def _session(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.ask("status")["evses"][0].get("session", {})
        return shown

    def _plug_in(self) -> None:
        if not self._world()["connector"]:
            self._before_wh = self._world()["energy_wh"]
            self.ask("sim.plug_in", evse=1)

    def _tap(self) -> None:
        until(lambda: self.ask("status")["csms"]["registration"] == "Accepted" and self._session().get("cable"), "CSMS")
        if not self._charges():
            self.ask("sim.swipe", token=TOKEN)
        until(self._charges, "transaction", PATIENCE_S)

    def _charges(self) -> bool:
        return "transaction_id" in self._session() or self._session().get("authorized", False)

    def _charge(self) -> None:
        self._tap()  # what was seen of the last tap may not have been on the disk when the power was cut
        until(lambda: self._world()["energy_wh"] >= self._before_wh + ENERGY_WH, "energy", 20.0)

    def _tap_again(self) -> None:
        if self._session().get("authorized"):
            self.ask("sim.swipe", token=TOKEN)
        until(lambda: "transaction_id" not in self._session(), "end of the transaction", 20.0)

    def _leave(self) -> None:
        if self._world()["connector"]:
            until(lambda: not self._world()["locked"], "unlocked plug")
            self.ask("sim.plug_out", evse=1)
        self.visits.append(Visit(self._before_wh, self._world()["energy_wh"]))


def test_twenty_power_cuts(csms: Csms, dialect: str) -> None:
    seed = int(os.environ.get("POWER_CUT_SEED", "2026"))
    with Station(brisk(csms.url, dialect)) as station:
        saboteur, person = Saboteur(csms, station, random.Random(f"{seed} {dialect}")), Person(station)
        saboteur.arm()
        try:
            while saboteur.cuts < CUTS or not person.gone:
                try:
                    person.go_on()
                except Dark:
                    _restart(station, saboteur)
        finally:
            saboteur.disarm()
            print(f"POWER_CUT_SEED={seed}, visits: {len(person.visits)}, cuts: {', '.join(saboteur.moments)}")
        if saboteur.struck:
            _restart(station, saboteur)
        delivered(station)
        check(csms, person.visits, dialect)


def _restart(station: Station, saboteur: Saboteur) -> None:
    station.kill()
    station.start()
    station.wait_ready()
    saboteur.rest()
    if saboteur.cuts < CUTS:
        saboteur.arm()


def check(csms: Csms, visits: list[Visit], dialect: str) -> None:
    """One start and one end a visit, no gap (the books' own check), and the energy that the meter measured."""
    transactions = list(csms.books.transactions.values())
    assert len(transactions) == len(visits)
    assert csms.books.check() == []
    for transaction, visit in zip(transactions, visits, strict=True):
        assert (transaction.kinds.count("Started"), transaction.kinds.count("Ended")) == (1, 1)
        assert (transaction.token, transaction.reason) == (TOKEN, "Local")
        assert true_to(visit.after_wh - visit.before_wh, transaction.energy_wh, dialect), (visit, transaction.samples)
