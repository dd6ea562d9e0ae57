"""What is shown when a test fails: transcripts and logs, offered by whoever records them while the test runs."""

from collections.abc import Callable

_offered: list[tuple[str, Callable[[], str]]] = []


def offer(title: str, render: Callable[[], str]) -> None:
    """Show `render()` under `title` should the running test fail."""
    _offered.append((title, render))


def gathered() -> list[tuple[str, str]]:
    return [(title, render()) for title, render in _offered]


def forget() -> None:
    _offered.clear()
