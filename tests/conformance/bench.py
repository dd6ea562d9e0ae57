"""What is the same in every version: what people do at the station, what they see there, the link, the queue."""

import json

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import until

TOKEN = "04A2B3C4D5E680"
OTHER_TOKEN = "04FFEEDDCCBBAA"
GROUP = "GROUP-A"
STARTUP = ("StartupOfTheDevice", "ResetOrReboot")


class Bench:
    """`evses`: the connectors of each EVSE of the station under test."""

    def __init__(self, csms: Csms, station: Station) -> None:
        self.csms = csms
        self.station = station
        self.evses = {evse["id"]: [c["id"] for c in evse["connector"]] for evse in station.config["evse"]}

    # -- at the station ------------------------------------------------------------------------------------------

    def present(self, token: str = TOKEN, kind: str = "ISO14443") -> None:
        """A token is presented at the reader."""
        self.station.ctl("sim.swipe", token=token, type=kind)

    def press(self, keys: str, device: str = "keypad") -> None:
        """Somebody types at the keypad, or presses a button."""
        for key in keys:
            self.station.ctl("sim.press", key=key, device=device)

    def shown(self) -> list[str]:
        """What the display shows."""
        lines: list[str] = self.station.ctl("sim.display")["lines"]
        return lines

    def let_in(self, token: str) -> bool:
        """Whether somebody is authorized by it, at an EVSE or before anybody knows where."""
        status = self.station.ctl("status")
        sessions = [evse.get("session", {}) for evse in status["evses"]]
        known = [s["token"] for s in sessions if s.get("authorized")] + [seat["token"] for seat in status["lobby"]]
        return any(shown and token.endswith(shown.strip("…")) for shown in known)

    def power_w(self, evse: int = 1) -> float:
        """What flows at this EVSE now."""
        return float(self.station.ctl("sim.state")["evses"][evse - 1]["power_w"])

    def unplug(self, evse: int = 1) -> None:
        """The plug is pulled as soon as it is let go."""
        until(lambda: not self.station.ctl("sim.state")["evses"][evse - 1]["locked"], "unlocked plug")
        self.station.ctl("sim.plug_out", evse=evse)

    def unplug_at_ev(self, evse: int = 1) -> None:
        """The EV is unplugged at its own end; a detachable cable stays in the socket."""
        self.station.ctl("sim.plug_out", evse=evse, side="ev")

    def leaves_in_the_dark(self, evse: int = 1) -> None:
        """The EV is gone when the power comes back: in the file with what survives of the simulated world."""
        file = self.station.state_dir / "sim-sim.register"
        kept = json.loads(file.read_text(encoding="utf-8"))
        kept[str(evse)] |= {"connector": 0, "plugs": [False], "passing": 0}
        file.write_text(json.dumps(kept), encoding="utf-8")

    def locked(self, evse: int = 1) -> bool:
        """Whether the station holds its end of the cable."""
        return bool(self.station.ctl("sim.state")["evses"][evse - 1]["locked"])

    def drive_in(self, evse: int = 1) -> None:
        """ParkingBayOccupied: the EV enters the bay."""
        self.station.ctl("sim.drive_in", evse=evse)

    def drive_out(self, evse: int = 1) -> None:
        """ParkingBayUnoccupied: the EV leaves it."""
        self.station.ctl("sim.drive_out", evse=evse)

    # -- the link ------------------------------------------------------------------------------------------------

    def link_cut(self) -> None:
        """The tester breaks the link, when all events so far have been answered, and refuses reconnects."""
        self.delivered()
        self.csms.offline()

    def link_back(self) -> None:
        self.csms.online()
        self.csms.wait_connected()

    def queued(self, least: int) -> None:
        """At least so many transaction events wait to be sent."""
        until(lambda: self.station.ctl("outbox")["queued"] >= least, f"{least} queued events")

    def delivered(self) -> None:
        """No transaction event waits any more."""
        until(lambda: self.station.ctl("outbox")["queued"] == 0, "empty outbox", timeout=20)
