"""What is typed: a PIN (C04), or the choice of the bearer of a master pass. Digits, then "#"; "*" forgets them."""

from chargepointd.core.authorization import Authorization
from chargepointd.core.context import NEVER, Step
from chargepointd.core.events import KeyPressed
from chargepointd.core.master_pass import MasterPass
from chargepointd.core.topic import Topic
from chargepointd.core.values import Token

TYPING_S = 20.0
"""s after the last key, then what was typed is forgotten"""
LONGEST = 36


class Keypads(Topic):
    name = "keypad"

    def __init__(self, authorization: Authorization, master_pass: MasterPass) -> None:
        self._authorization = authorization
        self._master_pass = master_pass
        self._typed: dict[tuple[int, ...], str] = {}
        """by the EVSEs a keypad serves"""
        self._forget_at = NEVER

    def pressed(self, event: KeyPressed, step: Step) -> None:
        typed = self._typed.pop(event.evse_ids, "")
        if event.key == "#":
            self._entered(typed, event.evse_ids, step)
        elif event.key == "*":
            if self._master_pass.asks:
                self._master_pass.choose("", step)
        elif len(typed) < LONGEST:
            self._typed[event.evse_ids] = typed + event.key
            self._forget_at = step.mono + TYPING_S

    def _entered(self, typed: str, evse_ids: tuple[int, ...], step: Step) -> None:
        if not typed:
            return
        if self._master_pass.asks:
            self._master_pass.choose(typed, step)
        else:
            self._authorization.presented(Token(typed, "KeyCode"), evse_ids, step)

    def deadline(self) -> float:
        return min(self._forget_at, self._master_pass.deadline())

    def tick(self, step: Step) -> None:
        if step.mono >= self._forget_at:
            self._forget_at = NEVER
            self._typed.clear()
        self._master_pass.tick(step)
