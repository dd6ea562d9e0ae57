"""Names that are not known, late, slow, or that move; and IPv6."""

from pathlib import Path

import pytest

from tests.csms import Csms
from tests.daemon.process import Station
from tests.daemon.visit import (
    begin,
    brisk,
    delivered,
    finish,
    register_wh,
    until,
    whole_visit,
    world,
)
from tests.network.conftest import PING
from tests.network.relay import Relay
from tests.network.resolver import COMMAND, Dns

pytestmark = [pytest.mark.process, pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)]


def station(dns: Dns, port: int, dialect: str) -> Station:
    return Station(brisk(f"ws://csms.test:{port}/ocpp", dialect, **PING), command=COMMAND, env=dns.env)


def test_a_name_that_begins_to_exist(csms: Csms, dialect: str, tmp_path: Path) -> None:
    """It is looked up anew for each attempt; that it is not known is said once."""
    dns = Dns(tmp_path)
    with station(dns, csms.listener.port, dialect) as made:
        made.wait_log("host name 'csms.test' is not known")
        until(lambda: dns.asked() >= 4, "fourth attempt")
        assert made.log.count("WARNING csms: host name") == 1
        dns.tell(csms=["127.0.0.1"])
        csms.wait("BootNotification")
        begin(made, csms)
        finish(made, csms)


def test_a_resolver_that_hangs(csms: Csms, dialect: str, tmp_path: Path) -> None:
    """Nothing waits for it: not the technician, not the end of the program."""
    dns = Dns(tmp_path, csms=None)
    with station(dns, csms.listener.port, dialect) as made:
        until(lambda: dns.asked() == 1, "lookup")
        made.ctl("sim.plug_in", evse=1)
        until(lambda: made.ctl("status")["evses"][0]["connectors"][0]["status"] == "Occupied", "session")
        assert world(made)["contactor"] == "open"
        assert made.ctl("status")["csms"]["connected"] is False
        made.terminate()
        dns.tell(csms=["127.0.0.1"])
        made.start()
        made.wait_ready()
        csms.wait("BootNotification")


def test_the_first_addresses_are_dead(csms: Csms, dialect: str, tmp_path: Path) -> None:
    dns = Dns(tmp_path, csms=["127.0.0.7", "::1", "127.0.0.8", "127.0.0.1"])
    with station(dns, csms.listener.port, dialect):
        csms.wait("BootNotification")


def test_a_csms_that_moves_to_another_address(csms: Csms, dialect: str, tmp_path: Path) -> None:
    """The old address falls silent without a word; the visit goes on at the new one."""
    with Relay(csms.listener.port, "127.0.0.2") as old, Relay(csms.listener.port, "127.0.0.3", old.port) as new:
        dns = Dns(tmp_path, csms=["127.0.0.2"])
        with station(dns, old.port, dialect) as made:
            before = register_wh(made)
            begin(made, csms)
            dns.tell(csms=["127.0.0.3"])
            old.stall()
            new.wait_passages(1)
            assert len(old.passages) == 1
            whole_visit(made, csms, dialect, before)


@pytest.mark.parametrize("by", ["address", "name"])
def test_a_visit_over_ipv6(csms: Csms, dialect: str, tmp_path: Path, by: str) -> None:
    dns = Dns(tmp_path, csms=["::1"])
    with Relay(csms.listener.port, "::1") as relay:
        url = relay.url if by == "address" else f"ws://csms.test:{relay.port}/ocpp"
        with Station(brisk(url, dialect), command=COMMAND, env=dns.env) as made:
            begin(made, csms)
            assert f"[::1]:{relay.port}" in csms.line().headers["Host"] or by == "name"
            finish(made, csms)
            delivered(made)
            assert len(relay.passages) == 1
