"""The way to the CSMS through an HTTP proxy: by the configuration and by the environment, refused and granted."""

import asyncio
import io
import re
import tarfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from chargepointd.jobs.transfer import Means, TransferFailed, download
from tests.csms import Csms
from tests.daemon.config import Config
from tests.daemon.process import Station
from tests.daemon.visit import begin, brisk, delivered, finish
from tests.network.proxy import Proxy
from tests.pki import Authority, server_context
from tests.servers.web import WebServer

pytestmark = pytest.mark.process

NAME = "csms.behind-the-proxy.test"
"""known to the proxy alone"""
SECRET = "pass/word@+1"
WRITTEN = "pass%2Fword%40+1"
ENVIRONMENT = dict.fromkeys([*(f"{name}_proxy" for name in ("http", "https", "all", "no"))], "") | dict.fromkeys(
    [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")], ""
)


def config(url: str, dialect: str, proxy: str = "", **csms: Any) -> Config:
    made = brisk(url, dialect)
    made["csms"] |= csms | ({"proxy": proxy} if proxy else {})
    return made


def test_a_visit_over_tls_through_a_proxy_that_wants_a_password(dialect: str, tmp_path: Path) -> None:
    """TLS goes end to end: the certificate is that of the CSMS, whose name the proxy looks up."""
    root = Authority("Root")
    (tmp_path / "root.pem").write_text(root.pem)
    tls = server_context(root.issue("csms", NAME))
    with (
        Csms(versions=(dialect,), tls=tls, host=NAME, password="station password") as csms,
        Proxy({NAME: csms.listener.port}, "site", SECRET) as proxy,
        Station(
            config(
                csms.url, dialect, f"http://site:{WRITTEN}@127.0.0.1:{proxy.port}",
                security_profile=2, password="station password", ca_file=str(tmp_path / "root.pem"),
            ),
            env=ENVIRONMENT,
        ) as station,
    ):  # fmt: skip
        begin(station, csms)
        relayed = proxy.passages[0]
        assert proxy.asked == [f"CONNECT {NAME}:{csms.listener.port} HTTP/1.1"]
        finish(station, csms)
        delivered(station)
        proxy.cut()
        proxy.wait_passages(2)
        csms.line()
        assert relayed.left_at is not None
        told = station.log + bundled(station)
        assert "proxy" in told
        assert SECRET not in told
        assert WRITTEN not in told


FILES = "files.behind-the-proxy.test"
FAR = "2001:db8::7"
"""of no machine anywhere: only the proxy has a way there"""


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
@pytest.mark.parametrize(("name", "files", "host"), [(NAME, FILES, "127.0.0.1"), (f"[{FAR}]", f"[{FAR}]", "::1")])
def test_files_go_through_the_proxy_too(
    csms: Csms, dialect: str, tmp_path: Path, name: str, files: str, host: str
) -> None:
    """By plain HTTP: the proxy is asked for the whole address."""
    web = WebServer(tmp_path, None, None)
    with (
        web.running(),
        Proxy({name.strip("[]"): 0, files.strip("[]"): 0}, "site", SECRET, host) as proxy,
        Station(
            config(f"ws://{name}:{csms.listener.port}/ocpp", dialect, f"http://site:{WRITTEN}@{proxy.at}"),
            env=ENVIRONMENT,
        ) as station,
    ):
        csms.wait_status("Available")
        assert station.ctl("status")["csms"]["proxy"] == proxy.at
        log = {"remoteLocation": f"http://{files}:{web.port}/"}
        csms.call("GetLog", {"logType": "DiagnosticsLog", "requestId": 1, "log": log})
        csms.wait("LogStatusNotification", status="Uploaded", timeout=60)
        assert proxy.asked[-1].startswith(f"PUT http://{files}:{web.port}/")
        assert [each.method for each in web.asked] == ["PUT"]
        assert web.asked[0].headers["Host"] == f"{files}:{web.port}"
        assert "Proxy-Authorization" not in web.asked[0].headers
        assert WRITTEN not in station.log


def fetched(url: str, into: Path, proxy: Proxy, authorization: str, root: Path | None = None) -> bytes:
    proxied = (proxy.host, proxy.port, authorization)
    means = Means(root, proxied=lambda *_: proxied)
    asyncio.run(download(url, into / "got", means, limit_bytes=1000, progress=lambda done: None))
    return (into / "got").read_bytes()


@pytest.mark.parametrize(("files", "host"), [(FILES, "127.0.0.1"), (FAR, "::1")])
def test_a_file_over_tls_through_the_proxy(tmp_path: Path, files: str, host: str) -> None:
    root = Authority("Root")
    (tmp_path / "root.pem").write_text(root.pem)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "image").write_bytes(b"firmware")
    web = WebServer(tmp_path / "files", root.issue(FILES, files).file(tmp_path, "web.pem"), None)
    written = f"[{files}]" if ":" in files else files
    with web.running(), Proxy({files: web.port}, "u", "p", host) as proxy:
        url = web.url("image", host=written)
        web.moved["/moved"] = "image"
        for there in (url, url.replace("image", "moved")):
            assert fetched(there, tmp_path, proxy, "Basic dTpw", tmp_path / "root.pem") == b"firmware"
        assert proxy.asked[0].startswith(f"CONNECT {written}:{web.port} ")
        assert web.asked[0].headers["Host"] == f"{written}:{web.port}"
        with pytest.raises(TransferFailed, match=rf"no way by the proxy {re.escape(proxy.at)}: .*407"):
            fetched(url, tmp_path, proxy, "Basic d3Jvbmc=", tmp_path / "root.pem")
    with pytest.raises(TransferFailed, match="no way by the proxy"):
        fetched(url, tmp_path, proxy, "")


