"""The master pass (C16): a token of the group AuthCtrlr.MasterPassGroupId stops what others began, and starts nothing.

At a station with keypad and display its bearer is asked which transaction is to stop; at any other it stops them all.
"""

from collections.abc import Iterable

from chargepointd.core.consequences import Cause
from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.effects import Display, Note
from chargepointd.core.evse import Evse
from chargepointd.core.values import Token, TokenInfo

CHOICE_S = 30.0
"""s for the choice; then nothing is stopped"""


class MasterPass:
    def __init__(self, context: Context, everywhere: Iterable[Evse]) -> None:
        """`everywhere`: the EVSEs, and the seats of the lobby."""
        self._context = context
        self._everywhere = tuple(everywhere)
        self._token: Token | None = None
        self._choose_by = NEVER

    def names(self, info: TokenInfo) -> bool:
        """Whether the token of which this is said is a master pass."""
        return info.is_of(self._context.variables.text("AuthCtrlr.MasterPassGroupId"))

    def use(self, token: Token, step: Step) -> None:
        step.emit(Note("token", 0, f"{token.masked} is a master pass"))
        if not self._stoppable():
            step.emit(Display(0, "Nothing to stop"))
        elif self._context.plan.menu:
            self._token, self._choose_by = token, step.mono + CHOICE_S
            self._ask(step)
        else:
            self._stop(self._stoppable(), token, step)

    @property
    def asks(self) -> bool:
        """Somebody is to choose."""
        return self._token is not None

    def choose(self, typed: str, step: Step) -> None:
        """The number of an EVSE, or 0 for all of them; empty: none."""
        token = self._token
        assert token
        chosen = [evse for evse in self._stoppable() if typed in ("0", str(evse.id))]
        if typed and not chosen:
            self._ask(step)
            return
        self._token, self._choose_by = None, NEVER
        self._stop(chosen, token, step)

    def _stoppable(self) -> list[Evse]:
        """Where somebody is authorized, or a plug is held for its owner."""
        sessions = [(evse, evse.session) for evse in self._everywhere]
        return [evse for evse, session in sessions if session.authorized or session.suspended or session.held]

    def _ask(self, step: Step) -> None:
        numbers = " ".join(str(evse.id) for evse in self._stoppable() if evse.id > 0)
        step.emit(Display(0, f"Stop? 0 all, EVSE\n{numbers}\nthen #, * cancels", CHOICE_S))

    def _stop(self, evses: list[Evse], token: Token, step: Step) -> None:
        for evse in evses:
            evse.deauthorize(Cause("StopAuthorized", "MasterPass", token), step)
        step.emit(Display(0, "Stopped" if evses else "Nothing is stopped"))

    def deadline(self) -> float:
        return self._choose_by

    def tick(self, step: Step) -> None:
        if step.mono >= self._choose_by:
            self.choose("", step)
