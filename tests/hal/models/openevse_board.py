"""An OpenEVSE board with a car in front of it, at the end of a pseudo-terminal.

Written from the description of RAPI in OpenEVSE/open_evse (firmware/open_evse/rapi_proc.h) and IEC 61851-1 Annex A,
independent of the driver under test. The board closes its relay when it is enabled and the car asks (state C); the car
asks while it wants energy and sees the PWM, and goes back to B when the PWM ends.
"""

import time
from collections.abc import Callable

from tests.hal.models.pty_device import PtyDevice

TRIPS = {"diode": 5, "gfi": 6, "ground": 7, "stuck relay": 8, "gfi test": 9, "hot": 10, "over-current": 11, "relay": 14}
REACTION_S = 0.02
"""How long the car takes to see that the PWM began or ended"""


class Faults:
    """What goes wrong. Numbers are how many requests or replies it still befalls."""

    def __init__(self) -> None:
        self.silent = 0
        """requests not heard"""
        self.deaf_to_replies = 0
        """requests obeyed whose reply gets lost"""
        self.garble = 0
        """replies with a flipped bit"""
        self.half = 0
        """replies that break off"""
        self.late = 0
        """replies that come `late_s` late"""
        self.late_s = 0.3
        self.merge = 0
        """replies glued between two unasked lines, after line noise"""
        self.boot = 0
        """requests during which the board restarts"""
        self.misheard = 0
        """requests whose checksum the board finds wrong"""
        self.refuse: set[str] = set()
        """commands answered with $NK"""
        self.no_checksum = False
        self.welded = False
        """the relay does not open"""
        self.stubborn = False
        """the car goes on drawing without PWM; the board opens under load after a second"""
        self.ignores_sleep = False
        """$FS is answered but the relay stays closed; $FD works"""

    def strikes(self, name: str) -> bool:
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


