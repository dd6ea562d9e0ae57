"""Other names for what is nobody's business: the same one everywhere in a recording and what goes along with it.

    tokens, groups, customers, contracts (eMAID), vehicles (MAC)   by whom a person is meant
    codes that were typed, passwords, user and password and query of addresses
    certificates, signed records and what a vehicle and its provider say to each other
    texts for one driver, what a vendor's message carries

A pseudonym is as long as what it stands for, with digits for digits and letters for letters, so that it is a value of
the same type; without regard to case, as tokens are compared; never that of another name; and drawn with a salt that is
forgotten, so that nobody can try names until one fits. A replay with pseudonyms therefore goes as it went without.

First all is noted, then all is written, so that a name is found where nothing tells that it is one: in a reason, a log
line, a key of a table.
"""

import hashlib
import json
import re
import secrets
import string
from collections.abc import Callable, Iterable
from typing import Any

from chargepointd.core import events as e
from chargepointd.core.commands import TransferData
from chargepointd.core.effects import Display, ForgetToken, SaveListed, SaveState, SaveToken, SaveVariable
from chargepointd.core.keypad import TYPING_S
from chargepointd.core.plan import StationPlan
from chargepointd.core.saved import Saved
from chargepointd.core.values import Signed, Token, TokenInfo
from chargepointd.core.variables.model import Ref
from chargepointd.daemon.assembly import Start
from chargepointd.daemon.recorder import Recorded

