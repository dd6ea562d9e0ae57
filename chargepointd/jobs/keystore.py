"""Certificates and keys as files: what the station trusts and who it is. Readable by the daemon alone.

    STATE_DIR/certificates/USE/NAME.pem     a root or a chain, leaf first; NAME is the SHA-256 of the first
    STATE_DIR/certificates/USE/NAME.key     the private key of a chain, or of a request that waits for its certificate

A file is written whole and durably, or not at all. The station's state says which of them count: what it does not
name was cut off in the middle, and `sweep` removes it (where the disk has changed the state, the files say it). No
cryptography here, so nothing costs time at the start.
"""

import os
import ssl
from base64 import b64decode
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_SEAL = b"SHA-256 of all this: "
"""text after the last certificate means nothing in PEM (RFC 7468, section 2)"""


def sealed(chain: bytes) -> bytes:
    """The name of a file is that of its first certificate; this tells of the others."""
    return b"%s%s%s\n" % (chain, _SEAL, sha256(chain).hexdigest().encode())


class KeyStore:
    """A secure element would be another class with these methods."""

    def __init__(self, state_dir: Path) -> None:
        self._where = state_dir / "certificates"

    def certificate(self, use: str, name: str) -> Path:
        return self._where / use / f"{name}.pem"

    def key(self, use: str, name: str) -> Path:
        return self._where / use / f"{name}.key"

    def roots(self, use: str) -> list[str]:
        """All certificates of this use, in PEM; one that the disk has damaged, or does not give back, is none."""
        read = []
        for file in sorted((self._where / use).glob("*.pem")):
            with suppress(OSError):
                read.append(file.read_text("ascii", errors="replace"))
        return read

    def names(self) -> list[tuple[str, str]]:
        """(use, name) of all certificates, and of the keys without one."""
        found = (file for kind in ("pem", "key") for file in sorted(self._where.glob(f"*/*.{kind}")))
        return list(dict.fromkeys((file.parent.name, file.stem) for file in found))

    def put(self, file: Path, content: bytes) -> None:
        """Durable when this returns. OSError: nothing has changed."""
        self.put_all([(file, content)])

    def put_all(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """All are durable when this returns, in their order: where the power is cut, the first ones may be there."""
        folders = {self._where: None}
        for file, content in files:
            for folder in (self._where, file.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            folders[file.parent] = None
            _write(file, content)
        for folder in reversed(folders):
            _sync(folder)

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
        """Whether a file is there and the disk has changed it: a certificate is another than its name says, a key that
        of another."""
        if not file.exists():
            return False
        if file.suffix == ".key":
            return _is_another_s(file, file.with_suffix(".pem"))
        _, _, begun = file.read_text("ascii", errors="replace").partition("-----BEGIN CERTIFICATE-----")
        text, ended, _ = begun.partition("-----END CERTIFICATE-----")
        try:
            return not ended or sha256(b64decode("".join(text.split()), validate=True)).hexdigest() != file.stem
        except ValueError:
            return True

    def cut(self, file: Path) -> bool:
        """Whether the disk has changed an authority in a chain; then the file has the certificate only."""
        if file.suffix != ".pem" or not file.exists() or self.damaged(file):
            return False
        content = file.read_bytes()
        chain, seal, _ = content.partition(_SEAL)
        if not seal or sealed(chain) == content:
            return False
        first, end, _ = chain.partition(b"-----END CERTIFICATE-----")
        self.put(file, sealed(first + end + b"\n"))
        return True


def _is_another_s(key: Path, chain: Path) -> bool:
    """A key that waits for its certificate is nobody's yet."""
    if not chain.exists():
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(chain, key, password=str)
    except ssl.SSLError:
        return True
    return False


def _write(file: Path, content: bytes) -> None:
    new = file.with_suffix(f"{file.suffix}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)
    new.replace(file)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
