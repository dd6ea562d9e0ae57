"""Prices as texts: which one is shown to whom (I01, I04), in which language, and who waits for it.

That of somebody at an EVSE is in the `Visit`; that of a token which is not at one yet is here.
"""

from collections.abc import Callable
from typing import Any

from chargepointd.core.context import NEVER, Context, Step
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token
from chargepointd.core.variables.catalogue import LANGUAGES
from chargepointd.core.visit import Visit, as_texts
from chargepointd.core.wording import Texts, chosen

PRICES_MAX = 50
"""tokens whose price is known and who are not at an EVSE yet"""
_WAIT = "TariffCostCtrlr.UserPriceTimeout"
_OFFLINE = ("OfflineTariffFallbackMessage", "TariffFallbackMessage")


class Price(NamedTuple):
    """Told of a token."""

    texts: Texts
    language: str = ""


class Prices:
    def __init__(self, context: Context, saved: dict[str, Any]) -> None:
        self._context = context
        self.known = {key: Price(as_texts(texts), language) for key, (texts, language) in saved.items()}
        """of tokens that are not at an EVSE, by their keys"""
        self._waiting: dict[str, tuple[float, Callable[[Step], None]]] = {}
        """who waits for a price, by token: until when, and what goes on then"""

    # -- of a token that is not at an EVSE -----------------------------------------------------------------------------

    def keep(self, key: str, price: Price) -> None:
        known = self.take(key)
        self.known[key] = Price(price.texts or known.texts, price.language or known.language)
        while len(self.known) > PRICES_MAX:
            del self.known[next(iter(self.known))]

    def take(self, key: str) -> Price:
        """For the visit that begins."""
        return self.known.pop(key, Price(()))

    def of(self, token: Token) -> Price:
        return self.known.get(token.key, Price(()))

    # -- who waits -----------------------------------------------------------------------------------------------------

    def waits(self, token: Token, go_on: Callable[[Step], None], step: Step) -> bool:
        """Whether its authorization is to wait for the price; then `go_on` is called when that is known, or in vain."""
        wait_ms = self._context.variables.integer(_WAIT)
        if not wait_ms or self.of(token).texts:
            return False
        self._waiting[token.key] = (step.mono + wait_ms / 1000, go_on)
        return True

    def came(self, key: str, step: Step) -> None:
        """Who waits for this one goes on."""
        if key in self._waiting:
            self._waiting.pop(key)[1](step)

    def deadline(self) -> float:
        return min((by for by, _ in self._waiting.values()), default=NEVER)

    def tick(self, step: Step) -> None:
        for key in [key for key, (by, _) in self._waiting.items() if step.mono >= by]:
            self._waiting.pop(key)[1](step)

    # -- what is shown -------------------------------------------------------------------------------------------------

    def languages(self, visit: Visit | None) -> tuple[str, str]:
        """In order of preference: the driver's, the station's."""
        return (visit.language if visit else "", self._context.variables.text("DisplayMessageCtrlr.Language"))

    def chosen(self, texts: Texts, visit: Visit | None) -> str:
        return chosen(texts, self.languages(visit))

    def text(self, visit: Visit | None) -> str:
        """The price for this driver, else for everybody (I04); in the driver's language, if there is a text in it."""
        if visit and visit.texts:
            return self.chosen(visit.texts, visit)
        names = _OFFLINE[1:] if self._context.online else _OFFLINE
        return next(filter(None, (self.everybody(name, visit) for name in names)), "")

    def everybody(self, name: str, visit: Visit | None) -> str:
        """The text of a variable for everybody. That without a language is in the station's."""
        variables = self._context.variables
        texts = [("", variables.text(f"TariffCostCtrlr.{name}"))]
        texts += [(n, variables.text(f"TariffCostCtrlr.{name}[{n}]")) for n in LANGUAGES]
        return self.chosen(tuple((language, text) for language, text in texts if text), visit)