_KINDS = ("KeyCode", "Local", "MacAddress", "NoAuthorization")
"""of tokens whose key names them (`Token.key`)"""
_TOKEN_KINDS = frozenset((*_KINDS, "ISO14443", "ISO15693", "Central", "eMAID"))
_NAMES = frozenset(("group", "identifier", "emaid", "mac", "token"))
"""fields with what a person, or a vehicle, is known by"""
_BLOBS = frozenset(("exi", "chain", "pem", "csr", "certificate", "signature", "ocsp"))
"""fields with texts that nobody reads here"""
_PERSONAL = frozenset(("message", "texts"))
"""fields with texts for a driver"""
_SECRET_VARIABLE = re.compile("password|masterpassgroupid", re.IGNORECASE)
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://(?:([^/\s\"'<>]*)@)?[^\s\"'<>?]*(?:\?([^\s\"'<>]*))?")
_WORD = re.compile(r"[A-Za-z0-9*_=:+|@.\-]+")
_PIECE = re.compile(r"[:=+|@.*]")
_TAIL = re.compile(r"…([^\s\"]{4})")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_NUMBER = 6
"""digits from which a number is not found by chance"""
_ATOMS = frozenset((int, float, bool, type(None)))
SHORT = 4
"""shorter names are known by their place only: they would be found in everything"""
_TEXT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Pseudonyms:
    """`note` all, `settle`, then ask for `veiled` values and `text`s."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._names: set[str] = set()
        """upper case, without what does not count"""
        self._codes: set[str] = set()
        self._phrases: set[str] = set()
        self._spoken: set[str] = set()
        """words of personal texts"""
        self._given: dict[str, str] = {}
        self._tails: dict[str, str] = {}
        self._plain_codes: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._typed: dict[tuple[int, ...], tuple[float, list[int], str]] = {}
        self._told: dict[str, str] = {}
        """texts that were looked at: most come again and again"""
        self._keys: dict[int, str] = {}
        """number of a step -> the key that was pressed in it, as it is told"""

    # -- what there is -------------------------------------------------------------------------------------------------

    def note_step(self, step: Recorded) -> None:
        if isinstance(step.event, e.KeyPressed):
            self._note_key(step, step.event)
        self.note(step.event)
        for effect in step.effects or ():
            self.note(effect)

    def note(self, value: Any, field: str = "") -> None:
        """What is to have another name in a value."""
        if isinstance(value, Token):
            self._note_token(value)
        elif isinstance(value, str):
            self._note_text(value, field)
        elif isinstance(value, tuple) and hasattr(value, "_fields"):
            self._note_fields(value)
        elif isinstance(value, dict):
            self._note_dict(value, field)
        elif isinstance(value, tuple | list):
            self._note_items(value, field)

    def _note_fields(self, value: Any) -> None:
        kind = type(value)
        if kind in _NOTED:
            _NOTED[kind](self, value)
        for field, item in zip(value._fields, value, strict=True):
            if type(item) not in _ATOMS:
                self.note(item, field)

    def _note_dict(self, value: dict[Any, Any], field: str) -> None:
        for key, item in value.items():
            if field == "custom" and isinstance(item, str) and key != "vendorId":
                self._phrases.add(item)
            self.note(item, "custom" if field == "custom" else str(key))

    def _note_items(self, value: Any, field: str) -> None:
        if len(value) == 3 and isinstance(value[0], Ref) and _SECRET_VARIABLE.search(value[0].variable):
            self._note_secret(value[0].variable, value[2])
        elif _is_token(value):
            self._note_token(Token(*value))
        elif _is_said(value, field):
            self._note_text(value[1], field)
            return
        elif field == "older":  # passwords
            self._phrases.update(item for item in value if isinstance(item, str))
        for item in value:
            self.note(item, field)

    def _note_token(self, token: Token) -> None:
        if token.kind == "KeyCode" and token.value.isdigit():
            self._codes.add(token.value)
        elif token.kind != "NoAuthorization":  # the station's own word for nobody
            self._names.add(_core(token.value))

    def _note_secret(self, variable: str, value: str) -> None:
        if "password" in variable.lower():
            self._phrases.add(value.removeprefix("\x10"))
        else:
            self._names.add(_core(value))

    def _note_text(self, text: str, field: str) -> None:
        if field in _NAMES:
            self._note_key_of(text)
        elif field in _PERSONAL:
            self._spoken.update(_LETTERS.findall(text))
        if "://" in text:
            for user, query in _ADDRESS.findall(text):
                self._phrases.update(part for part in (user, *user.split(":"), query) if len(part) >= SHORT)

    def _note_key_of(self, key: str) -> None:
        """A token as it is compared and kept."""
        kind, _, value = key.partition(":")
        self._note_token(Token(value, kind) if kind in _KINDS else Token(key))

    def _note_saved(self, saved: Saved) -> None:
        for key, _ in saved.tokens:
            self._note_key_of(key)
        self._note_listed(saved.listed.items())
        for name, value in saved.variables.items():
            self._note_variable(name, value)

    def _note_listed(self, entries: Iterable[tuple[str, str | None]]) -> None:
        for key, text in entries:
            self._note_key_of(key)
            if text is not None and (info := _info(text)):
                self.note(info)

    def _note_variable(self, name: str, value: str) -> None:
        if _SECRET_VARIABLE.search(name):
            self._note_secret(name, value)

    def _note_start(self, start: Start) -> None:
        for name, value in start.configured.items():
            self._note_variable(name, value)

    def _note_state(self, save: SaveState) -> None:
        if save.name == "reservations" and isinstance(save.value, dict):
            self._note_reservations(save.value)

    def _note_reservations(self, state: dict[str, Any]) -> None:
        for row in state.get("reservations", ()):
            self._names.update(_core(item) for item in row[3:4] if isinstance(item, str))  # the group

    # -- codes that are typed ------------------------------------------------------------------------------------------

    def _note_key(self, step: Recorded, event: e.KeyPressed) -> None:
        """As `core.keypad` puts keys together; what becomes of them is told when the code is known as a whole."""
        at, numbers, typed = self._typed.pop(event.evse_ids, (step.now.mono, [], ""))
        if step.now.mono >= at + TYPING_S:
            self._close(numbers, typed)
            numbers, typed = [], ""
        if event.key in ("#", "*"):
            self._close(numbers, typed)
        else:
            self._typed[event.evse_ids] = step.now.mono, [*numbers, step.number], typed + event.key

    def _close(self, numbers: list[int], typed: str) -> None:
        if typed:
            self._codes.add(typed)
            self._keys.update((number, f"{typed}/{place}") for place, number in enumerate(numbers))

    # -- names ---------------------------------------------------------------------------------------------------------

    def settle(self, plan: StationPlan | None) -> None:
        """All was noted. What is typed to choose an EVSE is no secret, and has to mean the same."""
        for _, numbers, typed in self._typed.values():
            self._close(numbers, typed)
        self._plain_codes = {"0", *(str(each.id) for each in plan.evses)} if plan and plan.menu else set()
        self._names.discard("")
        taken = self._names | self._codes
        for name in sorted(self._names):
            self._give(name, taken, self._drawn)
        for code in sorted(self._codes - self._plain_codes):
            self._give(f"#{code}", taken, self._drawn)
        phrases = sorted((p for p in self._phrases if len(p) >= SHORT), key=len, reverse=True)
        if phrases:
            self._pattern = re.compile("|".join(map(re.escape, phrases)))
        for name in self._names:
            if len(name) > 4:
                self._tails[name[-4:]] = self._given[name][-4:]

    def _give(self, name: str, taken: set[str], draw: Callable[[str, int], str]) -> None:
        """One that nobody has and nobody is called; where there are so few that none is left, any."""
        for attempt in range(100):
            drawn = draw(name.removeprefix("#"), attempt)
            if drawn not in taken:
                break
        taken.add(drawn)
        self._given[name] = drawn

    def _drawn(self, text: str, attempt: int = 0) -> str:
        stream = self._stream(f"{attempt}/{text}", len(text))
        hexadecimal = not text.strip(string.hexdigits)
        return "".join(_like(char, byte, hexadecimal) for char, byte in zip(text, stream, strict=True))

    def _stream(self, text: str, length: int) -> bytes:
        return hashlib.shake_256(self._salt + text.encode("utf-8", "surrogatepass")).digest(length)

    def token(self, token: Token) -> Token:
        return token._replace(value=self.name(token.value, code=token.kind == "KeyCode" and token.value.isdigit()))

    def name(self, text: str, *, code: bool = False) -> str:
        """What is known to be a name."""
        if code:
            return self._given.get(f"#{text}", text)
        given = self._given.get(_core(text))
        return text if given is None else _spelt(given, text)

    def key(self, key: str) -> str:
        """A token's."""
        kind, _, value = key.partition(":")
        if kind in _KINDS:
            return f"{kind}:{self.token(Token(value, kind)).value}"
        return self.name(key)

    def blob(self, text: str) -> str:
        """Of the same length and letters; the lines that say what it is stay."""
        return "\n".join(line if line.startswith("-----") else self._drawn(line) for line in text.split("\n"))

    def personal(self, text: str, *, all_words: bool = True) -> str:
        def other(found: re.Match[str]) -> str:
            word = found[0]
            return self._drawn(word) if all_words or word in self._spoken else word

        return _LETTERS.sub(other, self.text(text))

    def text(self, text: str) -> str:
        """A text in which a name may stand."""
        told = self._told.get(text)
        if told is None:
            told = self._text(text)
            if len(text) <= 100 and len(self._told) < 10_000:
                self._told[text] = told
        return told

    def _text(self, text: str) -> str:
        if "://" in text:
            text = _ADDRESS.sub(self._address, text)
        if self._pattern:
            text = self._pattern.sub(lambda found: self._drawn(found[0]), text)
        if "…" in text:
            text = _TAIL.sub(lambda found: f"…{self._tails.get(found[1].upper(), found[1])}", text)
        return _WORD.sub(self._word, text) if len(text) >= SHORT and self._given else text

    def _address(self, found: re.Match[str]) -> str:
        """User and password, and the query, of any address."""
        whole = found[0]
        for group in (2, 1):
            if found[group]:
                start, end = found.start(group) - found.start(), found.end(group) - found.start()
                whole = whole[:start] + self._drawn(found[group]) + whole[end:]
        return whole

    def _word(self, found: re.Match[str]) -> str:
        word = found[0]
        if len(word) < SHORT:
            return word
        named = self._named(word)
        if named is not None:
            return named
        start, parts = 0, []
        for cut in _PIECE.finditer(word):
            parts += [word[start : cut.start()], cut[0]]
            start = cut.end()
        parts.append(word[start:])
        return "".join([part if len(part) < SHORT else self._named(part) or part for part in parts])

    def _named(self, word: str) -> str | None:
        if word.isdigit() and len(word) < _NUMBER:  # a year, a count
            return None
        given = self._given.get(_core(word)) or self._given.get(f"#{word}")
        return None if given is None else _spelt(given, word)

    # -- values --------------------------------------------------------------------------------------------------------

    def veiled_step(self, step: Recorded) -> Recorded:
        event = step.event
        if isinstance(event, e.KeyPressed):
            event = event._replace(key=self._key_told(step.number, event.key))
        else:
            event = self.veiled(event)
        effects = None if step.effects is None else [self.veiled(effect) for effect in step.effects]
        return step._replace(event=event, effects=effects)

    def _key_told(self, number: int, key: str) -> str:
        if number not in self._keys:
            return key
        code, _, place = self._keys[number].rpartition("/")
        return self.name(code, code=True)[int(place)]

    def veiled(self, value: Any, field: str = "") -> Any:
        """The value with other names."""
        if isinstance(value, str):
            return self._veiled_text(value, field)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._veiled_fields(value)
        if isinstance(value, dict):
            return {self._veiled_key(key): self.veiled(item, field or str(key)) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return self._veiled_items(value, field)
        return value

    def _veiled_key(self, key: Any) -> Any:
        return self.text(key) if isinstance(key, str) else key

    def _veiled_text(self, text: str, field: str) -> str:
        if field in _NAMES:
            return self.key(text)
        if field in _BLOBS and len(text) > 40:
            return self.blob(text)
        if field in _PERSONAL:
            return self.personal(text)
        return self.text(text)

    def _veiled_fields(self, value: Any) -> Any:
        kind = type(value)
        if kind in _VEILED:
            return _VEILED[kind](self, value)
        fields = zip(value._fields, value, strict=True)
        return kind(*[item if type(item) in _ATOMS else self.veiled(item, field) for field, item in fields])

    def _veiled_items(self, value: Any, field: str) -> Any:
        if _is_token(value):
            return type(value)(self.token(Token(*value)))
        if _is_said(value, field):
            return type(value)((value[0], self.personal(value[1])))
        if len(value) == 3 and isinstance(value[0], Ref) and "masterpass" in value[0].variable.lower():
            return (*value[:2], self.name(value[2]))
        return type(value)([self.veiled(item, field) for item in value])

    def _veiled_variable(self, name: str, value: str) -> str:
        return self.name(value) if "masterpass" in name.lower() else self.text(value)

    def _veiled_variables(self, values: Any) -> dict[str, str]:
        return {name: self._veiled_variable(name, value) for name, value in values.items()}

    def _veiled_listed(self, entries: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        return [(self.key(key), text and self._veiled_entry(text)) for key, text in entries]

    def _veiled_entry(self, text: str) -> str:
        info = _info(text)
        return _TEXT(self.veiled(info)[: len(json.loads(text))]) if info else self.text(text)

    def _veiled_saved(self, saved: Saved) -> Saved:
        own: dict[str, Any] = {
            "variables": self._veiled_variables(saved.variables),
            "tokens": tuple([(self.key(key), self.veiled(known)) for key, known in saved.tokens]),
            "listed": dict(self._veiled_listed(saved.listed.items())),
            "state": {name: self._veiled_state(name, value) for name, value in saved.state.items()},
        }
        rest = {name: self.veiled(getattr(saved, name)) for name in saved._fields if name not in own}
        return Saved(**own, **rest)

    def _veiled_state(self, name: str, value: Any) -> Any:
        veiled = self.veiled(value)
        if name == "reservations" and isinstance(value, dict):
            for row, old in zip(veiled["reservations"], value["reservations"], strict=True):
                if isinstance(row, list) and isinstance(old[3], str):
                    row[3] = self.name(old[3])
        return veiled


def _is_token(value: Any) -> bool:
    return len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str) and value[1] in _TOKEN_KINDS


def _is_said(value: Any, field: str) -> bool:
    """A language, and a text in it."""
    return field == "texts" and len(value) == 2 and all(isinstance(item, str) for item in value)


def _core(text: str) -> str:
    """What counts of a name: a contract's may be written with hyphens or without."""
    return "".join(filter(str.isalnum, text)).upper() or text.upper()


def _spelt(given: str, text: str) -> str:
    """A pseudonym written as the name was: case, and what stands between."""
    chars = iter(given)
    if not any(map(str.isalnum, text)):
        return given
    spelt = [next(chars) if char.isalnum() else char for char in text]
    return "".join(new.lower() if old.islower() else new for old, new in zip(text, spelt, strict=True))


def _like(char: str, byte: int, hexadecimal: bool) -> str:
    if char.isdigit():
        return string.digits[byte % 10]
    letters = "ABCDEF" if hexadecimal else string.ascii_uppercase
    if char.isupper():
        return letters[byte % len(letters)]
    if char.isalpha():
        return letters[byte % len(letters)].lower()
    return char


def _info(text: str) -> TokenInfo | None:
    from chargepointd.core.local_list import unpacked

    return unpacked(text)


def _hidden_data(names: Pseudonyms, value: Any) -> Any:
    """Of data that nobody reads here, and that may be anything."""
    data = value.data
    return value._replace(data=names._drawn(data) if isinstance(data, str) else None if data is None else "…")


_NOTED: dict[type, Callable[[Pseudonyms, Any], None]] = {
    Start: Pseudonyms._note_start,
    Saved: Pseudonyms._note_saved,
    SaveListed: lambda names, save: names._note_listed(save.entries),
    SaveVariable: lambda names, save: names._note_variable(save.name, save.value),
    SaveToken: lambda names, save: names._note_key_of(save.key),
    ForgetToken: lambda names, save: names._note_key_of(save.key),
    SaveState: Pseudonyms._note_state,
}
_VEILED: dict[type, Callable[[Pseudonyms, Any], Any]] = {
    Token: Pseudonyms.token,
    Saved: Pseudonyms._veiled_saved,
    SaveListed: lambda names, save: save._replace(entries=tuple(names._veiled_listed(save.entries))),
    SaveToken: lambda names, save: save._replace(key=names.key(save.key), info=names.veiled(save.info)),
    ForgetToken: lambda names, save: save._replace(key=names.key(save.key)),
    SaveVariable: lambda names, save: save._replace(value=names._veiled_variable(save.name, save.value)),
    SaveState: lambda names, save: save._replace(value=names._veiled_state(save.name, save.value)),
    Display: lambda names, d: d._replace(text=names.personal(d.text, all_words=False), code=names.text(d.code)),
    TransferData: _hidden_data,
    Signed: _hidden_data,
}
