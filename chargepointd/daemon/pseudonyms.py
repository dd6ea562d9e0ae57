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

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from chargepointd.core import events as e
from chargepointd.core.commands import TransferData
from chargepointd.core.customer import CustomerData
from chargepointd.core.effects import Display, ForgetToken, SaveListed, SaveState, SaveToken, SaveVariable
from chargepointd.core.keypad import TYPING_S
from chargepointd.core.plan import StationPlan
from chargepointd.core.saved import Saved
from chargepointd.core.values import Signed, Token, TokenInfo
from chargepointd.core.variables.model import Ref
from chargepointd.daemon.assembly import Start
from chargepointd.daemon.names import ADDRESS, KINDS, LETTERS, SHORT, Names, core_of
from chargepointd.daemon.recorder import Recorded

_TOKEN_KINDS = frozenset((*KINDS, "ISO14443", "ISO15693", "Central", "eMAID"))
_NAMES = frozenset(("group", "identifier", "emaid", "mac", "token"))
"""fields with what a person, or a vehicle, is known by"""
_BLOBS = frozenset(("exi", "chain", "pem", "csr", "certificate", "signature", "ocsp"))
"""fields with texts that nobody reads here"""
_PERSONAL = frozenset(("message", "texts"))
"""fields with texts for a driver"""
_SECRET_VARIABLE = re.compile("password|masterpassgroupid", re.IGNORECASE)
_ATOMS = frozenset((int, float, bool, type(None)))
_TEXT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Pseudonyms(Names):
    """`note` all, `settle`, then ask for `veiled` values and `text`s."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: dict[tuple[int, ...], tuple[float, list[int], str]] = {}
        self._keys: dict[int, str] = {}
        """number of a step -> the code and the place in it of the key that was pressed"""

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
            if field == "customData" and isinstance(item, str) and key != "vendorId":
                self.phrases.add(item)
            elif field == "prices":  # by the keys of tokens
                self._note_key_of(key)
            self.note(item, _inner(field, key))

    def _note_items(self, value: Any, field: str) -> None:
        if len(value) == 3 and isinstance(value[0], Ref) and _SECRET_VARIABLE.search(value[0].variable):
            self._note_secret(value[0].variable, value[2])
        elif _is_token(value):
            self._note_token(Token(*value))
        elif _is_said(value, field):
            self._note_text(value[1], field)
            return
        elif field == "older":  # passwords
            self.phrases.update(item for item in value if isinstance(item, str))
        for item in value:
            self.note(item, field)

    def _note_token(self, token: Token) -> None:
        if token.kind == "KeyCode" and token.value.isdigit():
            self.codes.add(token.value)
        elif token.kind != "NoAuthorization":  # the station's own word for nobody
            self.called.add(core_of(token.value))

    def _note_secret(self, variable: str, value: str) -> None:
        if "password" in variable.lower():
            self.phrases.add(value.removeprefix("\x10"))
        else:
            self.called.add(core_of(value))

    def _note_text(self, text: str, field: str) -> None:
        if field in _NAMES:
            self._note_key_of(text)
        elif field in _PERSONAL or field == "prices":
            self.spoken.update(LETTERS.findall(text))
        if "://" in text:
            for user, query in ADDRESS.findall(text):
                self.phrases.update(part for part in (user, *user.split(":"), query) if len(part) >= SHORT)

    def _note_key_of(self, key: str) -> None:
        """A token as it is compared and kept."""
        kind, _, value = key.partition(":")
        self._note_token(Token(value, kind) if kind in KINDS else Token(key))

    def _note_saved(self, saved: Saved) -> None:
        for key, _ in saved.tokens:
            self._note_key_of(key)
        self._note_listed(saved.listed.items())
        for name, value in saved.variables.items():
            self._note_variable(name, value)
        for name, value in saved.state.items():
            self._note_state(name, value)

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

    def _note_state(self, name: str, value: Any) -> None:
        if name == "reservations" and isinstance(value, dict):
            for row in value["reservations"]:
                self.called.update(core_of(item) for item in row[3:4] if isinstance(item, str))  # the group

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
            self.codes.add(typed)
            self._keys.update((number, f"{typed}/{place}") for place, number in enumerate(numbers))

    def settle(self, plan: StationPlan | None) -> None:
        """All was noted. What is typed to choose an EVSE is no secret, and has to mean the same."""
        for _, numbers, typed in self._typed.values():
            self._close(numbers, typed)
        self.give({"0", *(str(each.id) for each in plan.evses)} if plan and plan.menu else set())

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
            return {self._key_in(field, key): self.veiled(item, _inner(field, key)) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return self._veiled_items(value, field)
        return value

    def _key_in(self, field: str, key: Any) -> Any:
        if not isinstance(key, str):
            return key
        return self.key(key) if field == "prices" else self.text(key)

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


def _inner(field: str, key: Any) -> str:
    return field if field in ("customData", "prices") else str(key)


def _is_token(value: Any) -> bool:
    return len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str) and value[1] in _TOKEN_KINDS


def _is_said(value: Any, field: str) -> bool:
    """A language, and a text in it."""
    return field in ("texts", "prices") and len(value) == 2 and all(isinstance(item, str) for item in value)


def _info(text: str) -> TokenInfo | None:
    from chargepointd.core.local_list import unpacked

    return unpacked(text)


def _hidden_data(names: Pseudonyms, value: Any) -> Any:
    """Of data that nobody reads here, and that may be anything."""
    data = value.data
    return value._replace(data=names.drawn(data) if isinstance(data, str) else None if data is None else "…")


_NOTED: dict[type, Callable[[Pseudonyms, Any], None]] = {
    Start: Pseudonyms._note_start,
    Saved: Pseudonyms._note_saved,
    SaveListed: lambda names, save: names._note_listed(save.entries),
    SaveVariable: lambda names, save: names._note_variable(save.name, save.value),
    SaveToken: lambda names, save: names._note_key_of(save.key),
    ForgetToken: lambda names, save: names._note_key_of(save.key),
    SaveState: lambda names, save: names._note_state(save.name, save.value),
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
    CustomerData: lambda names, told: told._replace(data=names.personal(told.data, all_words=False)),
    TransferData: _hidden_data,
    Signed: _hidden_data,
}
