from pathlib import Path

import pytest

from chargepointd.link.profile import BadProfile, Profile, address, authorization

PLAIN = Profile("ws://csms.example.org/ocpp", "CS1", ("ocpp1.6",))


@pytest.mark.parametrize(
    ("url", "identity", "resource"),
    [
        ("ws://csms/ocpp", "CS1", "/ocpp/CS1"),
        ("ws://csms/ocpp/", "CS1", "/ocpp/CS1"),
        ("ws://csms", "CS1", "/CS1"),
        ("ws://csms/ocpp/1.6?tenant=a&b=c", "CS1", "/ocpp/1.6/CS1?tenant=a&b=c"),
        ("ws://csms/a%20b", "CS 1/ä", "/a%20b/CS%201%2F%C3%A4"),
    ],
)
def test_the_identity_is_the_last_segment(url, identity, resource):
    assert address(PLAIN._replace(url=url, identity=identity)).resource_name == resource


@pytest.mark.parametrize(
    ("url", "secure", "host", "port"),
    [
        ("ws://csms/", False, "csms", 80),
        ("wss://csms/", True, "csms", 443),
        ("WSS://CSMS:8443/", True, "csms", 8443),
        ("ws://[::1]:9000/ocpp", False, "::1", 9000),
        ("ws://bücher.example/", False, "xn--bcher-kva.example", 80),
    ],
)
def test_where_to_connect(url, secure, host, port):
    found = address(PLAIN._replace(url=url, system_roots=True))
    assert (found.secure, found.host, found.port) == (secure, host, port)


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"url": "http://csms/"}, "url"),
        ({"url": "ws:///ocpp"}, "url"),
        ({"url": "ws://csms:99999/"}, "url"),
        ({"url": "ws://[::1/"}, "url"),
        ({"url": "ws://csms/#x"}, "url"),
        ({"url": "ws://me:geheim@csms/"}, "password of the connection profile"),
        ({"identity": ""}, "identity"),
        ({"identity": "a:b"}, "colon"),
        ({"security_profile": 1}, "password"),
        ({"security_profile": 2, "password": b"x"}, "wss://"),
        ({"security_profile": 3, "url": "wss://csms/", "system_roots": True}, "client certificate"),
        ({"url": "wss://csms/"}, "root certificate"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(changes, about):
    with pytest.raises(BadProfile, match=about) as caught:
        address(PLAIN._replace(**changes))
    assert "geheim" not in str(caught.value)


def test_the_password_is_bytes():
    made = authorization(PLAIN._replace(security_profile=1, password=b"\x00\xff"))
    assert made == "Basic Q1MxOgD/"


def test_no_password_leaves_without_basic_authentication():
    secured = PLAIN._replace(url="wss://csms/", password=b"secret", client_cert=Path("x"))
    assert authorization(secured) is None
    assert authorization(secured._replace(security_profile=3)) is None
