"""Certificates and keys as files: what the station trusts and who it is. Readable by the daemon alone.

    STATE_DIR/certificates/USE/NAME.pem     a root or a chain, leaf first; NAME is the SHA-256 of the first
    STATE_DIR/certificates/USE/NAME.key     the private key of a chain, or of a request that waits for its certificate

A file is written whole and durably, or not at all. The station's state says which of them count: what it does not
name was cut off in the middle, and `sweep` removes it. No cryptography here, so nothing costs time at the start.
"""

import os
from base64 import b64decode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path


class KeyStore:
    """A secure element would be another class with these methods."""

    def __init__(self, state_dir: Path) -> None:
        self._where = state_dir / "certificates"

    def certificate(self, use: str, name: str) -> Path:
        return self._where / use / f"{name}.pem"

    def key(self, use: str, name: str) -> Path:
        return self._where / use / f"{name}.key"

    def roots(self, use: str) -> list[str]:
        """All certificates of this use, in PEM; one that the disk has damaged is none any more."""
        return [file.read_text("ascii", errors="replace") for file in sorted((self._where / use).glob("*.pem"))]

    def put(self, file: Path, content: bytes) -> None:
        """Durable when this returns. OSError: nothing has changed."""
        for folder in (self._where, file.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        new = file.with_suffix(f"{file.suffix}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        new.replace(file)
        _sync(file.parent)
        _sync(self._where)

    def remove(self, files: Iterable[Path]) -> None:
        for file in files:
            file.unlink(missing_ok=True)
            if file.parent.exists():
                _sync(file.parent)

    def sweep(self, known: Iterable[Path]) -> list[Path]:
        """Remove all files but these; returns those of `known` that are missing."""
        wanted = set(known)
        self.remove([file for file in self._where.glob("*/*") if file not in wanted])
        return sorted(file for file in wanted if not file.exists())

    def damaged(self, file: Path) -> bool:
        """Whether a certificate is there and is another than its name says: the disk has changed it."""
        if file.suffix != ".pem" or not file.exists():
            return False
        _, _, begun = file.read_text("ascii", errors="replace").partition("-----BEGIN CERTIFICATE-----")
        text, ended, _ = begun.partition("-----END CERTIFICATE-----")
        try:
            return not ended or sha256(b64decode("".join(text.split()), validate=True)).hexdigest() != file.stem
        except ValueError:
            return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
