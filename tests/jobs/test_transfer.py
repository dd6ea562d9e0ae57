"""Files come and go, over every protocol, from and to real servers; and what goes wrong is said."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from chargepointd.jobs.transfer import Means, Patience, TransferFailed, download, upload
from tests.link.authority import Authority
from tests.servers.ftp import ftp_server
from tests.servers.ssh import ssh_server
from tests.servers.web import web_server

CONTENT = os.urandom(300_000)
LOGIN = ("ute", "ge%20heim")
PASSWORD = ("ute", "ge heim")
PATIENCE = Patience(5, 5, 20)
PROTOCOLS = ["http", "https", "ftp", "ftpes", "ftps", "sftp"]


class World:
    """The station's folder, the server's folder, the certificates, and what was told of progress."""

    def __init__(self, tmp_path: Path) -> None:
        self.here, self.there = tmp_path / "here", tmp_path / "there"
        self.here.mkdir()
        self.there.mkdir()
        self.authority = Authority(tmp_path, "root")
        self.certificate = self.authority.issue("localhost", "localhost")
        self.roots: Path | None = self.authority.file
        self.told: list[int] = []
        (self.there / "a file.bin").write_bytes(CONTENT)
        (self.there / "logs").mkdir()
        self.log = self.here / "log.tar.gz"
        self.log.write_bytes(CONTENT)

    @contextmanager
    def server(self, protocol: str) -> Iterator[Any]:
        with ExitStack() as stack:
            if protocol in ("http", "https"):
                certificate = self.certificate if protocol == "https" else None
                yield stack.enter_context(web_server(self.there, certificate, PASSWORD))
            elif protocol == "sftp":
                yield stack.enter_context(ssh_server(self.there, PASSWORD))
            else:
                tls = {"ftp": "", "ftpes": "explicit", "ftps": "implicit"}[protocol]
                yield stack.enter_context(ftp_server(self.there, self.certificate, PASSWORD, tls))

    async def down(self, url: str, limit: int = 1_000_000, patience: Patience = PATIENCE) -> bytes:
        target = self.here / "target"
        await download(url, target, self.means(patience), limit_bytes=limit, progress=self.told.append)
        return target.read_bytes()

    async def up(self, url: str, name: str = "log.tar.gz", patience: Patience = PATIENCE) -> None:
        await upload(self.log, url, name, self.means(patience), progress=self.told.append)

    def means(self, patience: Patience) -> Means:
        return Means(self.roots, self.here / "hosts", patience=patience)

    def failed(self, work: Any) -> TransferFailed:
        with pytest.raises(TransferFailed) as caught:
            asyncio.run(work)
        assert "heim" not in caught.value.reason
        assert not (self.here / "target").exists()
        return caught.value


def stall(server: Any) -> None:
    """In the middle of the next file."""
    if hasattr(server, "stalled"):
        server.stalled.set()
    elif hasattr(server, "stall"):
        server.stall()
    else:
        server.go_on.clear()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("chargepointd.jobs.transfer.ftp.GREETING_S", 0.3)
    return World(tmp_path)


# -- what goes well ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_is_fetched(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        assert asyncio.run(world.down(server.url("a%20file.bin", login=LOGIN))) == CONTENT
    assert world.told == sorted(world.told)
    assert world.told[0] > 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_is_left_in_a_folder(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        asyncio.run(world.up(server.url("logs/", login=LOGIN), "my log.tar.gz"))
    assert (world.there / "logs" / "my log.tar.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_is_left_under_the_name_the_address_gives(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        asyncio.run(world.up(server.url("logs/its.own.name", login=LOGIN)))
    assert (world.there / "logs" / "its.own.name").read_bytes() == CONTENT


@pytest.mark.parametrize("protocol", ["ftp", "ftpes", "ftps", "sftp"])
@pytest.mark.parametrize(("path", "folder"), [("", ""), ("logs", "logs")])
def test_a_folder_on_a_file_server_needs_no_slash_at_its_end(
    world: World, protocol: str, path: str, folder: str
) -> None:
    with world.server(protocol) as server:
        asyncio.run(world.up(server.url(path, login=LOGIN)))
    assert (world.there / folder / "log.tar.gz").read_bytes() == CONTENT


def test_ftps_on_a_port_of_its_own_does_what_the_server_expects(world: World) -> None:
    with world.server("ftpes") as server:
        assert asyncio.run(world.down(server.url("a%20file.bin", login=LOGIN, scheme="ftps"))) == CONTENT


def test_an_address_need_not_be_percent_encoded(world: World) -> None:
    with world.server("http") as server:
        assert "404" in world.failed(world.down(server.url("größe 1.bin", login=LOGIN) + "?q=ä b")).reason


def test_where_put_is_not_offered_the_file_is_posted(world: World) -> None:
    with world.server("http") as server:
        server.methods = {"POST"}
        asyncio.run(world.up(server.url("logs", login=LOGIN), "my log.tar.gz"))
        assert [asked.method for asked in server.asked] == ["PUT", "POST"]
        assert server.asked[1].headers["Content-Type"] == "application/octet-stream"
    assert (world.there / "logs" / "my log.tar.gz").read_bytes() == CONTENT


def test_a_redirection_is_followed_with_the_password_for_the_same_server_only(world: World) -> None:
    with world.server("http") as server, web_server(world.there) as other:
        server.moved["/here.bin"] = "/there.bin"
        server.moved["/there.bin"] = other.url("a%20file.bin")
        assert asyncio.run(world.down(server.url("here.bin", login=LOGIN))) == CONTENT
        assert server.asked[1].headers["Authorization"]
        assert other.asked[0].headers["Authorization"] is None


def test_a_query_goes_with_the_address(world: World) -> None:
    with web_server(world.there) as server:
        asyncio.run(world.up(server.url("logs/x.gz?signature=1%2B2")))
        assert server.asked[0].path == "/logs/x.gz?signature=1%2B2"


# -- what the server refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_that_is_not_there(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        assert world.failed(world.down(server.url("nothing.bin", login=LOGIN))).kind == "NotFound"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_folder_that_is_not_there(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        assert world.failed(world.up(server.url("nowhere/", login=LOGIN))).kind == "NotFound"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_password(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        wrong = server.url("a%20file.bin", login=("ute", "un%20heim"))
        assert world.failed(world.down(wrong)).kind == "PermissionDenied"
        assert world.failed(world.up(wrong)).kind == "PermissionDenied"


@pytest.mark.parametrize("protocol", ["https", "ftpes", "ftps"])
def test_a_certificate_of_nobody_we_know(world: World, protocol: str) -> None:
    world.roots = None
    with world.server(protocol) as server:
        failed = world.failed(world.down(server.url("a%20file.bin", login=LOGIN)))
    assert "certificate is not trusted" in failed.reason


@pytest.mark.parametrize("protocol", ["https", "ftpes", "ftps"])
def test_a_certificate_of_another_host(world: World, protocol: str) -> None:
    world.certificate = world.authority.issue("elsewhere", "elsewhere.example")
    with world.server(protocol) as server:
        failed = world.failed(world.up(server.url("logs/", login=LOGIN)))
    assert "certificate is not trusted" in failed.reason
    assert not any((world.there / "logs").iterdir())


def test_a_redirection_from_tls_to_plain_text_is_not_followed(world: World) -> None:
    with world.server("https") as server, web_server(world.there) as other:
        server.moved["/here.bin"] = other.url("a%20file.bin")
        assert "not followed" in world.failed(world.down(server.url("here.bin", login=LOGIN))).reason
        assert not other.asked


def test_a_server_that_redirects_for_ever(world: World) -> None:
    with world.server("http") as server:
        server.moved["/here.bin"] = "/here.bin"
        assert "redirected more than" in world.failed(world.down(server.url("here.bin", login=LOGIN))).reason
        assert "redirected more than" in world.failed(world.up(server.url("here.bin", login=LOGIN))).reason


def test_neither_put_nor_post(world: World) -> None:
    with world.server("http") as server:
        server.methods = {"GET"}
        assert world.failed(world.up(server.url("logs/", login=LOGIN))).kind == "NotSupportedOperation"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_that_is_too_large(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        failed = world.failed(world.down(server.url("a%20file.bin", login=LOGIN), limit=299_999))
    assert "300000 bytes, at most 299999" in failed.reason


def test_a_file_of_untold_length_that_is_too_large(world: World) -> None:
    with world.server("http") as server:
        server.tells_length = False
        assert "at most" in world.failed(world.down(server.url("a%20file.bin", login=LOGIN), limit=299_999)).reason


def test_a_download_that_breaks_off(world: World) -> None:
    with world.server("http") as server:
        server.break_off_after = 200_000
        failed = world.failed(world.down(server.url("a%20file.bin", login=LOGIN)))
    assert "broken off after 200000 of 300000 bytes" in failed.reason


def test_an_upload_that_breaks_off(world: World) -> None:
    with world.server("https") as server:
        server.break_off_after = 0
        assert world.failed(world.up(server.url("logs/", login=LOGIN))).kind in ("Failed", "BadMessage")


@pytest.mark.parametrize("protocol", ["ftp", "ftpes"])
def test_a_data_connection_that_breaks_off(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        server.break_off()
        assert world.failed(world.down(server.url("a%20file.bin", login=LOGIN))).kind == "Failed"
        assert world.failed(world.up(server.url("logs/", login=LOGIN))).kind == "Failed"


@pytest.mark.parametrize("protocol", ["http", "ftp", "sftp"])
def test_a_server_that_falls_silent(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        stall(server)
        failed = world.failed(world.down(server.url("a%20file.bin", login=LOGIN), patience=Patience(5, 0.5, 20)))
    assert "no answer in time" in failed.reason


def test_a_file_server_that_answers_nothing_once_it_has_let_us_in(world: World) -> None:
    patience = Patience(5, 0.5, 20)
    with world.server("sftp") as server:
        server.mute.set()
        url = server.url("a%20file.bin", login=LOGIN)
        assert "no answer in time" in world.failed(world.down(url, patience=patience)).reason
        assert "no answer in time" in world.failed(world.up(url, patience=patience)).reason


def test_a_server_that_is_too_slow_as_a_whole(world: World) -> None:
    with world.server("http") as server:
        server.go_on.clear()
        failed = world.failed(world.down(server.url("a%20file.bin", login=LOGIN), patience=Patience(5, 5, 0.3)))
    assert "not done within" in failed.reason


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nobody_at_the_port(world: World, protocol: str) -> None:
    with world.server(protocol) as server:
        url = server.url("a%20file.bin", login=LOGIN)
    assert "refused" in world.failed(world.down(url)).reason


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("gopher://u:geheim@h/x", "NotSupportedOperation"),
        ("http:///x", "BadMessage"),
        ("no address at all", "NotSupportedOperation"),
        ("http://u:geheim@h:port/x", "BadMessage"),
        ("ftp://u:geheim@h/x%0d%0aDELE", "BadMessage"),
        ("http://u:geheim@a..b/x", "BadMessage"),
        (f"sftp://u:geheim@{'h' * 64}/x", "BadMessage"),
    ],
)
def test_what_is_no_address(world: World, url: str, kind: str) -> None:
    assert world.failed(world.down(url)).kind == kind
    assert world.failed(world.up(url)).kind == kind


# -- called off --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "direction"),
    [
        ("http", "down"),
        ("http", "up"),
        ("https", "down"),
        ("https", "up"),
        ("ftp", "down"),
        ("sftp", "down"),
        ("sftp", "up"),
    ],
)
def test_a_transfer_is_called_off_at_once(world: World, protocol: str, direction: str) -> None:
    async def story(server: Any) -> None:
        stall(server)
        url = server.url("a%20file.bin", login=LOGIN)
        task = asyncio.create_task(world.down(url) if direction == "down" else world.up(url))
        await asyncio.to_thread(server.busy.wait, 10)
        began = asyncio.get_running_loop().time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().time() - began < 1

    with world.server(protocol) as server:
        asyncio.run(story(server))
    assert not (world.here / "target").exists()


# -- the keys of SFTP servers ------------------------------------------------------------------------------------------


def test_a_server_is_known_again_by_its_key(world: World) -> None:
    first, other = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    with ssh_server(world.there, PASSWORD, first) as server:
        port = server.port
        asyncio.run(world.down(server.url("a%20file.bin", login=LOGIN)))
    with ssh_server(world.there, PASSWORD, first, port) as server:
        asyncio.run(world.down(server.url("a%20file.bin", login=LOGIN)))
    (world.here / "target").unlink()
    with ssh_server(world.there, PASSWORD, other, port) as server:
        failed = world.failed(world.down(server.url("a%20file.bin", login=LOGIN)))
    assert f"another key than before; if that is right, take [localhost]:{port} out of" in failed.reason


def test_another_server_has_its_own_key(world: World) -> None:
    with ssh_server(world.there, PASSWORD) as server, ssh_server(world.there, PASSWORD) as other:
        asyncio.run(world.down(server.url("a%20file.bin", login=LOGIN)))
        asyncio.run(world.down(other.url("a%20file.bin", login=LOGIN)))
        asyncio.run(world.down(server.url("a%20file.bin", login=LOGIN)))
    assert len((world.here / "hosts").read_text().splitlines()) == 2
