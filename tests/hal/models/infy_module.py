"""A model of an InfyPower REG1K0100-like module and of two ways to reach it. Shares no code with the driver.

    with UdpWire() as wire, InfyModule(address=0, bus=wire) as module: ...
    with SlcanWire() as wire, InfyModule(address=0, bus=wire), InfyModule(address=1, bus=wire): ...

A wire runs in a thread of its own, so a test may also start the daemon as a process and point it to `wire.settings`,
which are the driver's configuration keys. Everything a test sets or reads is under `wire.changed`; wait with
`module.wait_for(condition, seconds)`.
"""

import os
import select
import socket
import struct
import threading
import time
import tty
from typing import Any, NamedTuple, Self

import msgpack

OVER_TEMPERATURE = (6, 4)
SHORT = (7, 0)
FAN = (6, 3)
POWER_LIMITED = (5, 0)
_TRIPS = {OVER_TEMPERATURE, SHORT}


class Load(NamedTuple):
    """A battery: takes current as soon as the output is above its own voltage."""

    emf_v: float = 350.0
    resistance_ohm: float = 0.5
    limit_a: float = 500.0


class InfyModule:
    """One module: ramps its voltage, feeds a load, watches over its controller's silence, answers."""

    def __init__(
        self,
        *,
        bus: "Wire",
        address: int = 0,
        group: int = 0,
        load: Load | None = None,
        silence_s: float = 10.0,
        slew_v_s: float = 5000.0,
        rating: tuple[int, int, float, int] = (1000, 50, 100.0, 30000),
        output_on: bool = False,
        acknowledges: bool = True,
        tells_available: bool = True,
    ) -> None:
        self.address, self.group, self.load = address, group, load
        self.silence_s, self.slew_v_s, self.rating = silence_s, slew_v_s, rating
        self.acknowledges, self.tells_available = acknowledges, tells_available
        self.commanded_on = output_on
        self.set_v, self.set_a = (400.0, 10.0) if output_on else (0.0, 0.0)
        self.temperature_c = 25
        self.flags: set[tuple[int, int]] = set()
        self.unplugged = False  # hears and says nothing
        self.mute = False  # hears, says nothing
        self.deaf_to_off = False  # its output relay is stuck
        self.error_code = 0
        self.voltage_v = self.current_a = 0.0
        self.seen: list[tuple[int, bytes]] = []  # identifiers and payloads that were for this module
        self.heard_at = self.ticked_at = time.monotonic()
        self.starved = False
        self._ramp_v = 0.0
        self._bus = bus

    def __enter__(self) -> Self:
        self._bus.attach(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.detach(self)

    @property
    def delivering(self) -> bool:
        return self.commanded_on and not self.starved and not self.flags & _TRIPS

    def change(self, **what: Any) -> None:
        """Injects: change(mute=True), change(flags={SHORT}), change(error_code=3) ..."""
        with self._bus.changed:
            for name, value in what.items():
                if not hasattr(self, name):
                    raise AttributeError(name)
                setattr(self, name, value)

    def wait_for(self, condition: Any, seconds: float = 60.0) -> None:
        with self._bus.changed:
            if not self._bus.changed.wait_for(lambda: condition(self), seconds):
                raise TimeoutError(f"module {self.address}: {vars(self)}")

    def commands(self, command: int) -> list[bytes]:
        with self._bus.changed:
            return [data for identifier, data in self.seen if identifier >> 16 & 0x3F == command]

    # ---- under the wire's lock

    def tick(self, now: float) -> None:
        passed, self.ticked_at = now - self.ticked_at, now
        if now - self.heard_at > self.silence_s:
            self.starved, self.commanded_on = True, False
        aim_v = self.set_v if self.delivering else 0.0
        step_v = self.slew_v_s * passed
        self._ramp_v += max(-step_v, min(step_v, aim_v - self._ramp_v))
        self.voltage_v, self.current_a = self._electrics()

    def _electrics(self) -> tuple[float, float]:
        if not self.delivering or self.load is None or self._ramp_v <= self.load.emf_v:
            return self._ramp_v, 0.0
        wanted_a = (self._ramp_v - self.load.emf_v) / self.load.resistance_ohm
        current_a = min(wanted_a, self.set_a, self.load.limit_a, self.rating[2])
        return self.load.emf_v + current_a * self.load.resistance_ohm, current_a

    def take(self, identifier: int, data: bytes, together: int, now: float) -> tuple[int, bytes] | None:
        """A frame on the wire; the answer to it. together: how many modules share a total current."""
        device, command, to, source = (
            identifier >> 22 & 0xF,
            identifier >> 16 & 0x3F,
            identifier >> 8 & 0xFF,
            identifier & 0xFF,
        )
        single = device == 0x0A and to == self.address
        many = (device == 0x0A and to == 0x3F) or (device == 0x0B and to in (self.group, 0x3F))
        if self.unplugged or identifier >> 26 or not 0xF0 <= source <= 0xF8 or not (single or many):
            return None
        self.seen.append((identifier, data))
        self.heard_at, self.starved = now, False
        error, answer = self._obey(command, data, together)
        is_set = command in (0x1A, 0x1B, 0x1C)
        if self.mute or many or (is_set and not self.acknowledges):
            return None
        return error << 26 | device << 22 | command << 16 | source << 8 | self.address, answer

    def _obey(self, command: int, data: bytes, together: int) -> tuple[int, bytes]:
        if self.error_code:
            return self.error_code, bytes(8)
        if command == 0x1A:
            if data[0] == 0 or not self.deaf_to_off:
                self.commanded_on = data[0] == 0
            return 0, data
        if command in (0x1B, 0x1C):
            return self._set(struct.unpack(">II", data), together if command == 0x1B else 1), data
        answer = self._tell(command)
        return (2, bytes(8)) if answer is None else (0, answer)

    def _set(self, wanted: tuple[int, int], together: int) -> int:
        voltage_v, current_a = wanted[0] / 1000, wanted[1] / 1000 / together
        if not self.rating[1] <= voltage_v <= self.rating[0] or current_a > self.rating[2]:
            return 3
        self.set_v, self.set_a = voltage_v, current_a
        return 0

    def _tell(self, command: int) -> bytes | None:
        if command == 0x03:
            return struct.pack(">ff", self.voltage_v, self.current_a)
        if command == 0x04:
            return self._status()
        if command == 0x0A:
            high_v, low_v, current_a, power_w = self.rating
            return struct.pack(">HHHH", high_v, low_v, int(current_a * 10), power_w // 10)
        if command == 0x0C and self.tells_available:
            return struct.pack(">HHxxxx", int(self.voltage_v * 10), int(self.rating[2] * 10))
        return None

    def _status(self) -> bytes:
        state = bytearray(8)
        state[2], state[4] = self.group, self.temperature_c & 0xFF
        for byte, bit in self.flags:
            state[byte] |= 1 << bit
        state[6] |= (not self.delivering) | self.starved << 7
        return bytes(state)


class Wire:
    """What modules hang on; owns the thread. A subclass knows how frames come and go."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._modules: list[InfyModule] = []
        self._wake, self._woken = os.pipe()[::-1]
        self._thread = threading.Thread(target=self._work, name="infy wire", daemon=True)
        self._stopping = False

    @property
    def settings(self) -> dict[str, Any]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        os.write(self._wake, b".")
        self._thread.join(5)
        os.close(self._wake)
        os.close(self._woken)
        self.close()

    def attach(self, module: InfyModule) -> None:
        with self.changed:
            self._modules.append(module)
        os.write(self._wake, b".")

    def detach(self, module: InfyModule) -> None:
        with self.changed:
            self._modules.remove(module)

    def say(self, identifier: int, data: bytes) -> None:
        """A frame out of the blue, as from another device on the bus."""
        with self.changed:
            self.give(identifier, data)

    def hear(self, identifier: int, data: bytes) -> None:
        now = time.monotonic()
        for module in self._modules:
            module.tick(now)
            answer = module.take(identifier, data, len(self._modules), now)
            if answer:
                self.give(*answer)

    def _work(self) -> None:
        while not self._stopping:
            sources = [self._woken, *self.sources()]
            ready = select.select(sources, [], [], 0.02 if self._modules else None)[0]
            if self._woken in ready:
                os.read(self._woken, 64)
            with self.changed:
                if set(ready) & set(self.sources()):
                    self.listen()
                for module in self._modules:
                    module.tick(time.monotonic())
                self.changed.notify_all()

    def sources(self) -> list[int]:
        raise NotImplementedError

    def listen(self) -> None:
        raise NotImplementedError

    def give(self, identifier: int, data: bytes) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class UdpWire(Wire):
    """python-can's udp_multicast, on a port of its own so that tests may run side by side."""

    def __init__(self, group: str = "239.74.163.2", port: int = 0) -> None:
        super().__init__()
        self.group, self.port = group, port or _free_port()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        self._socket.bind(("", self.port))
        member = socket.inet_aton(group) + socket.inet_aton("0.0.0.0")
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)

    @property
    def settings(self) -> dict[str, Any]:
        return {"interface": "udp_multicast", "channel": self.group, "udp_port": self.port}

    def sources(self) -> list[int]:
        return [self._socket.fileno()]

    def listen(self) -> None:
        datagram = self._socket.recv(4096)
        try:
            frame = msgpack.unpackb(datagram)
        except ValueError:  # noise a test has sent
            return
        if isinstance(frame, dict) and frame["is_extended_id"]:
            self.hear(frame["arbitration_id"], bytes(frame["data"]))

    def give(self, identifier: int, data: bytes) -> None:
        plain = dict.fromkeys(
            ("is_remote_frame", "is_error_frame", "is_fd", "bitrate_switch", "error_state_indicator"), False
        )
        frame = plain | {"timestamp": time.time(), "arbitration_id": identifier, "is_extended_id": True}
        frame |= {"channel": None, "dlc": len(data), "data": data}
        self.give_raw(msgpack.packb(frame))

    def give_raw(self, datagram: bytes) -> None:
        self._socket.sendto(datagram, (self.group, self.port))

    def close(self) -> None:
        self._socket.close()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # without reuse: no other test has it
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


class SlcanWire(Wire):
    """A LAWICEL adapter on a pseudo-terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.commands: list[str] = []
        self.is_open = False
        self.dead = False  # the adapter's processor hangs: the port stays, nothing comes
        self._speed = ""
        self._pulled = False
        self._line = b""

    @property
    def settings(self) -> dict[str, Any]:
        return {"interface": "slcan", "channel": self.path, "settle_s": 0.0}

    def say(self, identifier: int, data: bytes) -> None:
        self.wait_open()  # the driver's opening command may still be under way
        super().say(identifier, data)

    def unplug(self) -> None:
        """The USB plug is pulled: the port hangs up. Done by the wire's thread: a select that waits holds the port."""
        with self.changed:
            self._pulled = True
        os.write(self._wake, b".")
        self._wait(lambda: self._master < 0, 5)

    def wait_open(self, seconds: float = 60.0) -> None:
        self._wait(lambda: self.is_open, seconds)

    def wait_closed(self, seconds: float = 60.0) -> None:
        self._wait(lambda: "O" in self.commands and not self.is_open, seconds)

    def _wait(self, condition: Any, seconds: float) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise TimeoutError(f"adapter: {self.commands}")

    def sources(self) -> list[int]:
        if self._pulled:
            self._close_ends()
        return [self._master] if self._master >= 0 else []

    def listen(self) -> None:
        if self._master < 0:
            return
        self._line += os.read(self._master, 4096)
        while b"\r" in self._line:
            line, self._line = self._line.split(b"\r", 1)
            if not self.dead:
                self._command(line.decode("ascii"))

    def _command(self, line: str) -> None:
        self.commands.append(line[:1] if line[:1] == "T" else line)
        if line[:1] == "T" and self.is_open:
            os.write(self._master, b"Z\r")
            if self._speed == "S4":
                self.hear(int(line[1:9], 16), bytes.fromhex(line[10:]))
        elif line[:1] == "S" and not self.is_open:
            self._speed = line
            os.write(self._master, b"\r")
        elif line in ("C", "O"):
            self.is_open = line == "O"
            os.write(self._master, b"\r")
        elif line:
            os.write(self._master, b"\a")

    def give(self, identifier: int, data: bytes) -> None:
        if self.is_open and not self.dead and self._master >= 0:
            self.give_raw(f"T{identifier:08X}{len(data)}{data.hex().upper()}\r".encode())

    def give_raw(self, line: bytes) -> None:
        os.write(self._master, line)

    def _close_ends(self) -> None:
        for end in {self._master, self._slave} - {-1}:
            os.close(end)
        self._master = self._slave = -1

    def close(self) -> None:
        self._close_ends()
