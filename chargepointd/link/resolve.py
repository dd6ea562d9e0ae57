"""Host name to addresses.

`loop.getaddrinfo` uses the default executor, whose threads the end of the program waits for: with the network down
that is the 5 to 40 s of a resolver without an answer. A thread of our own that nobody waits for holds up nothing.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from ipaddress import ip_address


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_under_way: dict[tuple[str, int], "_Lookup"] = {}
"""A resolver that hangs must not be left a thread for each attempt: there is one for a name."""


async def addresses(host: str, port: int) -> list[str]:
    """IP addresses of `host`, in the order of RFC 6724, each once. OSError (gaierror) when there are none.

    Cancelling leaves the lookup behind; it ends by itself, and who asks meanwhile waits for it.
    """
    lookup = _under_way.get((host, port))
    if lookup is None:
        lookup = _under_way[host, port] = _Lookup(host, port)
        threading.Thread(target=lookup.run, name=f"resolve {host}", daemon=True).start()
    return await lookup.found()


class _Lookup:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[list[str]]]] = []
        self._result: list[str] | OSError | None = None

    async def found(self) -> list[str]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()
        with self._lock:
            if self._result is None:
                self._waiting.append((loop, future))
            else:
                _settle(future, self._result)
        return await future

    def run(self) -> None:
        """In a thread."""
        try:
            infos = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            result: list[str] | OSError = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError) as error:
            result = OSError(f"host name {self._host!r} is not known ({error}); check the url and the DNS")
        with self._lock:
            self._result, waiting = result, self._waiting
            _under_way.pop((self._host, self._port), None)
        for loop, future in waiting:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(_settle, future, result)


def _settle(future: "asyncio.Future[list[str]]", result: list[str] | OSError) -> None:
    if future.done():
        return
    if isinstance(result, OSError):
        future.set_exception(result)
    else:
        future.set_result(result)
