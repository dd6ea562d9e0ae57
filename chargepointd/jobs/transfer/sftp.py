"""SFTP (SSH file transfer), with a password.

A server's key is kept in the file `hosts` when the server is met first (OpenSSH's format, a line for each host and
port) and has to be the same from then on. Where a server really has a new key, a person takes its line out of the
file.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh

from chargepointd.jobs.transfer.address import Address
from chargepointd.jobs.transfer.failure import Kind, TransferFailed
from chargepointd.jobs.transfer.files import Sink, Source
from chargepointd.jobs.transfer.line import CHUNK, HungUp, Line

Work = Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, None]]

AT_A_TIME = 4 * CHUNK
"""read in parallel requests: a request a round trip would take for ever over a long line; and it has to come within
`Patience.silent_s` over a slow one"""
_KINDS: dict[type[Exception], Kind] = {
    asyncssh.SFTPNoSuchFile: "NotFound",
    asyncssh.SFTPNoSuchPath: "NotFound",
    asyncssh.SFTPPermissionDenied: "PermissionDenied",
    asyncssh.SFTPWriteProtect: "PermissionDenied",
    asyncssh.SFTPOpUnsupported: "NotSupportedOperation",
    asyncssh.SFTPBadMessage: "BadMessage",
    asyncssh.PermissionDenied: "PermissionDenied",
    asyncssh.ProtocolError: "BadMessage",
}


def get(line: Line, where: Address, sink: Sink, hosts: Path | None) -> None:
    async def download(sftp: asyncssh.SFTPClient) -> None:
        size = (await _in_time(line, sftp.stat(where.file))).size
        if size is not None:
            sink.expect(size)
        file = await _in_time(line, sftp.open(where.file, "rb"))
        while data := await _in_time(line, file.read(AT_A_TIME)):
            sink.write(data)
        if size is not None and sink.size != size:
            raise TransferFailed(f"{where.shown}: {sink.size} of {size} bytes came")

    _run(line, _with(line, where, hosts, download))


def put(line: Line, where: Address, source: Source, name: str, hosts: Path | None) -> None:
    async def upload(sftp: asyncssh.SFTPClient) -> None:
        place = await _in_time(line, _place(sftp, where, name))
        file = await _in_time(line, sftp.open(place, "wb"))
        for data in source.chunks():
            await _in_time(line, file.write(data))
        await _in_time(line, file.close())

    _run(line, _with(line, where, hosts, upload))


async def _place(sftp: asyncssh.SFTPClient, where: Address, name: str) -> str:
    folder = where.file.rstrip("/") or ("/" if where.file else ".")
    if await sftp.isdir(folder):
        return f"{folder}/{name}"
    if where.folder or "." not in folder.rpartition("/")[2]:
        raise TransferFailed(f"{where.shown}: no such folder", "NotFound")
    return folder


def _run(line: Line, work: Coroutine[Any, Any, None]) -> None:
    """In a loop of the thread's own: neither the cryptography nor the disk holds up the station."""

    async def life() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task

        def end() -> None:
            with suppress(RuntimeError):  # the loop is closed: it is over
                loop.call_soon_threadsafe(task.cancel)

        try:
            line.ended_by(end)
        except HungUp:
            work.close()
            raise
        await work

    try:
        asyncio.run(life())
    except asyncio.CancelledError:
        raise HungUp from None


async def _in_time(line: Line, work: Awaitable[Any]) -> Any:
    async with asyncio.timeout(line.patience.silent_s):
        return await work


async def _with(line: Line, where: Address, hosts: Path | None, work: Work) -> None:
    if hosts is None:
        raise TransferFailed(f"{where.shown}: no file for the keys of servers", "NotSupportedOperation")
    book = _Book(hosts, where)
    try:
        connection = await _connected(line, where, book)
        try:
            await work(await _in_time(line, connection.start_sftp_client()))
        finally:
            connection.abort()  # a server that is silent would not say goodbye either
    except (asyncssh.Error, asyncssh.SFTPError) as error:
        if book.changed:
            raise TransferFailed(f"{where.shown}: {book.changed}") from None
        raise TransferFailed(f"{where.shown}: {error.reason}", _kind(error)) from None


async def _connected(line: Line, where: Address, book: "_Book") -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        where.host,
        where.port,
        sock=line.connect(where.host, where.port),
        username=where.user,
        password=where.password,
        client_factory=lambda: book,
        known_hosts=book.text.encode(),
        client_keys=None,
        agent_path=None,
        config=None,
        connect_timeout=line.patience.connect_s,
        login_timeout=line.patience.connect_s,
    )


def _kind(error: Exception) -> Kind:
    return next((kind for known, kind in _KINDS.items() if isinstance(error, known)), "Failed")


class _Book(asyncssh.SSHClient):
    """The servers that were met. Asked for a key that the file does not have."""

    def __init__(self, hosts: Path, where: Address) -> None:
        self._hosts = hosts
        self._where = where
        self.text = hosts.read_text("utf-8") if hosts.exists() else ""
        self.changed = ""
        """what is wrong with the server's key"""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        name = f"[{self._where.host}]:{self._where.port}"
        known = self.text.splitlines()
        if any(line.partition(" ")[0] == name for line in known):
            self.changed = f"the server has another key than before; if that is right, take {name} out of {self._hosts}"
            return False
        line = f"{name} {key.export_public_key('openssh').decode().strip()}"
        fresh = self._hosts.with_name(self._hosts.name + ".new")
        fresh.write_text("\n".join([*known, line, ""]), "utf-8")
        fresh.replace(self._hosts)
        return True
