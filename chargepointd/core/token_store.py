"""What is remembered of tokens: the authorization cache (C10 to C12)."""

from collections.abc import Iterable
from typing import NamedTuple

from chargepointd.core.context import Context, Step
from chargepointd.core.effects import DropTokens, SaveToken
from chargepointd.core.values import Token, TokenInfo


class Remembered(NamedTuple):
    kind: str
    info: TokenInfo
    stored_at: float
    """UTC, s since 1970"""


class TokenStore:
    def __init__(self, context: Context, saved: Iterable[tuple[str, Remembered]]) -> None:
        self._context = context
        self._cache = dict(saved)

    @property
    def enabled(self) -> bool:
        return self._context.variables.boolean("AuthCacheCtrlr.Enabled")

    def valid(self, token: Token, utc: float) -> TokenInfo | None:
        """What the cache says of a token: nothing once its life time is over (C10.FR.10), Expired past the date that
        the CSMS gave it (C10.FR.13): such a card is not an unknown one."""
        known = self._cache.get(token.key) if self.enabled else None
        if known is None or self._outlived(known, utc):
            return None
        expired = known.info.expires_at is not None and utc >= known.info.expires_at
        return known.info._replace(status="Expired") if expired and known.info.status == "Accepted" else known.info

    def _outlived(self, known: Remembered, utc: float) -> bool:
        life = self._context.variables.integer("AuthCacheCtrlr.LifeTime")
        return life > 0 and utc >= known.stored_at + life

    def learn(self, token: Token, info: TokenInfo, step: Step) -> None:
        """From every idTokenInfo of the CSMS (C10.FR.04, .05)."""
        if not self.enabled or token.kind in ("Central", "NoAuthorization"):
            return
        known = self._cache.get(token.key)
        self._make_room(token.key, step)
        self._cache[token.key] = Remembered(token.kind, info, step.utc)
        if known is None or known.info != info or self._refresh_due(known, step.utc):
            step.emit(SaveToken(token.key, token.kind, info, step.utc))

    def _refresh_due(self, known: Remembered, utc: float) -> bool:
        # The same answer again is written once an hour, not at every visit: the flash disk is to last ten years.
        return utc - known.stored_at > 3600

    def _make_room(self, key: str, step: Step) -> None:
        capacity = self._context.variables.integer("AuthCacheCtrlr.MaxEntries")
        while key not in self._cache and len(self._cache) >= capacity > 0:
            oldest = min(
                self._cache, key=lambda k: (self._cache[k].info.status == "Accepted", self._cache[k].stored_at)
            )
            del self._cache[oldest]
            step.emit(SaveToken(oldest, "", None, step.utc))

    def clear(self, step: Step) -> bool:
        """C11. False when the cache is not in use."""
        if not self.enabled:
            return False
        self._cache.clear()
        step.emit(DropTokens())
        return True

    def __len__(self) -> int:
        return len(self._cache)
