"""TLS that expires while connected: the connection stays, the CSMS is told, and there is no new one by what is over."""

from pathlib import Path

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import begin, brisk, charging, delivered, finish
from tests.pki import Authority, Issued, server_context, show

pytestmark = [pytest.mark.process, pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)]

HOST = "localhost"
SOON_S = 15.0
"""until then a station on a busy machine has started and connected"""
DAY_S = 86_400.0


def test_the_root_of_what_the_csms_has_shown_expires(dialect: str, tmp_path: Path) -> None:
    """The first of the chain that ends counts, be it the root."""
    lasting, root = Authority("Lasting"), Authority("Ending", ends_in=SOON_S / DAY_S)
    shown: Issued = root.issue(HOST, HOST)
    (tmp_path / "roots.pem").write_text(root.pem + lasting.pem)
    tls = server_context(shown)
    with Csms(versions=(dialect,), tls=tls, host=HOST) as csms:
        config = brisk(csms.url, dialect)
        config["csms"]["ca_file"] = str(tmp_path / "roots.pem")
        with Station(config) as station:
            begin(station, csms)
            station.wait_log("the certificate of the CSMS has expired", timeout=60)
            csms.wait("SecurityEventNotification", type="InvalidCsmsCertificate")
            assert csms.line().number == 1, "what was opened with a good certificate stays open"
            csms.drop()
            assert "expired" in station.wait_log("the certificate of the CSMS is not good")
            assert not csms.connected
            charging(station)
            show(tls, lasting.issue(HOST, HOST))
            assert csms.line().number > 1
            finish(station, csms)
            delivered(station)
