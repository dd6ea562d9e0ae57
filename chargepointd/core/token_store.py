"""What is remembered of tokens: the authorization cache (C10 to C12).

Which entry a full cache gives up: first those that would not let anybody in, then as AuthCacheCtrlr.Policy says:

    LRU     what was presented least recently
    LFU     what was presented least often
    FIFO    what was remembered first
    CUSTOM  what is presented least often a day: a new card is not given up for an old one that once came often
"""

from collections.abc import Callable, Iterable

from chargepointd.core.commands import Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import DropTokens, SaveToken
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.variables.model import Ref, Variable

ENTRY_B = 1024
"""the most an entry takes: a key of 36 characters, a group of 36, a message of 512"""
_NEVER_CACHED = ("Central", "NoAuthorization")
"""C02.FR.03, C03.FR.02, C05.FR.02"""
DAY_S = 86_400.0


class Remembered(NamedTuple):
    kind: str
    info: TokenInfo
    stored_at: float
    """UTC, s since 1970: when the CSMS said it"""
    added_at: float = 0.0
    used_at: float = 0.0
    uses: int = 0
    """how often it was presented"""


class TokenStore:
    def __init__(self, context: Context, saved: Iterable[tuple[str, Remembered]]) -> None:
        self._context = context
        self._cache = dict(saved)

    @property
    def enabled(self) -> bool:
        return self._context.variables.boolean("AuthCacheCtrlr.Enabled")

    def valid(self, token: Token, utc: float) -> TokenInfo | None:
        """What the cache says of a token: nothing once its life time is over (C10.FR.10)."""
        known = self._cache.get(token.key) if self.enabled else None
        return None if known is None or self._outlived(known, utc) else known.info.as_of(utc)

    def _outlived(self, known: Remembered, utc: float) -> bool:
        life = self._context.variables.integer("AuthCacheCtrlr.LifeTime")
        return life > 0 and known.info.expires_at is None and utc >= known.stored_at + life

    def used(self, token: Token, step: Step) -> None:
        """It was presented."""
        known = self._cache.get(token.key) if self.enabled else None
        if known:
            again = known._replace(used_at=step.utc, uses=known.uses + 1)
            self._put(token.key, again, step, save=_an_hour_since(known.used_at, step.utc))

    def learn(self, token: Token, info: TokenInfo, step: Step) -> None:
        """From every idTokenInfo of the CSMS (C10.FR.04, .05)."""
        if not self.enabled or token.kind in _NEVER_CACHED:
            return
        known = self._cache.get(token.key)
        if known is None:
            self._make_room(step)
            self._put(token.key, Remembered(token.kind, info, step.utc, step.utc, step.utc, 1), step, save=True)
        else:
            save = known.info != info or _an_hour_since(known.stored_at, step.utc)
            self._put(token.key, known._replace(kind=token.kind, info=info, stored_at=step.utc), step, save=save)

    def _put(self, key: str, entry: Remembered, step: Step, *, save: bool) -> None:
        self._cache[key] = entry
        if save:
            step.emit(SaveToken(key, *entry))

    def _make_room(self, step: Step) -> None:
        capacity = self._context.variables.integer("AuthCacheCtrlr.MaxEntries")
        measure = _POLICIES[self._context.variables.text("AuthCacheCtrlr.Policy")]

        def worth(key: str) -> tuple[bool, float, float]:
            known = self._cache[key]
            good = known.info.as_of(step.utc).status == "Accepted" and not self._outlived(known, step.utc)
            return good, measure(known, step.utc), known.used_at

        while len(self._cache) >= capacity > 0:
            least = min(self._cache, key=worth)
            del self._cache[least]
            step.emit(SaveToken(least, "", None, step.utc))

    def known(self, wanted: Callable[[str, Remembered], bool]) -> list[tuple[str, Remembered]]:
        """Those entries, valid or not, in use or not."""
        return [(key, entry) for key, entry in self._cache.items() if wanted(key, entry)]

    def forget(self, key: str, step: Step) -> None:
        if self._cache.pop(key, None):
            step.emit(SaveToken(key, "", None, step.utc))

    def clear(self, step: Step) -> Status:
        """C11"""
        if not self.enabled:
            return Status("Rejected", "the cache is not in use")
        self._cache.clear()
        step.emit(DropTokens())
        return Status("Accepted")

    def storage(self) -> Variable:
        """How many bytes are in use, about, and how many there may be."""
        most = self._context.variables.integer("AuthCacheCtrlr.MaxEntries") * ENTRY_B
        ref = Ref("AuthCacheCtrlr", "Storage")
        return Variable(ref, "integer", "ReadOnly", unit="B", max_limit=most, live=lambda: str(self._size_b()))

    def _size_b(self) -> int:
        return sum(len(repr((key, entry))) for key, entry in self._cache.items())

    def __len__(self) -> int:
        return len(self._cache)


def _an_hour_since(at: float, utc: float) -> bool:
    # The same answer again is written once an hour, not at every visit: the flash disk is to last ten years.
    return utc - at > 3600


_POLICIES: dict[str, Callable[[Remembered, float], float]] = {
    "LRU": lambda known, utc: known.used_at,
    "LFU": lambda known, utc: known.uses,
    "FIFO": lambda known, utc: known.added_at,
    "CUSTOM": lambda known, utc: known.uses / (max(0.0, utc - known.added_at) + DAY_S),
}