class OpenEvseBoard(PtyDevice):
    def __init__(self, *, protocol: str = "5.2.1", hardware_max_a: int = 32, stored_a: int = 24) -> None:
        super().__init__()
        self.faults = Faults()
        self.protocol = protocol
        self.hardware_max_a = hardware_max_a
        self.stored_a = stored_a
        self.requests: list[str] = []
        """all proper requests heard, without sequence id and checksum"""
        self.plugged = False
        self.wants = False
        self.boot_locked = False
        self.auth_locked = False
        self.total_wh = 1_000
        self.session_ws = 0
        self.ammeter = True
        self.lock_state = "0"
        self.lock_mode = "A"
        self._tripped = 0
        self._line = b""
        self._age = 0
        self._restart()

    # What a person does

    def plug(self, *, wants: bool = True) -> None:
        with self._lock:
            self.plugged, self.wants, self.session_ws = True, wants, 0
            self._settle()

    def unplug(self) -> None:
        with self._lock:
            self.plugged = self.wants = False
            self.total_wh += self.session_ws // 3600
            self._car_draws = False
            self._settle()

    def car_wants(self, wants: bool) -> None:
        with self._lock:
            self.wants = wants
            self._settle()

    def trip(self, what: str) -> None:
        with self._lock:
            self._tripped = TRIPS[what]
            self._settle()

    def clear(self) -> None:
        with self._lock:
            self._tripped = 0
            self._settle()

    def meter_counts(self, watt_seconds: int) -> None:
        with self._lock:
            self.session_ws += watt_seconds

    def press_button(self, mode: str) -> None:
        """Somebody at the panel: "on" or "sleep"."""
        with self._lock:
            self.mode = mode
            self._settle()

    def boot(self, post_code: str = "00", *, announce: bool = True) -> None:
        """The board restarts: what is not stored is forgotten, and it wakes up enabled."""
        with self._lock:
            self._restart()
            if announce:
                self._say(f"AB {post_code} 8.2.1")
            self._settle()

    # What can be seen

    @property
    def pilot_amps(self) -> int:
        """What the PWM offers; 0 without PWM."""
        return self._effective_a() if self._pwm() else 0

    def heard(self, request: str) -> int:
        with self._lock:
            return self.requests.count(request)

    # The board

    def powered_up(self) -> None:
        self._restart()
        self._settle()

    def _restart(self) -> None:
        self.mode = "on"
        self.amps = self.stored_a
        self.relay_closed = False
        self._car_draws = False
        self.heartbeat_s = 0
        self.heartbeat_a = 0
        self.heartbeat_missed = False
        self._pulse_at = 0.0
        self._line = b""
        self._told = ""

    def _pwm(self) -> bool:
        return self.mode == "on" and not self._tripped and not self.boot_locked and self._effective_a() >= 6

    def _effective_a(self) -> int:
        return min(self.amps, self.heartbeat_a) if self.heartbeat_missed else self.amps

    def _state(self) -> int:
        if self._tripped:
            return self._tripped
        if self.mode == "sleep":
            return 0xFE
        if self.mode == "disabled":
            return 0xFF
        return self._pilot()

    def _pilot(self) -> int:
        if not self.plugged:
            return 1
        return 3 if self._car_draws else 2

    def _flags(self) -> int:
        flags = (0x0002 if self._tripped else 0) | (0x0040 if self.relay_closed else 0)
        flags |= (0x0100 if self.plugged else 0) | (0x4000 if self.boot_locked else 0)
        return flags | (0x0008 if self.auth_locked else 0)

    def _settle(self) -> None:
        """Bring relay and car to where the facts lead; tell when the state is another."""
        wants_to_draw = self.plugged and self.wants and (self._pwm() or self.faults.stubborn)
        if wants_to_draw != self._car_draws:
            self.later(REACTION_S, self._car_reacts)
        self._switch_relay()
        state = f"{self._state():02x} {self._pilot():02x} {self.pilot_amps} {self._flags():04x}"
        if state != self._told:
            self._told = state
            self._say(f"AT {state}")
        self.told()

    def _switch_relay(self) -> None:
        graceful = self.mode == "sleep" and self._car_draws and not self._tripped
        if self._pwm() and self._car_draws and not self.auth_locked:
            self.relay_closed = True
        elif not graceful and not self.faults.welded:
            self.relay_closed = False
        elif graceful and not self.faults.ignores_sleep:
            self.later(1.0, self._open_under_load)

    def _open_under_load(self) -> None:
        if self.mode != "on" and not self.faults.welded and not self.faults.ignores_sleep:
            self.relay_closed = False
            self._settle()

    def _car_reacts(self) -> None:
        draws = self.plugged and self.wants and (self._pwm() or (self._car_draws and self.faults.stubborn))
        if draws != self._car_draws:
            self._car_draws = draws
            self._settle()

    # The line

    def received(self, data: bytes) -> None:
        self._line += data
        while b"\r" in self._line:
            line, _, self._line = self._line.partition(b"\r")
            self._hear(line.decode("latin-1"))

    def _hear(self, line: str) -> None:
        if self.faults.strikes("silent"):
            return
        body, _, check = line.partition("^")
        if self.faults.strikes("misheard") or not body.startswith("$") or check.upper() != _xor(body):
            self._say("NK")
            return
        words = body[1:].split()
        tag = f" {words.pop()}" if words[-1].startswith(":") and self._numbered() else ""
        self.requests.append(" ".join(words))
        if self.faults.strikes("boot"):
            self.boot()
            return
        answer = "NK" if words[0] in self.faults.refuse else self._obey(words)
        if not self.faults.strikes("deaf_to_replies"):
            self._reply(answer + tag)
        self._settle()

    def _numbered(self) -> bool:
        return int(self.protocol.split(".")[0]) >= 3

    def _reply(self, text: str) -> None:
        line = _framed(text, checked=not self.faults.no_checksum)
        if self.faults.strikes("garble"):
            line = line[:4] + chr(ord(line[4]) ^ 0x02) + line[5:]
        if self.faults.strikes("half"):
            line = line[: len(line) // 2]
        if self.faults.strikes("merge"):
            noise = _framed("AN 0") + "\x00\x7fxx"
            line = noise + line + _framed(f"AT {self._told or '01 01 0 0000'}")
        if self.faults.strikes("late"):
            self.later(self.faults.late_s, lambda: self.transmit(line.encode("latin-1")))
            return
        self.transmit(line.encode("latin-1"))

    def _say(self, text: str) -> None:
        self.transmit(_framed(text).encode("latin-1"))

    def _obey(self, words: list[str]) -> str:
        command: Callable[[list[str]], str] | None = getattr(self, f"_on_{words[0].lower()}", None)
        return command(words[1:]) if command else "NK"

    def _on_gs(self, words: list[str]) -> str:
        self._age += 1
        return f"OK {self._state():02x} {self._age} {self._pilot():02x} {self._flags():04x}"

    def _on_gv(self, words: list[str]) -> str:
        return f"OK 8.2.1 {self.protocol}"

    def _on_ge(self, words: list[str]) -> str:
        return f"OK {self._effective_a()} 0000"

    def _on_gg(self, words: list[str]) -> str:
        milliamps = (self._effective_a() * 1000 if self.relay_closed else 0) if self.ammeter else -1
        return f"OK {milliamps} {230_000 if self.ammeter else -1}"

    def _on_gu(self, words: list[str]) -> str:
        return f"OK {self.session_ws} {self.total_wh}"

    def _on_sc(self, words: list[str]) -> str:
        asked = int(words[0])
        taken = max(6, min(asked, self.hardware_max_a))
        self.amps = taken
        if "V" not in words:
            self.stored_a = taken
        return f"{'OK' if taken == asked else 'NK'} {taken}"

    def _on_fe(self, words: list[str]) -> str:
        self.mode = "on"
        return "OK"

    def _on_fs(self, words: list[str]) -> str:
        self.mode = "sleep"
        return "OK"

    def _on_fd(self, words: list[str]) -> str:
        self.mode = "disabled"
        return "OK"

    def _on_sb(self, words: list[str]) -> str:
        self.boot_locked = False
        return "OK"

    def _on_s4(self, words: list[str]) -> str:
        self.auth_locked = words == ["1"]
        return "OK"

    def _on_s5(self, words: list[str]) -> str:
        if words[0] in "AM":
            self.lock_mode = words[0]
        elif self.lock_mode == "M":
            self.lock_state = words[0]
        return "OK"

    def _on_g5(self, words: list[str]) -> str:
        return f"OK {self.lock_state} {self.lock_mode}"

    def _on_sy(self, words: list[str]) -> str:
        if len(words) == 2:
            self.heartbeat_s, self.heartbeat_a, self.heartbeat_missed = int(words[0]), int(words[1]), False
        elif words == ["165"]:
            self.heartbeat_missed = False
        self._pulse_at = time.monotonic()
        if self.heartbeat_s:
            self.later(self.heartbeat_s, self._supervise)
        status = f"{self.heartbeat_s} {self.heartbeat_a} {2 if self.heartbeat_missed else 0}"
        return f"{'NK' if self.heartbeat_missed else 'OK'} {status}"

    def _supervise(self) -> None:
        if self.heartbeat_s and time.monotonic() - self._pulse_at >= self.heartbeat_s:
            self.heartbeat_missed = True
            self._settle()


def _xor(text: str) -> str:
    check = 0
    for character in text.encode("latin-1"):
        check ^= character
    return f"{check:02X}"


def _framed(text: str, checked: bool = True) -> str:
    return f"${text}^{_xor('$' + text)}\r" if checked else f"${text}\r"
