"""Host name to addresses.

`loop.getaddrinfo` uses the default executor, whose threads the end of the program waits for: with the network down
that is the 5 to 40 s of a resolver without an answer. A thread of our own that nobody waits for holds up nothing.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def addresses(host: str, port: int) -> list[str]:
    """IP addresses of `host`, in the order of RFC 6724, each once. OSError (gaierror) when there are none.

    Cancelling leaves the lookup behind; it ends by itself.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def tell(setter: Callable[[Any], None], value: Any) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(lambda: None if found.done() else setter(value))

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            tell(found.set_exception, OSError(f"host name {host!r} is not known ({error}); check the url and the DNS"))
        else:
            tell(found.set_result, list(dict.fromkeys(str(info[4][0]) for info in infos)))

    threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    return await found
