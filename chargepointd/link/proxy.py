"""The way to the CSMS through an HTTP proxy: CONNECT (RFC 9110 §9.3.6), and then all as without, TLS end to end.

Which proxy: `csms.proxy` of the configuration; "none" is none, whatever the environment says. Where it is empty, the
environment's, as for other programs: HTTPS_PROXY for wss:// and HTTP_PROXY for ws://, else ALL_PROXY, not for what
NO_PROXY names, nor for this machine itself. Names in lower case count before those in upper case.
"""

import asyncio
import socket
from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from chargepointd.link.ended import ProxyRefused
from chargepointd.link.profile import BadProfile
from chargepointd.link.resolve import addresses, is_address

NONE = "none"
LONGEST_ANSWER = 16_384
"""bytes of its answer to CONNECT"""


class Proxy(NamedTuple):
    host: str
    port: int
    authorization: str
    """the header; empty: none. A secret"""

    def __str__(self) -> str:
        return f"{_bracketed(self.host)}:{self.port}"


def parse(url: str, where: str = "csms.proxy") -> Proxy:
    """BadProfile when it is no address of a proxy."""
    expected = f'{where}: expected an address such as "http://user:password@proxy.example.com:3128"'
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadProfile(expected) from None
    if parts.scheme != "http":
        raise BadProfile(f"{expected}; a proxy that is spoken to by {parts.scheme}:// is not supported")
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment or port == 0:
        raise BadProfile(expected)
    return Proxy(host, port or 80, _authorization(parts.username, parts.password))


def _authorization(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return "Basic " + b64encode(pair.encode()).decode("ascii")


def chosen(configured: str, host: str, secure: bool, environment: Mapping[str, str]) -> Proxy | None:
    """The one for a connection to this host. BadProfile when it cannot be used."""
    if configured:
        return None if configured.lower() == NONE else parse(configured)
    for name in ("https_proxy" if secure else "http_proxy", "all_proxy"):
        url = environment.get(name) or environment.get(name.upper())
        if url:
            url = url if "://" in url else f"http://{url}"
            return None if excepted(host, environment) else parse(url, f"{name.upper()} of the environment")
    return None


def excepted(host: str, environment: Mapping[str, str]) -> bool:
    """This machine, and what NO_PROXY names: by name, domain, or "*"."""
    if host == "localhost" or (is_address(host) and ip_address(host).is_loopback):
        return True
    listed = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    names = [name.strip().lower().lstrip(".") for name in listed.split(",")]
    return any(name and (name == "*" or host.lower() == name or host.lower().endswith(f".{name}")) for name in names)


async def connect(proxy: Proxy, host: str, port: int, timeout_s: float) -> socket.socket:
    """A socket that leads to the CSMS; its name is looked up by the proxy. ProxyRefused, TimeoutError."""
    reached = await _reach(proxy, timeout_s)
    try:
        await _ask(reached, proxy, f"{_bracketed(host)}:{port}")
    except BaseException:
        reached.close()
        raise
    return reached


async def _reach(proxy: Proxy, timeout_s: float) -> socket.socket:
    """The first of its addresses that takes a connection; each has an equal share of the time."""
    try:
        hosts = [proxy.host] if is_address(proxy.host) else await addresses(proxy.host, proxy.port)
        for host in hosts[:-1]:
            try:
                async with asyncio.timeout(timeout_s / len(hosts)):
                    return await _dial(host, proxy.port)
            except OSError:
                pass  # the last one says why
        return await _dial(hosts[-1], proxy.port)
    except TimeoutError:
        raise
    except OSError as error:
        why = error.strerror or error
        raise ProxyRefused(f"the proxy {proxy} is not reached: {why}; check csms.proxy and the network") from None


async def _dial(host: str, port: int) -> socket.socket:
    dialled = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    dialled.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(dialled, (host, port))
    except BaseException:
        dialled.close()
        raise
    return dialled


async def _ask(reached: socket.socket, proxy: Proxy, target: str) -> None:
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    lines += [f"Proxy-Authorization: {proxy.authorization}"] if proxy.authorization else []
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(reached, "\r\n".join([*lines, "", ""]).encode())
        head = await _head(loop, reached)
    except TimeoutError:
        raise
    except OSError as error:
        raise ProxyRefused(f"the proxy {proxy} hung up ({error.strerror or error})") from None
    if remedy := _refusal(head, target):
        raise ProxyRefused(f"the proxy {proxy}: {remedy}")


async def _head(loop: asyncio.AbstractEventLoop, reached: socket.socket) -> bytes:
    """What comes before the first empty line. Nothing may come after it: the CSMS speaks when it is spoken to."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_ANSWER:
        data = await loop.sock_recv(reached, LONGEST_ANSWER)
        if not data:
            break
        head += data
    return head


def _refusal(head: bytes, target: str) -> str:
    """What a person can do about it; empty where the way is open."""
    protocol, _, rest = head.partition(b" ")
    code = rest[:3].decode("ascii", "replace")
    if not protocol.startswith(b"HTTP/1.") or not code.isdecimal() or b"\r\n\r\n" not in head:
        return "no answer of an HTTP proxy; is csms.proxy the right address?"
    if code[0] == "2":
        return "" if head.endswith(b"\r\n\r\n") else "speaks before it is spoken to; is it an HTTP proxy?"
    if code == "407":
        return "HTTP 407: wrong user or password, or none; set both in csms.proxy"
    if code[0] == "4":
        return f"HTTP {code}: no way to {target}; have this station allowed to reach it"
    return f"HTTP {code}: does not reach {target}; check the url and the network behind it"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
