"""What the command line says, by the short way and by the parser."""

from pathlib import Path

import pytest

from chargepointd import app

PLAIN = (
    (),
    ("--config", "a.toml"),
    ("--state-dir", "b"),
    ("--config", "a.toml", "--state-dir", "b"),
    ("--state-dir", "b c", "--config", "a=b"),
)
FOR_THE_PARSER = (
    ("--config=a.toml",),
    ("--check-config",),
    ("--config", "a.toml", "--check-config"),
    ("--config", "--check-config"),
    ("--config", "a.toml", "--config", "b.toml"),
    ("--conf", "a.toml"),
    ("--config", ""),
    ("--config",),
    ("a.toml", "b"),
)


@pytest.mark.parametrize("argv", PLAIN)
def test_the_short_way_says_what_the_parser_says(argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/run/s")
    assert app._plain(argv) == app._parsed(argv)
    assert app.options(argv).state_dir in (Path("/run/s"), Path("b"), Path("b c"))


@pytest.mark.parametrize("argv", FOR_THE_PARSER)
def test_anything_else_is_left_to_the_parser(argv: tuple[str, ...]) -> None:
    assert app._plain(argv) is None
