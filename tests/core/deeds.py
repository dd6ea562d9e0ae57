"""What may happen to any station, for the tests that try it in whatever order: by name, what is done with a number."""

from collections.abc import Callable

from chargepointd.core import commands as c
from tests.core.world import World

QUIET: dict[str, Callable[[World, int], object]] = {
    "plug": lambda w, n: w.plug(1 + n % 2),
    "unplug": lambda w, n: w.unplug(1 + n % 2),
    "unplug at the car": lambda w, n: w.unplug_at_car(1 + n % 2),
    "drive in": lambda w, n: w.drive_in(1 + n % 2),
    "drive out": lambda w, n: w.drive_out(1 + n % 2),
    "button": lambda w, n: w.push(1 + n % 2),
    "break": lambda w, n: w.break_(1 + n % 2),
    "mend": lambda w, n: w.mend(1 + n % 2),
    "wait": lambda w, n: w.after(float(n)),
}
"""without the CSMS, and without restarts"""
ANY: dict[str, Callable[[World, int], object]] = QUIET | {
    "online": lambda w, n: w.online(),
    "offline": lambda w, n: w.offline(),
    "inoperative": lambda w, n: w.ask(c.ChangeAvailability(False, n % 3)),
    "operative": lambda w, n: w.ask(c.ChangeAvailability(True, n % 3)),
    "reset": lambda w, n: w.ask(c.Reset(on_idle=n % 2 == 0)),
    "reset one": lambda w, n: w.ask(c.Reset(on_idle=n % 2 == 0, evse_id=1 + n // 2 % 2)),
    "reset and resume": lambda w, n: w.ask(c.Reset(on_idle=False, resumes=True)),
    "reset one and resume": lambda w, n: w.ask(c.Reset(on_idle=False, evse_id=1 + n % 2, resumes=True)),
    "cut": lambda w, n: w.cut(),
    "cut at once": lambda w, n: w.cut_at_once(),
    "cut before a commit": lambda w, n: w.cut_in(1 + n % 5, committed=False),
    "cut after a commit": lambda w, n: w.cut_in(1 + n % 5, committed=True),
    "CSMS slow": lambda w, n: setattr(w, "slow", True),
    "CSMS prompt": lambda w, n: setattr(w, "slow", False),
    "CSMS answers": lambda w, n: w.answer(),
    "no authorization": lambda w, n: w.configure("AuthCtrlr.Enabled", "true" if n % 2 else "false"),
    "keep the cable": lambda w, n: w.configure("OCPPCommCtrlr.UnlockOnEVSideDisconnect", "false"),
    "wait for the car": lambda w, n: w.configure("TxCtrlr.StopTxOnEVSideDisconnect", "false"),
}
