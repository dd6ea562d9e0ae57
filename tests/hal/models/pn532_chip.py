"""A PN532 at the end of a pseudo-terminal, with cards in its field.

Written from NXP UM0701-02, independent of the driver under test. The chip sleeps until it hears the wake-up bytes,
obeys only after SAMConfiguration, and until RFConfiguration sets finite retries InListPassiveTarget waits for a card.
"""

from tests.hal.models.pty_device import PtyDevice

ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
ERROR = bytes.fromhex("0000FF01FF7F8100")


class Faults:
    """What goes wrong. Numbers are how many commands it still befalls."""

    def __init__(self) -> None:
        self.silent = 0
        """commands not heard"""
        self.no_reply = 0
        """commands acknowledged, but never answered"""
        self.no_ack = 0
        """commands answered without an acknowledgement"""
        self.nack = 0
        self.error = 0
        """commands answered with the error frame"""
        self.garble = 0
        """replies with a flipped bit"""
        self.half = 0
        """replies that break off"""
        self.late = 0
        """replies that come `late_s` late"""
        self.late_s = 0.3
        self.noise = b""
        """bytes in front of every acknowledgement and reply"""
        self.unknown: set[int] = set()
        """commands always answered with the error frame"""

    def strikes(self, name: str) -> bool:
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


class Pn532Chip(PtyDevice):
    def __init__(self, *, ic: int = 0x32) -> None:
        super().__init__()
        self.faults = Faults()
        self.ic = ic
        self.commands: list[bytes] = []
        """command code and parameters, as heard"""
        self.aborts = 0
        self.polls = 0
        """InListPassiveTarget commands heard"""
        self.empty_polls = 0
        """those answered with no card since the field last changed"""
        self._cards: list[tuple[str, bytes]] = []
        self._alternate = False
        self._fall_asleep()

    # What a person does

    def hold(self, *uids: str, kind: str = "A") -> None:
        """Hold a card in the field, its UID in hex; of several the chip sees one after the other."""
        with self._lock:
            self._cards = [(kind, bytes.fromhex(uid)) for uid in uids]
            self.empty_polls = 0
            self._answer_who_waits()

    def take_away(self) -> None:
        with self._lock:
            self._cards = []
            self.empty_polls = 0

    def power_cycle(self) -> None:
        """Forget all settings and sleep, without the port noticing."""
        with self._lock:
            self._fall_asleep()

    def wait_polls(self, count: int) -> None:
        """Until the chip was polled `count` more times."""
        with self._lock:
            until = self.polls + count
        self.wait(lambda: self.polls >= until)

    # The chip

    def powered_up(self) -> None:
        self._fall_asleep()

    def _fall_asleep(self) -> None:
        self._awake = self._configured = self._finite = False
        self._bytes = b""
        self._waiting_for: str | None = None

    def received(self, data: bytes) -> None:
        self._bytes += data
        while self._bytes and self._eat():
            pass

    def _eat(self) -> bool:
        """Take one thing from the front; False when more is needed."""
        if not self._awake:
            at = self._bytes.find(b"\x55\x55")
            self._bytes = self._bytes[at + 2 :] if at >= 0 else self._bytes[-1:]
            self._awake = at >= 0
            return self._awake
        at = self._bytes.find(b"\x00\xff")
        if at < 0:
            self._bytes = self._bytes[-1:]
            return False
        self._bytes = self._bytes[at:]
        if len(self._bytes) < 5:
            return False
        length = self._bytes[2]
        if self._bytes[2:4] == b"\x00\xff":
            self._bytes = self._bytes[5:]
            self.aborts += 1
            self._waiting_for = None
            return True
        if len(self._bytes) < length + 6:
            return False
        frame, self._bytes = self._bytes[4 : length + 5], self._bytes[length + 6 :]
        self._frame(frame)
        return True

    def _frame(self, frame: bytes) -> None:
        if self.faults.strikes("silent"):
            return
        if sum(frame) % 256 or self.faults.strikes("nack"):
            self._send(NACK)
            return
        command = frame[1:-1]
        self.commands.append(command)
        if command[0] != 0x14 and not self._configured:
            return
        if frame[0] != 0xD4 or command[0] in self.faults.unknown or self.faults.strikes("error"):
            self._send(ACK)
            self._send(ERROR)
            return
        if not self.faults.strikes("no_ack"):
            self._send(ACK)
        if not self.faults.strikes("no_reply"):
            self._obey(command)

    def _obey(self, command: bytes) -> None:
        code = command[0]
        if code == 0x02:
            self._reply(code, bytes([self.ic, 1, 6, 7]))
        elif code == 0x14:
            self._configured = True
            self._reply(code, b"")
        elif code == 0x32:
            self._finite = self._finite or (command[1] == 5 and command[-1] != 0xFF)
            self._reply(code, b"")
        elif code == 0x4A:
            self._look(command)
        elif code == 0x52:
            self._reply(code, b"\x00")
        else:
            self._send(ERROR)

    def _look(self, command: bytes) -> None:
        self.polls += 1
        kind = {0: "A", 3: "B"}[command[2]]
        found = [uid for card_kind, uid in self._cards if card_kind == kind]
        if found:
            self._found(kind, found[self.polls % len(found)])
        elif self._finite:
            self.empty_polls += 1
            self._reply(0x4A, b"\x00")
        else:
            self._waiting_for = kind

    def _answer_who_waits(self) -> None:
        for kind, uid in self._cards:
            if kind == self._waiting_for:
                self._waiting_for = None
                self._found(kind, uid)

    def _found(self, kind: str, uid: bytes) -> None:
        if kind == "A":
            self._reply(0x4A, bytes([1, 1, 0x00, 0x04, 0x08, len(uid)]) + uid)
        else:
            self._reply(0x4A, bytes([1, 1, 0x50]) + uid + bytes(7) + bytes([1, 0]))

    def _reply(self, code: int, parameters: bytes) -> None:
        body = bytes([0xD5, code + 1]) + parameters
        frame = b"\x00\x00\xff" + bytes([len(body), (256 - len(body)) % 256]) + body
        frame += bytes([(256 - sum(body) % 256) % 256, 0])
        if self.faults.strikes("garble"):
            frame = frame[:6] + bytes([frame[6] ^ 0x10]) + frame[7:]
        if self.faults.strikes("half"):
            frame = frame[: len(frame) // 2]
        if self.faults.strikes("late"):
            self.later(self.faults.late_s, lambda: self._send(frame))
        else:
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        self.transmit(self.faults.noise + frame)
