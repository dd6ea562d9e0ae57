"""TLS that expires while connected: the connection stays, the CSMS is told, and there is no new one by what is over."""

from pathlib import Path

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import ahead_s, begin, brisk, charging, delivered, finish, until
from tests.pki import Authority, Issued, server_context, show

pytestmark = [pytest.mark.process, pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)]

HOST = "localhost"
SOON_S = 150.0
"""until then a station on a busy machine has started and connected"""
STEP_S = 200.0
"""by which the CSMS moves the clock: no leap, and two of them are away from the system's clock, so it is not asked"""
DAY_S = 86_400.0


def goes_on(csms: Csms, station: Station) -> None:
    """Time, by the word of the CSMS."""
    csms.desk.clock_offset_s += STEP_S
    csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    until(lambda: ahead_s(station) > csms.desk.clock_offset_s - STEP_S / 2, "the time")


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
            goes_on(csms, station)
            station.wait_log("the certificate of the CSMS has expired")
            csms.wait("SecurityEventNotification", type="InvalidCsmsCertificate")
            assert csms.line().number == 1, "what was opened with a good certificate stays open"
            goes_on(csms, station)
            csms.drop()
            assert "expired" in station.wait_log("the certificate of the CSMS is not good")
            assert not csms.connected
            charging(station)
            show(tls, lasting.issue(HOST, HOST))
            assert csms.line().number > 1
            finish(station, csms)
            delivered(station)
