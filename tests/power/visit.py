"""A visit that goes through all that a power cut may break, and goes on where it was when the power is back.

What the CSMS was promised it does not ask for again: that has to hold. What the driver sees not to have happened is
done again. Every look at the station may end in `Dark`.
"""

from collections.abc import Callable
from typing import Any

from tests.csms import ConnectionLost, Csms
from tests.daemon import control
from tests.daemon.process import Station
from tests.daemon.visit import TOKEN, until
from tests.power.words import Words

PATIENCE_S = 60.0
ONLINE_WH, OFFLINE_WH = 4.0, 2.5
"""what flows while the CSMS is there, and while it is not: with a sample, and with some"""


class Dark(Exception):
    """The process is gone."""


class Visit:
    """image: where the firmware is; `go_on` lets its download come to its end, which is held back until then."""

    def __init__(self, csms: Csms, station: Station, words: Words, image: str, go_on: Callable[[], None]) -> None:
        self._csms, self._station, self._words = csms, station, words
        self._image, self._go_on = image, go_on
        self.hurries = False
        """the driver leaves in the moment the plug is let go. Where there is no lock, or after a power cut, only what
        was told to the CSMS proves that the end was kept"""
        self._stages = (
            *self._settings(),
            self._plug_in,
            self._tap,
            self._charge,
            self._reset,
            self._go_offline,
            self._charge_offline,
            self._come_online,
            self._tap_again,
            self._leave,
            self._install,
            self._settle,
        )
        self._stage = 0
        self.before_wh = self.after_wh = 0.0

    @property
    def over(self) -> bool:
        return self._stage == len(self._stages)

    @property
    def stage(self) -> str:
        return "end" if self.over else self._stages[self._stage].__name__.strip("_")

    def go_on(self) -> None:
        """One stage further. Dark: it is to be gone through again."""
        try:
            self._stages[self._stage]()
        except Dark:
            self.hurries = False
            raise
        self._stage += 1

    # -- looking at the station ----------------------------------------------------------------------------------------

    def ask(self, method: str, **params: Any) -> Any:
        try:
            return control.call(self._station.socket, method, params, PATIENCE_S)
        except (OSError, ValueError) as error:  # refused, reset, half an answer
            raise self._dark(error) from error

    def _dark(self, error: Exception) -> Dark:
        until(lambda: not self._station.running, f"end of the process that answered {error!r}")
        return Dark()

    def world(self, evse: int = 1) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("sim.state")["evses"][evse - 1]
        return told

    def _session(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.ask("status")["evses"][0].get("session", {})
        return shown

    def _registered(self) -> None:
        def look() -> bool:
            csms = self.ask("status")["csms"]
            return bool(csms["connected"] and csms["registration"] == "Accepted" and self._csms.connected)

        until(look, "registration", PATIENCE_S)

    # -- settings ------------------------------------------------------------------------------------------------------

    def _settings(self) -> tuple[Callable[[], None], ...]:
        words = self._words
        asked = (words.set_variable, words.reserve, words.close, words.limit, words.send_list, self._ask_for_update)
        return tuple(self._promised(each) for each in asked)

    def _promised(self, ask: Callable[[], str]) -> Callable[[], None]:
        def stage() -> None:
            self._registered()
            try:
                status = ask()
            except ConnectionLost as error:
                raise self._dark(error) from error
            assert status == "Accepted", f"{ask.__name__}: {status}"

        stage.__name__ = ask.__name__
        return stage

    def _ask_for_update(self) -> str:
        """The answer may have been lost; a second request would call the first one off."""
        if self.ask("status").get("firmware"):
            return "Accepted"
        return self._words.update_firmware(self._image)

    # -- the driver ----------------------------------------------------------------------------------------------------

    def _plug_in(self) -> None:
        if not self.world()["connector"]:
            self.before_wh = self.world()["energy_wh"]
            self.ask("sim.plug_in", evse=1)

    def _tap(self) -> None:
        self._registered()
        until(lambda: self._session().get("cable"), "cable", PATIENCE_S)
        if not self._charges():
            self.ask("sim.swipe", token=TOKEN)
        until(self._charges, "transaction", PATIENCE_S)

    def _charges(self) -> bool:
        shown = self._session()
        return "transaction_id" in shown or bool(shown.get("authorized"))

    def _charge(self) -> None:
        self._tap()  # what was seen of the last tap may not have been on the disk when the power was cut
        self._flowed(ONLINE_WH)

    def _reset(self) -> None:
        """One that interrupts only, with a plug that nobody pulls meanwhile."""
        self._registered()
        starts = self._starts()
        status = self.ask("reset", mode="resume")["status"]
        assert status == "Accepted", f"reset: {status}"
        until(lambda: self._starts() > starts or not self._station.running, "new start", PATIENCE_S)
        if not self._station.running:
            raise Dark
        until(lambda: self.world()["power_w"] > 0, "energy again", PATIENCE_S)

    def _starts(self) -> int:
        """How often the process has been ready: a reset begins anew in the same."""
        return sum("READY" in told.fields for told in self._station.notify.told)

    def _charge_offline(self) -> None:
        self._flowed(ONLINE_WH + OFFLINE_WH)

    def _flowed(self, energy_wh: float) -> None:
        until(lambda: self.world()["energy_wh"] >= self.before_wh + energy_wh, "energy", PATIENCE_S)

    def _tap_again(self) -> None:
        if self._session().get("authorized"):
            self.ask("sim.swipe", token=TOKEN)
        until(lambda: "transaction_id" not in self._session(), "end of the transaction", PATIENCE_S)

    def _leave(self) -> None:
        self._tap_again()  # as above
        if not self.hurries:
            until(self._told_that_it_is_over, "end in the books", PATIENCE_S)
        if self.world()["connector"]:
            until(lambda: not self.world()["locked"], "unlocked plug", PATIENCE_S)
            self.ask("sim.plug_out", evse=1)
        self.after_wh = self.world()["energy_wh"]

    def _told_that_it_is_over(self) -> bool:
        self.ask("status")  # Dark
        return not self._csms.books.open

    # -- the CSMS ------------------------------------------------------------------------------------------------------

    def _go_offline(self) -> None:
        self._csms.offline()

    def _come_online(self) -> None:
        self._csms.online()
        self._registered()

    def _install(self) -> None:
        self._go_on()
        until(lambda: not self.ask("status").get("firmware"), "end of the update", PATIENCE_S)

    def _settle(self) -> None:
        """Until the CSMS knows all."""
        self._registered()
        until(self._all_told, "last news", PATIENCE_S)

    def _all_told(self) -> bool:
        updated = self._csms.calls("SecurityEventNotification", {"type": "FirmwareUpdated"})
        return self.ask("outbox")["queued"] == 0 and bool(updated)
