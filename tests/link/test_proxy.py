"""Which proxy, if any."""

import pytest

from chargepointd.link.profile import BadProfile
from chargepointd.link.proxy import Proxy, chosen, parse

HERE = {"https_proxy": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("configured", "host", "secure", "environment", "proxy"),
    [
        ("", "csms", True, {}, None),
        ("http://p", "csms", True, HERE, "p:80"),
        ("none", "csms", True, HERE, None),
        ("", "csms", True, HERE, "proxy:3128"),
        ("", "csms", False, HERE, None),
        ("", "csms", False, {"HTTP_PROXY": "proxy:8080"}, "proxy:8080"),
        ("", "csms", False, {"ALL_PROXY": "http://[::1]:8080"}, "[::1]:8080"),
        ("", "csms", True, HERE | {"HTTPS_PROXY": "http://other"}, "proxy:3128"),
        ("", "localhost", True, HERE, None),
        ("", "127.0.0.5", True, HERE, None),
        ("", "::1", True, HERE, None),
        ("http://p", "127.0.0.5", True, {}, "p:80"),
        ("", "a.csms.org", True, HERE | {"NO_PROXY": "x.org,.CSMS.org"}, None),
        ("", "csms.org", True, HERE | {"no_proxy": "csms.org"}, None),
        ("", "notcsms.org", True, HERE | {"no_proxy": "csms.org"}, "proxy:3128"),
        ("", "csms", True, HERE | {"no_proxy": "*"}, None),
    ],
)
def test_configuration_before_environment(configured, host, secure, environment, proxy):
    found = chosen(configured, host, secure, environment)
    assert (found and str(found)) == proxy


def test_user_and_password_are_those_that_were_meant():
    assert parse("http://us%40er:pa%3Ass@proxy:1") == Proxy("proxy", 1, "Basic dXNAZXI6cGE6c3M=")


@pytest.mark.parametrize("url", ["https://proxy", "socks5://proxy:1", "http://", "http://proxy:99999", "http://p/path"])
def test_what_is_no_address_of_one_is_told_without_its_secret(url):
    with pytest.raises(BadProfile) as told:
        chosen("", "csms", True, {"HTTPS_PROXY": url.replace("//", "//me:secret@")})
    assert "HTTPS_PROXY of the environment" in str(told.value)
    assert "secret" not in str(told.value)