ANSWERS = {
    b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n": "HTTP 407: wrong user or password",
    b"HTTP/1.1 403 Forbidden\r\n\r\n": "have this station allowed",
    b"HTTP/1.0 502 Bad Gateway\r\n\r\n": "HTTP 502: does not reach",
    b"220 smtp.example.com ESMTP\r\n": "no answer of an HTTP proxy",
    b"": "no answer of an HTTP proxy",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000: "no answer of an HTTP proxy",
    b"HTTP/1.1 200 OK\r\n\r\nhello": "speaks before it is spoken to",
}


def bundled(station: Station) -> str:
    """All that a bundle for a bug report holds."""
    packed = b64decode(station.ctl("bundle")["archive"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        files = [tar.extractfile(member) for member in tar.getmembers()]
        return "".join(file.read().decode(errors="replace") for file in files if file)


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
def test_what_a_proxy_refuses_is_told_with_the_remedy(csms: Csms, dialect: str) -> None:
    with Proxy({NAME: csms.listener.port}) as proxy:
        proxy.answer = next(iter(ANSWERS))
        url = f"ws://{NAME}/ocpp"
        with Station(config(url, dialect, f"http://u:{WRITTEN}@127.0.0.1:{proxy.port}"), env=ENVIRONMENT) as station:
            for answer, remedy in ANSWERS.items():
                proxy.answer = answer
                line = station.wait_log(remedy)
                assert f"the proxy 127.0.0.1:{proxy.port}" in line
            proxy.answer = None
            csms.wait("BootNotification")
            assert WRITTEN not in station.log


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
def test_a_proxy_that_is_not_there(csms: Csms, dialect: str) -> None:
    with Station(config(csms.url, dialect, "http://127.0.0.1:9"), env=ENVIRONMENT) as station:
        assert "WARNING" in station.wait_log("the proxy 127.0.0.1:9 is not reached")


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
def test_the_proxy_of_the_environment(csms: Csms, dialect: str) -> None:
    """Of ws:// it is HTTP_PROXY; NO_PROXY names who is reached without, and "none" in the configuration is none."""
    with Proxy({NAME: csms.listener.port}) as proxy:
        there = {"HTTP_PROXY": f"127.0.0.1:{proxy.port}"}
        with Station(config(f"ws://{NAME}/ocpp", dialect), env=ENVIRONMENT | there):
            csms.wait("BootNotification")
        assert proxy.asked == [f"CONNECT {NAME}:80 HTTP/1.1"]
        for more, proxied in (({"NO_PROXY": "example.com, behind-the-proxy.test"}, ""), ({}, "none")):
            with Station(config(f"ws://{NAME}/ocpp", dialect, proxied), env=ENVIRONMENT | there | more) as station:
                station.wait_log("is not known")
        assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "wrong", ["https://proxy:1", "proxy:3128", "http://", "http://proxy:x", "http:// proxy:1", "socks5://proxy"]
)
def test_an_address_that_is_none_of_a_proxy(wrong: str, tmp_path: Path) -> None:
    from chargepointd.config import BadConfig, load
    from tests.daemon import toml

    file = tmp_path / "station.toml"
    file.write_text(toml.dumps(config("ws://127.0.0.1/ocpp", "2.0.1", wrong)))
    with pytest.raises(BadConfig, match=re.escape("csms.proxy: expected an address such as")):
        load(file)
