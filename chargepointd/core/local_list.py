"""The local authorization list: whom the CSMS wants to be known here (D01, D02; 1.6 §3.5.2).

Only SendLocalList changes it, as a whole or not at all: the new entries and their version are one commit. An entry is
kept as a text, here and on the disk, and read when its token is presented: ten thousand of them load in milliseconds.
Which word counts when the list, the cache and the CSMS differ stands in `core.authorization`.
"""

from collections.abc import Iterator, Mapping
from json import JSONEncoder, loads
from typing import Any

from chargepointd.core.commands import Shown, Status
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note, SaveListed, SaveState
from chargepointd.core.token_store import TokenStore
from chargepointd.core.topic import Answer, Obey, Topic
from chargepointd.core.tuples import NamedTuple
from chargepointd.core.values import Token, TokenInfo
from chargepointd.core.variables.model import Ref, Variable

CAPACITY = 10_000
"""entries"""
NOT_IN_USE = -1

_DEFAULTS = TokenInfo("")
_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SendLocalList(NamedTuple):
    version: int
    full: bool
    """in place of what was there; else additions, changes and removals"""
    entries: tuple[tuple[Token, TokenInfo | None], ...] = ()
    """without info: to be removed"""


class GetLocalListVersion(NamedTuple):
    """Answered with the number, or NOT_IN_USE."""


class ShowToken(NamedTuple):
    """What is known of a token; without one, how much is known."""

    token: Token | None = None


class LocalList(Topic):
    name = "local_list"

    def __init__(self, context: Context, tokens: TokenStore, version: int | None, entries: Mapping[str, str]) -> None:
        self._context = context
        self._tokens = tokens
        self._version = version or 0
        self._entries = dict(entries)
        self.no_room = False
        """the disk is nearly full: what is left of it is for transactions"""

    def commands(self) -> Mapping[type, Obey]:
        return {SendLocalList: self._send, GetLocalListVersion: self._tell_version, ShowToken: self._show}

    # -- what it says --------------------------------------------------------------------------------------------------

    @property
    def enabled(self) -> bool:
        variables = self._context.variables
        return variables.boolean("LocalAuthListCtrlr.Available") and variables.boolean("LocalAuthListCtrlr.Enabled")

    def says(self, token: Token, utc: float) -> TokenInfo | None:
        """None when it does not know the token, or is not in use."""
        info = self._of(token.key) if self.enabled else None
        return info and info.as_of(utc)

    def _of(self, key: str) -> TokenInfo | None:
        text = self._entries.get(key)
        return None if text is None else unpacked(text)

    def all(self) -> Iterator[tuple[str, TokenInfo]]:
        """In use or not."""
        for key, text in self._entries.items():
            info = unpacked(text)
            if info:
                yield key, info

    @property
    def version(self) -> int:
        """0: nothing was sent yet (D02.FR.02)."""
        return self._version if self._entries or not self._context.rules.empty_list_is_none else 0

    def _tell_version(self, command: GetLocalListVersion, step: Step, answer: Answer) -> None:
        answer(self.version if self.enabled else NOT_IN_USE, step)

    def entries(self) -> Variable:
        """How many there are, and may be (D01.FR.12)."""
        ref = Ref("LocalAuthListCtrlr", "Entries")
        return Variable(ref, "integer", "ReadOnly", max_limit=CAPACITY, live=lambda: str(len(self._entries)))

    # -- what changes it -----------------------------------------------------------------------------------------------

    def _send(self, command: SendLocalList, step: Step, answer: Answer) -> None:
        keys = [token.key for token, _ in command.entries]
        refused = self._refused(command, keys)
        if refused:
            step.emit(Note("list", 0, f"version {command.version} was not taken: {refused.reason}"))
            answer(refused, step)
            return
        if command.full:
            self._entries.clear()
        changes = tuple([(key, info and _packed(info)) for key, (_, info) in zip(keys, command.entries, strict=True)])
        for key, text in changes:
            if text is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = text
        self._version = command.version
        step.emit(SaveListed(command.full, changes))
        step.emit(SaveState(self.name, command.version))
        step.emit(Note("list", 0, f"version {command.version}: {len(self._entries)} tokens"))
        answer(Status("Accepted"), step)

    def _refused(self, command: SendLocalList, keys: list[str]) -> Status | None:
        most = self._context.variables.integer("LocalAuthListCtrlr.ItemsPerMessage")
        if not self.enabled:
            return Status("NotSupported", "the list is not in use")
        if command.version <= 0:
            return Status("Failed", "the version has to be greater than 0")  # D01.FR.18
        if not command.full and command.version <= self.version:
            return Status("VersionMismatch", f"the list is of version {self.version}")  # D01.FR.19
        if len(keys) > most:
            return Status("Failed", f"{len(keys)} tokens, at most {most} in a message")
        if len(set(keys)) < len(keys):
            return Status("Failed", "a token stands twice")  # D01.FR.06
        if command.full and any(info is None for _, info in command.entries):
            return Status("Failed", "a token without its info in a full list")
        if self.no_room and keys:
            return Status("Failed", "the disk is nearly full")
        if self._size_after(command, keys) > CAPACITY:
            return Status("Failed", f"more than {CAPACITY} tokens")
        return None

    def _size_after(self, command: SendLocalList, keys: list[str]) -> int:
        if command.full:
            return len(keys)
        infos = [info for _, info in command.entries]
        added = sum(bool(info) and key not in self._entries for key, info in zip(keys, infos, strict=True))
        removed = sum(not info and key in self._entries for key, info in zip(keys, infos, strict=True))
        return len(self._entries) + added - removed

    # -- for a technician ----------------------------------------------------------------------------------------------

    def _show(self, command: ShowToken, step: Step, answer: Answer) -> None:
        if command.token is None:
            sizes = {"entries": len(self._entries), "capacity": CAPACITY, "cached": len(self._tokens)}
            answer(Shown({"in_use": self.enabled, "version": self._version, **sizes}), step)
            return
        listed, cached = self.says(command.token, step.utc), self._tokens.valid(command.token, step.utc)
        answer(Shown(_shown("list" if listed else "cache" if cached else "", listed or cached)), step)


def _shown(where: str, info: TokenInfo | None) -> dict[str, Any]:
    if info is None:
        return {"known_by": "nobody"}
    more = {"expires_at": info.expires_at, "group": info.group, "evses": list(info.evse_ids)}
    return {"known_by": where, "status": info.status, **{name: value for name, value in more.items() if value}}


def _packed(info: TokenInfo) -> str:
    """A JSON array of the fields in order, without those at its end that are as they are by default."""
    fields = len(info)
    while fields > 1 and info[fields - 1] == _DEFAULTS[fields - 1]:
        fields -= 1
    return _encode(info[:fields])


def unpacked(text: str) -> TokenInfo | None:
    """None for what cannot be read: the station goes on without it."""
    try:
        fields: list[Any] = [tuple(field) if isinstance(field, list) else field for field in loads(text)]
        return TokenInfo(*fields[: len(TokenInfo._fields)])
    except (TypeError, ValueError):
        return None
