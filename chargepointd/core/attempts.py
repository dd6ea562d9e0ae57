"""What the next attempt to reach the CSMS is made with.

A slot that failed so many times makes way for the next, and after the last comes the first again, for ever. What may be
wrong is tried the other way too, until a connection is good:
- the password: the newest, then those before it, each time the CSMS refuses one (A01);
- the station's certificate: the new one, the old one, by rounds of the slots (A02.FR.28);
- the root of the CSMS, where the new one was signed by the old: each time the certificate of the CSMS is not good
  (M05.FR.14).
"""


class Attempts:
    def __init__(self, order: list[int]) -> None:
        self._order = order
        """of the slots; never empty"""
        self._place = 0
        self._failed = 0
        """on this slot"""
        self.password = 0
        """which: 0 the newest, then those before it"""
        self.old_certificate = False
        self.old_root = False
        self._first = (0, False)
        """with which password, and whether with the old certificate, each slot of this round begins"""
        self._refused = False
        """a password was, in this round"""

    @property
    def slot(self) -> int:
        return self._order[self._place]

    def failed(self, kind: str, *, most: int, passwords: int, renewed: bool, fallback: bool) -> bool:
        """kind: of failure (`LinkFailed`). most: attempts on a slot. renewed, fallback: there is an old certificate, an
        old root besides the new one. True when it is another slot's turn."""
        if kind == "certificate" and fallback:
            self.old_root = not self.old_root
        self._refused = self._refused or kind == "unauthorized"
        self._failed += 1
        if self._failed >= most:
            self._next_slot(passwords, renewed)
            return len(self._order) > 1
        if kind == "unauthorized":
            self.password = (self.password + 1) % passwords
        if kind in ("tls", "tls-cipher", "tls-client", "unauthorized"):
            self.old_certificate = renewed and not self.old_certificate
        return False

    def _next_slot(self, passwords: int, renewed: bool) -> None:
        """Each slot of a round begins with the same password and certificate, and each round with the next ones: so
        every slot meets every password and certificate, whatever the number of attempts."""
        self._failed = 0
        self._place = (self._place + 1) % len(self._order)
        if self._place == 0:
            first, old = self._first
            first = (first + 1) % passwords if self._refused else first
            self._first, self._refused = (first, renewed and not old), False
        self.begin_slot()

    def begin_slot(self) -> None:
        self._failed = 0
        self.password, self.old_certificate = self._first

    def proven(self) -> None:
        """What this attempt was made with is good: so the next ones begin."""
        self._failed = 0
        self._first, self._refused = (self.password, self.old_certificate), False

    def new_password(self) -> None:
        self.password, self._first = 0, (0, self._first[1])

    def reorder(self, order: list[int], slot: int | None = None) -> None:
        """From this slot on; None: from the first."""
        self._order = order
        self._place = 0 if slot is None else order.index(slot)

    def back_to(self, slot: int) -> None:
        """This one alone, with the newest password."""
        self.reorder([slot])
        self._failed, self.password, self._first = 0, 0, (0, False)
