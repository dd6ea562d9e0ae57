"""Security profiles 2 and 3 against a real TLS server."""

import asyncio
import hashlib
import ssl
import threading
import time
import warnings

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from chargepointd.link import connection, tls
from chargepointd.link.tls import anchor, needs_wildcard
from tests import pki

from .authority import Authority, refusing_server, server_context
from .rig import LIMIT_S, TEXT, Rig, frame, profile, raw, read_frame, running, until_gone, upgrade


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"), "Test root")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "Somebody else's root")


def secured(port, root, **changes):
    made = profile(port, scheme="wss", host="localhost", security_profile=2, password=b"geheim", roots=(root.file,))
    return made._replace(identity="CS1", **changes)


def meet(context, made, until, seen=None, **options):
    """Let a link with profile `made(port)` meet a server with `context` until `until(rig)`; gives the rig."""

    async def serve(reader, writer):
        request = await upgrade(reader, writer)
        if seen is not None:
            seen.append((request, writer.get_extra_info("ssl_object")))
        writer.write(frame(TEXT, b"welcome"))
        await until_gone(reader)

    async def story():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's side of failed handshakes
        async with raw(serve, ssl=context) as server, running(made(server.port), **options) as rig:
            await rig.until(lambda: until(rig))
            return rig

    return asyncio.run(story())


def meet_refusing(context, made):
    """What a link with profile `made(port)` says of a server that refuses it in the TLS handshake."""

    async def story(port):
        async with running(made(port)) as rig:
            await rig.until(lambda: rig.failed)
            return rig.failed[0]

    with refusing_server(context) as port:
        return asyncio.run(story(port))


def opened(rig):
    return rig.texts


def failed(rig):
    return rig.failed


def test_a_good_certificate_and_the_password_over_it(root):
    seen = []
    context = server_context(root.issue("csms", "localhost"))
    rig = meet(context, lambda port: secured(port, root), opened, seen)
    request, tls = seen[0]
    assert rig.failed == []
    assert b"Authorization: Basic Q1MxOmdlaGVpbQ==" in request
    assert tls.version() in ("TLSv1.2", "TLSv1.3")
    assert tls.compression() is None


def test_the_root_that_vouched_is_known(root, stranger):
    told = []
    context = server_context(root.issue("csms", "localhost"))

    def both(port):
        return secured(port, root, roots=(stranger.file, root.file))

    meet(context, both, lambda rig: rig.texts and (told.append(rig.link.root) or True))
    der = ssl.PEM_cert_to_DER_cert(root.file.read_text())
    assert told[-1] == hashlib.sha256(der).hexdigest()


def test_where_nobody_can_tell_there_is_none():
    assert anchor(None) == ""
    assert anchor(object()) == ""


@pytest.mark.parametrize(
    ("suite", "key"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "EC"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "EC"),
        ("ECDHE-RSA-AES128-GCM-SHA256", 2048),
        ("ECDHE-RSA-AES256-GCM-SHA384", 2048),
        ("AES128-GCM-SHA256", 2048),
        ("AES256-GCM-SHA384", 2048),
    ],
)
def test_the_suites_of_the_standard_under_tls_1_2(suite, key, tmp_path):
    seen = []
    root = pki.Authority("Root")
    context = pki.server_context(root.issue("localhost", "localhost", key=key))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    meet(context, trusting(root, tmp_path), opened, seen)
    assert seen[0][1].cipher()[0] == suite


def trusting(root, where):
    """A profile for a port, whose root this is."""
    file = where / "root.pem"
    file.write_text(root.pem)
    made = {"scheme": "wss", "host": "localhost", "security_profile": 2, "password": b"geheim", "roots": (file,)}
    return lambda port: profile(port, **made)


