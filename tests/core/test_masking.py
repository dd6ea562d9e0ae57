"""Passwords in addresses are never shown."""

import pytest

from chargepointd.core.masking import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ftp://user:secret@host:21/logs/", "ftp://…@host:21/logs/"),
        ("https://host/logs?X-Signature=secret", "https://host/logs?…"),
        ("https://host/logs", "https://host/logs"),
        ("sftp://user:sec@ret@host/", "sftp://…@host/"),
        ('got "ftp://u:secret@h/a", then "ftp://u:secret@h/b"', 'got "ftp://…@h/a", then "ftp://…@h/b"'),
        ("mail user@host, nothing to hide", "mail user@host, nothing to hide"),
    ],
)
def test_what_is_shown_of_an_address(text: str, shown: str) -> None:
    assert masked(text) == shown
