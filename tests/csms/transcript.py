"""Who said what and when: the record of one CSMS, safe to write in its thread and to wait on in the test's."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

Sender = Literal["station", "csms", "link"]
_ARROWS = {"station": "S>", "csms": "T>", "link": "--"}
_ANSWERS = {"result": " ok", "error": " error"}


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the transcript. `message["key"]` is `message.payload["key"]`."""

    sender: Sender
    kind: str  # "call" "result" "error" "bad" of a peer; "connected" "disconnected" "refused" "note" of the link
    text: str  # as it went over the wire
    id: str = ""
    action: str = ""  # of an answer: of the request it answers
    payload: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    identity: str = ""
    connection: int = 0  # which connection since the CSMS began, from 1
    duplicate: bool = False  # a resend of a request that had come before
    number: int = -1  # place in the transcript
    at: float = 0.0  # s since the transcript began

    def __getitem__(self, key: str) -> Any:
        return self.payload[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.payload.get(key, default)


Match = Mapping[str, Any] | Callable[[Message], bool] | None


def matches(message: Message, match: Match) -> bool:
    """A mapping is a part of the payload that must be there; a function sees the message."""
    return match(message) if callable(match) else contains(message.payload, match or {})


def contains(whole: Any, part: Any) -> bool:
    """Whether `part` is found in `whole`: objects by their keys, lists as "each of these is among those"."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(key in whole and contains(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(contains(each, item) for each in whole) for item in part)
    return bool(whole == part)


class Transcript:
    def __init__(self, title: str = "OCPP") -> None:
        self.title = title
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._messages: list[Message] = []
        self._consumed: set[int] = set()

    @property
    def now(self) -> float:
        """s since the transcript began"""
        return time.monotonic() - self._began

    @property
    def lock(self) -> threading.Condition:
        """Held, nobody sees what is added until it is let go."""
        return self._changed

    def add(self, message: Message) -> Message:
        with self._changed:
            message = replace(message, number=len(self._messages), at=self.now)
            self._messages.append(message)
            self._changed.notify_all()
            return message

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def messages(self) -> list[Message]:
        with self._changed:
            return list(self._messages)

    def notify(self) -> None:
        """Let `until` look again: something outside the transcript has changed."""
        with self._changed:
            self._changed.notify_all()

    def until(self, condition: Callable[[], Any], timeout: float) -> Any:
        """What `condition` gives as soon as it is true, or its last value when the time is over."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def take(self, wanted: Callable[[Message], bool], timeout: float) -> Message | None:
        """The first message not taken before that is wanted, now or until the time is over; None then."""
        seen = 0

        def look() -> Message | None:
            nonlocal seen
            start, seen = seen, len(self._messages)
            fresh = (m for m in self._messages[start:] if m.number not in self._consumed)
            return next((m for m in fresh if wanted(m)), None)

        with self._changed:
            found: Message | None = self._changed.wait_for(look, timeout)
            if found is not None:
                self._consumed.add(found.number)
            return found

    def consume_all(self) -> None:
        with self._changed:
            self._consumed.update(range(len(self._messages)))

    def unconsumed(self) -> list[Message]:
        with self._changed:
            return [m for m in self._messages if m.number not in self._consumed]

    def render(self, last: int | None = None, width: int = 400) -> str:
        messages = self.messages
        lines = [_line(message, width) for message in (messages if last is None else messages[-last:])]
        left_out = len(messages) - len(lines)
        return "\n".join(([f"… {left_out} earlier"] if left_out else []) + lines) or "(nothing was said)"


def label(message: Message) -> str:
    """What the message means, in one word for every version; used to align dialects."""
    match message.action:
        case "TransactionEvent":
            return f"Transaction{message.get('eventType', '')}" + _ANSWERS.get(message.kind, "")
        case "StartTransaction" | "RemoteStartTransaction" | "RequestStartTransaction":
            word = "TransactionStarted" if message.action == "StartTransaction" else "RemoteStart"
        case "StopTransaction" | "RemoteStopTransaction" | "RequestStopTransaction":
            word = "TransactionEnded" if message.action == "StopTransaction" else "RemoteStop"
        case "MeterValues":
            word = "TransactionUpdated"
        case _:
            word = message.action or message.kind
    return word + _ANSWERS.get(message.kind, "")


def side_by_side(left: Transcript, right: Transcript, width: int = 76) -> str:
    """Two transcripts in two columns, what means the same on the same line."""
    ours, theirs = left.messages, right.messages
    rows: list[tuple[Message | None, Message | None]] = []
    same = SequenceMatcher(None, [(m.sender, label(m)) for m in ours], [(m.sender, label(m)) for m in theirs], False)
    for _, i, j, k, n in same.get_opcodes():
        rows += zip_longest(ours[i:j], theirs[k:n])
    lines = [f"{left.title:<{width}} | {right.title}"]
    for one, other in rows:
        lines.append(f"{_line(one, width) if one else '':<{width}} | {_line(other, width) if other else ''}".rstrip())
    return "\n".join(lines)


def _line(message: Message, width: int) -> str:
    shown = message.text if message.kind not in _ANSWERS or not message.action else f"{message.action} {message.text}"
    again = " (again)" if message.duplicate else ""
    line = f"{message.at:8.3f} {_ARROWS[message.sender]}{again} {shown}"
    return line if len(line) <= width else line[: width - 1] + "…"
