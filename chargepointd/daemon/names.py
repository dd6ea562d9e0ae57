"""Names under which things are told: drawn by chance, and the same one for the same thing.

As long as what it stands for, digits for digits and letters for letters; without regard to case, as tokens are
compared. A contract's name may be written with hyphens or without. The salt is forgotten with the object.
"""

import hashlib
import re
import secrets
import string
from collections.abc import Set as AbstractSet

from chargepointd.core.values import Token

KINDS = ("KeyCode", "Local", "MacAddress", "NoAuthorization")
"""of tokens whose key names them (`Token.key`)"""
ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://(?:([^/\s\"'<>]*)@)?[^\s\"'<>?]*(?:\?([^\s\"'<>]*))?")
LETTERS = re.compile(r"[^\W\d_]{2,}")
SHORT = 4
"""shorter names are known by their place only: they would be found in everything"""
TRIES = 1000
_NUMBER = 6
"""digits from which a number is not found by chance"""
_WORD = re.compile(r"[A-Za-z0-9*_=:+|@.\-]+")
_PIECE = re.compile(r"[:=+|@.*]")
_TAIL = re.compile(r"…([^\s\"]{4})")


class Names:
    """First all is put into `called`, `codes`, `phrases` and `spoken`; then, once, they are given names."""

    def __init__(self) -> None:
        self.called: set[str] = set()
        """tokens and the like, as `core_of` has them"""
        self.codes: set[str] = set()
        """what was typed"""
        self.phrases: set[str] = set()
        """to be found as they are, wherever they stand"""
        self.spoken: set[str] = set()
        """words of personal texts"""
        self._salt = secrets.token_bytes(32)
        self._given: dict[str, str] = {}
        self._tails: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._told: dict[str, str] = {}
        """texts that were looked at: most come again and again"""

    def give(self, but: AbstractSet[str]) -> None:
        """`but`: codes that stay."""
        self.called.discard("")
        given: set[str] = set()
        for name in sorted(self.called):
            self._give(name, given)
        for code in sorted(self.codes - but):
            self._give(f"#{code}", given)
        phrases = sorted((p for p in self.phrases if len(p) >= SHORT), key=len, reverse=True)
        if phrases:
            self._pattern = re.compile("|".join(map(re.escape, phrases)))
        for name in self.called:
            if len(name) > 4:
                self._tails[name[-4:]] = self._given[name][-4:]

    def _give(self, name: str, given: set[str]) -> None:
        """One that nobody has and nobody is called; where there are few, at least one that nobody has."""
        for attempt in range(TRIES):
            drawn = self.drawn(name.removeprefix("#"), attempt)
            called = attempt < TRIES // 10 and (drawn in self.called or drawn in self.codes)
            if drawn not in given and not called:
                break
        given.add(drawn)
        self._given[name] = drawn

    def drawn(self, text: str, attempt: int = 0) -> str:
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
        given = self._given.get(core_of(text))
        return text if given is None else _spelt(given, text)

    def key(self, key: str) -> str:
        """A token's."""
        kind, _, value = key.partition(":")
        if kind in KINDS:
            return f"{kind}:{self.token(Token(value, kind)).value}"
        return self.name(key)

    def blob(self, text: str) -> str:
        """Of the same length and letters; the lines that say what it is stay."""
        return "\n".join(line if line.startswith("-----") else self.drawn(line) for line in text.split("\n"))

    def personal(self, text: str, *, all_words: bool = True) -> str:
        def other(found: re.Match[str]) -> str:
            word = found[0]
            return self.drawn(word) if all_words or word in self.spoken else word

        return LETTERS.sub(other, self.text(text))

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
            text = ADDRESS.sub(self._address, text)
        if self._pattern:
            text = self._pattern.sub(lambda found: self.drawn(found[0]), text)
        if "…" in text:
            text = _TAIL.sub(lambda found: f"…{self._tails.get(found[1].upper(), found[1])}", text)
        return _WORD.sub(self._word, text) if len(text) >= SHORT and self._given else text

    def _address(self, found: re.Match[str]) -> str:
        """User and password, and the query, of any address."""
        whole = found[0]
        for group in (2, 1):
            if found[group]:
                start, end = found.start(group) - found.start(), found.end(group) - found.start()
                whole = whole[:start] + self.drawn(found[group]) + whole[end:]
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
        given = self._given.get(core_of(word)) or self._given.get(f"#{word}")
        return None if given is None else _spelt(given, word)


def core_of(text: str) -> str:
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
