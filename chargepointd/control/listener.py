"""Having the control socket: taking it from a daemon that died, giving it to a group, giving it back."""

import asyncio
import errno
import logging
import os
import socket
import stat
from pathlib import Path

log = logging.getLogger(__name__)

MODE = 0o660
BACKLOG = 16
ACCEPT_RETRY_S = 1.0


class CannotListen(Exception):
    """The socket cannot be had. A person must act; the text names the path and the remedy."""


class Listener:
    """A Unix socket at `path`, for the owner and `group`; empty: the owner's own group.

    A socket that a dead daemon left is removed; one that answers is another daemon's, and CannotListen.
    """

    def __init__(self, path: Path, group: str) -> None:
        self._path = path
        self._inode = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        try:
            self._listen(group)
        except CannotListen:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise CannotListen(_why_not(path, error)) from error
        log.info("control: listening on %s", path)

    def _listen(self, group: str) -> None:
        gid = _group_id(group)
        _remove_stale(self._path)
        self._socket.bind(str(self._path))
        self._inode = self._path.stat().st_ino
        _give_to_group(self._path, group, gid)
        # Only now: until it listens nobody can connect, so the rights are never wider than they should be.
        self._socket.listen(BACKLOG)

    async def accept(self) -> socket.socket:
        """The next client. Out of file descriptors or memory is waited for: those come back."""
        while True:
            try:
                sock, _ = await asyncio.get_running_loop().sock_accept(self._socket)
                return sock
            except OSError as error:
                log.warning("control: cannot take a client: %s", error)
                await asyncio.sleep(ACCEPT_RETRY_S)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
        # Not by name alone: where somebody has put another socket, that one is not ours to remove.
        if self._inode and self._path.exists() and self._path.stat().st_ino == self._inode:
            self._path.unlink()
        self._inode = 0


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListen(f"{path}: is there and is no socket; remove it, or choose another [control] socket")
    if _answers(path):
        raise CannotListen(f"{path}: another chargepointd answers there; stop it first, or use another --state-dir")
    path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a daemon too busy to accept is there all the same, and we do not wait for it
        result = probe.connect_ex(str(path))
    return result not in (errno.ECONNREFUSED, errno.ENOENT)


def _group_id(group: str) -> int:
    if not group:
        return -1
    import grp

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise CannotListen(
            f'control.group: no group "{group}" on this system; create it with `groupadd --system {group}`, or set ""'
        ) from None


def _give_to_group(path: Path, group: str, gid: int) -> None:
    try:
        os.chown(path, -1, gid)
        path.chmod(MODE)
    except PermissionError as error:
        raise CannotListen(f'control.group: may not give {path} to "{group}"; the daemon must be a member') from error


def _why_not(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"{path}: directory {path.parent} is missing; create it, or set [control] socket"
    return f"{path}: cannot listen: {error.strerror or error}; set [control] socket to another path"