def unscrupulous(shown):
    """A server that shows anything."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers("ALL:@SECLEVEL=0")
    pki.show(made, shown)
    return made


@pytest.mark.parametrize(
    ("below", "leaf", "about"),
    [
        ([], {"purposes": (ExtendedKeyUsageOID.CLIENT_AUTH,)}, "purpose"),
        ([{"ca": False}], {}, "invalid CA"),
        ([{"ca": None}], {}, "invalid CA"),
        ([{"path_length": 0}, {}], {}, "path length"),
        ([{"key": 1024}], {}, "CA certificate key too weak"),
        ([{"starts_in": -9, "ends_in": -1}], {}, "expired"),
        ([], {"key": 1024}, "EE certificate key too weak"),
        ([], {"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)}, ""),
        ([{}, {}, {}], {}, ""),
        ([{"path_length": 1}, {"path_length": 0}], {"key": 3072}, ""),
    ],
)
def test_what_a_chain_may_be(tmp_path, below, leaf, about):
    """below: the authorities between the root and the server."""
    authority = root = pki.Authority("Root")
    for number, made in enumerate(below):
        authority = authority.authority(f"Sub {number}", **made)
    context = unscrupulous(authority.issue("localhost", "localhost", **leaf))
    rig = meet(context, trusting(root, tmp_path), failed if about else opened)
    assert {ended.kind for ended in rig.failed} == ({"certificate"} if about else set())
    assert all(about in ended.reason for ended in rig.failed)


def test_a_weak_root_vouches_for_nobody(tmp_path):
    root = pki.Authority("Root", key=1024)
    rig = meet(unscrupulous(root.issue("localhost", "localhost")), trusting(root, tmp_path), failed)
    assert rig.failed[0].kind == "certificate"


def test_a_curve_below_224_bits_is_no_cipher_suite_of_ours(tmp_path):
    root = pki.Authority("Root")
    context = unscrupulous(root.issue("localhost", "localhost", key=ec.SECP192R1()))
    assert meet_refusing(context, trusting(root, tmp_path)).kind == "tls-cipher"


def test_a_certificate_with_nothing_but_a_common_name(root):
    rig = meet(server_context(root.issue("localhost")), lambda port: secured(port, root), opened)
    assert rig.failed == []


@pytest.mark.parametrize(
    ("issue", "about"),
    [
        (lambda root, stranger: root.issue("csms", "elsewhere.example.org"), "ostname"),
        (lambda root, stranger: root.issue("elsewhere.example.org"), "ostname"),
        (lambda root, stranger: root.issue("localhost", "elsewhere.example.org"), "ostname"),
        (lambda root, stranger: root.issue("csms", "localhost", starts_in=-3, ends_in=-1), "expired"),
        (lambda root, stranger: root.issue("csms", "localhost", starts_in=1, ends_in=2), "not yet valid"),
        (lambda root, stranger: stranger.issue("csms", "localhost"), "issuer"),
    ],
)
def test_a_bad_certificate_is_told_as_such_and_gets_no_request(root, stranger, issue, about):
    seen = []
    rig = meet(server_context(issue(root, stranger)), lambda port: secured(port, root), failed, seen)
    assert rig.failed[0].kind == "certificate"
    assert about in rig.failed[0].reason
    assert rig.opened == seen == []


DAY_S = 86_400.0


@pytest.mark.parametrize(("days", "early"), [((1, 2), True), ((-3, -1), False)])
def test_what_is_wrong_with_the_certificate_outlasts_an_address_that_cannot_be_reached(root, monkeypatch, days, early):
    """Else who wakes up before it was made would never know why, nor another way to judge it."""

    async def both(host, port):
        return ["127.0.0.1", "127.0.0.2"]  # nobody listens at the other

    monkeypatch.setattr(connection, "addresses", both)
    context = server_context(root.issue("csms", "localhost", starts_in=days[0], ends_in=days[1]))
    ended = meet(context, lambda port: secured(port, root), failed).failed[0]
    assert (ended.kind, ended.early) == ("certificate", early)


@pytest.mark.parametrize(
    ("term", "day", "sure", "about"),
    [
        ((1, 2), 1.5, True, ""),
        ((-3, -1), -2, False, ""),
        ((-3, -1), -30, False, ""),
        ((-3, -1), -30, True, "not yet valid"),
        ((-3, -1), 0, True, "expired"),
        ((-3, -1), 0, False, "expired"),
        ((1, 2), 0, False, ""),
        ((1, 2), 0, True, "not yet valid"),
        ((1, 2), 1 - 120 / DAY_S, True, ""),  # a fresh one, and a clock that is slow
        ((-1, 365), 40, True, "expired"),  # the root, which ends before
    ],
)
def test_dates_are_judged_by_the_time_that_is_given(root, term, day, sure, about):
    """term, day: days from now."""
    seen, now = [], time.time()
    context = server_context(root.issue("csms", "localhost", starts_in=term[0], ends_in=term[1]))
    told = []

    def made(port):
        return secured(port, root, utc=now + day * DAY_S, utc_sure=sure)

    if about:
        rig = meet(context, made, failed, seen)
        assert (rig.failed[0].kind, rig.opened, seen) == ("certificate", [], [])
        assert about in rig.failed[0].reason
    else:
        meet(context, made, lambda rig: rig.texts and (told.append(rig.link.certificate_from) or True))
        assert abs(told[-1] - (now + max(term[0], -1) * DAY_S)) < 3600


@pytest.mark.parametrize(
    ("issue", "about"),
    [
        (lambda root, stranger: root.issue("csms", "elsewhere.example.org"), "ostname"),
        (lambda root, stranger: stranger.issue("csms", "localhost"), "issuer"),
    ],
)
def test_all_but_the_dates_is_checked_as_ever(root, stranger, issue, about):
    made = server_context(issue(root, stranger))
    rig = meet(made, lambda port: secured(port, root, utc=time.time(), utc_sure=False), failed)
    assert rig.failed[0].kind == "certificate"
    assert about in rig.failed[0].reason


@pytest.fixture
def charging_example(monkeypatch):
    """csms.example.org is this machine."""

    async def here(host, port):
        assert host == "csms.example.org"
        return ["127.0.0.1"]

    monkeypatch.setattr(connection, "addresses", here)


def test_a_wildcard_is_refused_unless_allowed(root, charging_example):
    seen = []
    context = server_context(root.issue("csms", "*.example.org"))

    def made(port, **changes):
        return secured(port, root, url=f"wss://csms.example.org:{port}/", **changes)

    rig = meet(context, made, failed, seen)
    assert rig.failed[0].kind == "certificate"
    assert "wildcard" in rig.failed[0].reason
    assert seen == []
    rig = meet(context, lambda port: made(port, allow_wildcards=True), opened)
    assert rig.failed == []


def test_a_name_in_upper_case_is_no_wildcard(root, charging_example):
    context = server_context(root.issue("csms", "*.example.org", "CSMS.Example.Org"))
    rig = meet(context, lambda port: secured(port, root, url=f"wss://csms.example.org:{port}/"), opened)
    assert rig.failed == []


def test_an_address_in_the_certificate(root):
    context = server_context(root.issue("csms", "127.0.0.1"))
    rig = meet(context, lambda port: secured(port, root, url=f"wss://127.0.0.1:{port}/"), opened)
    assert rig.failed == []


@pytest.mark.parametrize(
    ("certificate", "wildcard"),
    [
        ({"subjectAltName": (("DNS", "a.example"),), "subject": ((("commonName", "b.example"),),)}, False),
        ({"subjectAltName": (("DNS", "*.example"),), "subject": ((("commonName", "a.example"),),)}, True),
        ({"subject": ((("countryName", "NL"),), (("commonName", "a.example"),))}, False),
        ({"subject": ((("commonName", "*.example"),),)}, True),
    ],
)
def test_what_needs_a_wildcard(certificate, wildcard):
    assert needs_wildcard(certificate, "a.example") is wildcard


def test_a_server_of_yesterday_is_refused(root):
    context = server_context(root.issue("csms", "localhost"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert meet_refusing(context, lambda port: secured(port, root)).kind == "tls-version"


@pytest.mark.parametrize(
    ("version", "suite", "kind"),
    [
        (b"\x03\x00", b"\xc0\x13", "tls-version"),  # SSL 3
        (b"\x03\x01", b"\xc0\x13", "tls-version"),
        (b"\x03\x02", b"\xc0\x13", "tls-version"),  # TLS 1.1
        (b"\x03\x03", b"\x00\x05", "tls-cipher"),  # RC4
        (b"\x03\x03", b"\x00\x3b", "tls-cipher"),  # no encryption
        (b"\x03\x03", b"\xc0\x13", "tls-cipher"),  # CBC
    ],
)
def test_a_server_that_answers_with_what_was_not_offered(version, suite, kind):
    """A ServerHello from servers that do not say that they are too old."""
    hello = version + bytes(32) + b"\x00" + suite + b"\x00"
    record = b"\x02" + len(hello).to_bytes(3) + hello

    async def serve(reader, writer):
        await reader.read(1)
        writer.write(b"\x16" + version + len(record).to_bytes(2) + record)
        await until_gone(reader)

    async def story():
        async with raw(serve) as server:
            made = profile(server.port, scheme="wss", security_profile=2, password=b"x", system_roots=True)
            async with running(made) as rig:
                await rig.until(lambda: rig.failed)
                assert rig.failed[0].kind == kind

    asyncio.run(story())


def test_no_cipher_suite_in_common(root):
    context = server_context(root.issue("csms", "localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    assert meet_refusing(context, lambda port: secured(port, root)).kind == "tls-cipher"


def test_a_server_without_tls(root):
    async def serve(reader, writer):
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def story():
        async with raw(serve) as server, running(secured(server.port, root)) as rig:
            await rig.until(lambda: rig.failed)
            assert rig.failed[0].kind == "tls"
            assert "port" in rig.failed[0].reason

    asyncio.run(story())


def test_security_profile_3_shows_its_certificate_and_no_password(root):
    seen = []
    mine = root.issue("CS1 serial 0001")
    context = server_context(root.issue("csms", "localhost"), clients=root.file)
    meet(context, lambda port: secured(port, root, security_profile=3, client_cert=mine), opened, seen)
    request, tls = seen[0]
    assert tls.getpeercert()["subject"] == ((("commonName", "CS1 serial 0001"),),)
    assert b"Authorization" not in request


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_the_server_does_not_know(root, stranger, newest):
    context = server_context(root.issue("csms", "localhost"), clients=root.file)
    context.maximum_version = newest
    mine = stranger.issue("CS1")
    ended = meet_refusing(context, lambda port: secured(port, root, security_profile=3, client_cert=mine))
    assert ended.kind == "tls-client"
    assert "client certificate" in ended.reason


def test_one_broken_root_does_not_silence_the_others(root, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    context = server_context(root.issue("csms", "localhost"))
    rig = meet(context, lambda port: secured(port, root)._replace(roots=(broken, root.file)), opened)
    assert rig.failed == []


def test_while_many_roots_are_read_the_loop_goes_on(root, monkeypatch):
    """500 of them, or those of the system, take a board seconds."""
    readers = []

    def read(made):
        readers.append(threading.current_thread())
        return tls.context(made)

    monkeypatch.setattr(connection, "context", read)
    meet(server_context(root.issue("csms", "localhost")), lambda port: secured(port, root), opened)
    assert threading.main_thread() not in readers


def test_a_missing_or_broken_certificate_file_is_named(root, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    context = server_context(root.issue("csms", "localhost"))
    for file in (tmp_path / "missing.pem", broken):
        for changes in ({"roots": (file,)}, {"security_profile": 3, "client_cert": file}):
            rig = meet(context, lambda port, c=changes: secured(port, root)._replace(**c), failed)
            assert rig.failed[0].kind == "profile"
            assert str(file) in rig.failed[0].reason


def test_a_key_that_is_not_that_of_the_certificate(root):
    cert, other = root.issue("CS1"), root.issue("CS1")
    context = server_context(root.issue("csms", "localhost"))

    def made(port):
        return secured(port, root, security_profile=3, client_cert=cert, client_key=other)

    assert meet(context, made, failed).failed[0].kind == "profile"


def test_a_server_that_leaves_the_handshake_without_a_word(root):
    async def serve(reader, writer):
        await reader.read(1)
        writer.transport.abort()

    async def story():
        async with raw(serve) as server, running(secured(server.port, root)) as rig:
            await rig.until(lambda: rig.failed)
            assert rig.failed[0].kind == "refused"
            assert "handshake" in rig.failed[0].reason

    asyncio.run(story())


def test_a_server_that_hangs_in_the_handshake_costs_the_open_timeout_only(root):
    async def serve(reader, _writer):
        await until_gone(reader)

    async def story():
        async with raw(serve) as server, running(secured(server.port, root, open_timeout_s=0.1)) as rig:
            await server.until_connections(2)
            assert rig.failed[0].kind == "timeout"

    asyncio.run(story())


def test_a_tls_connection_that_is_cut_is_lost_and_made_again(root):
    async def serve(reader, writer):
        await upgrade(reader, writer)
        await writer.drain()
        writer.transport.abort()

    async def story():
        context = server_context(root.issue("csms", "localhost"))
        async with raw(serve, ssl=context) as server, running(secured(server.port, root)) as rig:
            await rig.until(lambda: len(rig.closed) >= 2)
            assert rig.closed[0].kind == "lost"

    asyncio.run(story())


def test_a_callback_that_raises_ends_the_run_over_tls_too(root):
    async def serve(reader, writer):
        await upgrade(reader, writer)
        writer.write(frame(TEXT, b"[]"))
        await until_gone(reader)

    async def story():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        context = server_context(root.issue("csms", "localhost"))
        async with raw(serve, ssl=context) as server, asyncio.timeout(LIMIT_S):
            rig = Rig(secured(server.port, root))
            rig.after_text = lambda text: 1 / 0
            with pytest.raises(ZeroDivisionError):
                await rig.link.run()

    asyncio.run(story())


def test_goodbye_over_tls(root):
    async def story():
        said = []

        async def serve(reader, writer):
            await upgrade(reader, writer)
            said.append(await read_frame(reader))

        context = server_context(root.issue("csms", "localhost"))
        async with raw(serve, ssl=context) as server, running(secured(server.port, root)) as rig:
            await rig.until(lambda: rig.opened)
        assert said[0][1][:2] == (1001).to_bytes(2)

    asyncio.run(story())
