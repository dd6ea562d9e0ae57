"""Texts for a small display: which language, how they are wrapped and paged, how money and energy are written."""

from collections.abc import Iterable
from decimal import Decimal

from chargepointd.core.cost import Rate, rounded

WIDTH, HEIGHT = 20, 3
"""characters, lines: what the smallest display has below its title"""

Texts = tuple[tuple[str, str], ...]
"""(language, text), language as in RFC 5646; empty: whatever the CSMS takes for its own"""

_WORDS = {
    "en": ("Cost", "Total", "offline", "as of"),
    "de": ("Kosten", "Gesamt", "offline", "Stand"),
    "es": ("Coste", "Total", "sin red", "a las"),
    "fr": ("Cout", "Total", "hors ligne", "vu a"),  # many a display has no accents
    "nl": ("Kosten", "Totaal", "offline", "stand"),
}


def word(language: str, n: int) -> str:
    """0 cost, 1 total, 2 offline, 3 as of."""
    return _WORDS.get(_primary(language), _WORDS["en"])[n]


COST, TOTAL, OFFLINE, AS_OF = range(4)

_NOTICES = {
    "Available": ("Frei", "Disponible", "Disponible", "Vrij"),
    "Card not accepted": ("Karte nicht gueltig", "Tarjeta no valida", "Carte refusee", "Kaart niet geldig"),
    "Charging": ("Laden", "Cargando", "En charge", "Laden"),
    "Not available": ("Nicht verfuegbar", "No disponible", "Indisponible", "Niet beschikbaar"),
    "Nothing is stopped": ("Nichts gestoppt", "Nada detenido", "Rien n'est arrete", "Niets gestopt"),
    "Nothing to stop": ("Nichts zu stoppen", "Nada que detener", "Rien a arreter", "Niets te stoppen"),
    "Out of service": ("Ausser Betrieb", "Fuera de servicio", "Hors service", "Buiten gebruik"),
    "Plug in": ("Bitte einstecken", "Conecte el cable", "Branchez le cable", "Steek kabel in"),
    "Reserved": ("Reserviert", "Reservado", "Reserve", "Gereserveerd"),
    "Stopped": ("Gestoppt", "Detenido", "Arrete", "Gestopt"),
    "Wait a minute": ("Bitte warten", "Espere un minuto", "Patientez", "Even geduld"),
}
"""what the station says at a moment, in English -> de, es, fr, nl"""
_OTHERS = ("de", "es", "fr", "nl")


def notice(text: str, language: str) -> str:
    """In that language; what is not the station's own word stays as it is."""
    primary = _primary(language)
    own = _NOTICES.get(text)
    return own[_OTHERS.index(primary)] if own and primary in _OTHERS else text


def chosen(texts: Texts, languages: Iterable[str]) -> str:
    """The text in the first of these languages that there is one in; a text for "es" serves who speaks "es-MX", and the
    other way round. Else the first."""
    for wanted in filter(None, languages):
        for same in (str.lower, _primary):
            for language, text in texts:
                if language and same(language) == same(wanted):
                    return text
    return texts[0][1] if texts else ""


def _primary(language: str) -> str:
    return language.lower().partition("-")[0]


def wrapped(text: str, width: int = WIDTH) -> tuple[str, ...]:
    """Lines of at most so many characters, broken between words; a longer word is cut. Empty for an empty text."""
    lines: list[str] = []
    for paragraph in "".join(c if c.isprintable() or c == "\n" else " " for c in text).split("\n"):
        line = ""
        for word in paragraph.split():
            while len(word) > width:
                room = width - len(line) - 1 if line else width
                if room < 1:
                    lines.append(line)
                    line, room = "", width
                lines.append(f"{line} {word[:room]}".strip())
                line, word = "", word[room:]
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = ""
            line = f"{line} {word}".strip()
        if line:
            lines.append(line)
    return tuple(lines)


def pages(text: str, width: int = WIDTH, height: int = HEIGHT) -> tuple[str, ...]:
    """The wrapped text, so many lines at a time."""
    lines = wrapped(text, width)
    return tuple("\n".join(lines[n : n + height]) for n in range(0, len(lines), height))


def money(cost: Decimal, decimals: int, currency: str) -> str:
    return f"{currency} {rounded(cost, decimals)}".strip()


def price(rate: Rate, idle: bool, currency: str) -> str:
    """What counts now, as the CSMS wrote it; empty where it costs nothing."""
    parts = [(rate.idle_per_hour, "h")] if idle else [(rate.per_kwh, "kWh"), (rate.per_hour, "h")]
    text = " + ".join(f"{amount:f}/{unit}" for amount, unit in parts if amount)
    return f"{currency} {text}".strip() if text else ""


def energy_and_time(energy_wh: float | None, seconds: float) -> str:
    """ "3.21 kWh   1:05 h": rounded down, a counter does not run ahead."""
    minutes = max(0, int(seconds)) // 60
    time = f"{minutes // 60}:{minutes % 60:02} h"
    if energy_wh is None:
        return time
    hundredths = max(0, int(energy_wh)) // 10
    return f"{hundredths // 100}.{hundredths % 100:02} kWh  {time}"
