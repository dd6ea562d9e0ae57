"""SFTP, by asyncssh."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh


class SshServer:
    def __init__(self, folder: Path, login: tuple[str, str], key: asyncssh.SSHKey | None, port: int) -> None:
        self.folder = folder
        self.login = login
        self._key = key or asyncssh.generate_private_key("ssh-ed25519")
        self.port = port
        self.stalled = threading.Event()
        """set: reads and writes are not answered"""
        self.mute = threading.Event()
        """set: nothing is answered once somebody has logged in"""
        self.busy = threading.Event()
        """something was read or written"""

    def url(self, path: str, *, login: tuple[str, str] | None = None, host: str = "localhost") -> str:
        user, password = login or self.login
        return f"sftp://{user}:{password}@{host}:{self.port}/{path}"

    @contextmanager
    def running(self) -> Iterator["SshServer"]:
        ready, loops = threading.Event(), []

        async def serve() -> None:
            stop = asyncio.Event()
            acceptor = await asyncssh.listen(
                "127.0.0.1",
                self.port,
                server_factory=lambda: _Login(self),
                server_host_keys=[self._key],
                sftp_factory=lambda channel: _Files(channel, self, stop),
            )
            self.port = acceptor.get_port()
            loops.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()
            acceptor.close()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        assert ready.wait(10)
        loop, stop = loops[0]
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()


class _Login(asyncssh.SSHServer):
    def __init__(self, owner: SshServer) -> None:
        self._owner = owner

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == self._owner.login


class _Files(asyncssh.SFTPServer):
    """stop: until when a server that is mute or stalled says nothing."""

    def __init__(self, channel: asyncssh.SSHServerChannel, owner: SshServer, stop: asyncio.Event) -> None:
        super().__init__(channel, chroot=str(owner.folder))
        self._owner, self._stop = owner, stop

    async def stat(self, path: bytes) -> object:
        if self._owner.mute.is_set():
            await self._stop.wait()
        return super().stat(path)

    async def read(self, file: object, offset: int, size: int) -> bytes:
        await self._pass()
        return super().read(file, offset, size)

    async def write(self, file: object, offset: int, data: bytes) -> int:
        await self._pass()
        return super().write(file, offset, data)

    async def _pass(self) -> None:
        self._owner.busy.set()
        if self._owner.stalled.is_set():
            await self._stop.wait()


@contextmanager
def ssh_server(
    folder: Path,
    login: tuple[str, str] = ("ute", "geheim"),
    key: asyncssh.SSHKey | None = None,
    port: int = 0,
) -> Iterator[SshServer]:
    with SshServer(folder, login, key, port).running() as server:
        yield server
