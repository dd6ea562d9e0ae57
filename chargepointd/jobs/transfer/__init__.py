"""Files from and to servers: HTTP, HTTPS, FTP, FTPS and SFTP.

    http.py  ftp.py  sftp.py   a protocol each: `get(line, address, sink)`, `put(line, address, source, name)`
    address.py  line.py  files.py  failure.py

**HTTP, HTTPS.** An upload is a PUT: to the address itself, or to the file in it where the address is a folder (ends
with "/"). Where PUT is not offered there (405, 501), a POST to the address with `Content-Type` and
`Content-Disposition` (N01.FR.19). Redirections are followed, never from TLS to plain text.

**FTP, FTPS.** Passive mode. `ftpes:` is FTP with AUTH TLS, on port 21 where none is named. `ftps:` is TLS from the
first byte on port 990, and AUTH TLS on port 21; elsewhere the server decides: who greets in plain text wants AUTH TLS.
Data go encrypted, too. Without a user: anonymous.

**SFTP.** A server's key is kept when the server is met first, and has to be the same from then on.

On file servers an upload goes into the folder the address names; where there is no such folder, and the last part of
the address looks like a file's name (has a dot), it is that file.

Nothing waits for ever, a transfer can be cancelled at any moment, and 64 kB (SFTP: 256 kB) are in memory at a time.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from chargepointd.jobs.transfer.address import Address, address
from chargepointd.jobs.transfer.failure import TransferFailed
from chargepointd.jobs.transfer.files import Sink, Source
from chargepointd.jobs.transfer.line import Line, Means, Patience
from chargepointd.jobs.transfer.trouble import explained

__all__ = ["Means", "Patience", "TransferFailed", "download", "upload"]

_MODULES = {"http": "http", "https": "http", "ftp": "ftp", "ftps": "ftp", "ftpes": "ftp", "sftp": "sftp"}


async def download(url: str, target: Path, means: Means, *, limit_bytes: int, progress: Callable[[int], None]) -> None:
    """The file at `url`, on the disk as `target`: whole, or not at all. TransferFailed says what was wrong.

    progress: hears in the loop how many bytes are there, twice a second at most.
    """
    where = address(url)
    line = Line(means, progress)

    def work() -> None:
        with Sink(target, limit_bytes, line) as sink:
            _protocol(where).get(line, where, sink, means.hosts)

    await line.run(lambda: _explaining(work, where))


async def upload(source: Path, url: str, name: str, means: Means, *, progress: Callable[[int], None]) -> None:
    """The file `source`, on the server as `name`, unless the URL itself names a file. TransferFailed, progress: as for
    `download`."""
    where = address(url)
    line = Line(means, progress)

    def work() -> None:
        with Source(source, line) as file:
            _protocol(where).put(line, where, file, name, means.hosts)

    await line.run(lambda: _explaining(work, where))


def _protocol(where: Address) -> Any:
    return import_module(f"{__name__}.{_MODULES[where.scheme]}")


def _explaining(work: Callable[[], None], where: Address) -> None:
    try:
        work()
    except (OSError, EOFError) as error:
        raise explained(error, where) from error
