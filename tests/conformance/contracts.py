"""Charging contracts of vehicles: their certificates, and the cars that show them."""

from typing import NamedTuple

from tests.conformance.tester import Tester
from tests.jobs.hashes import hash_data
from tests.pki import Authority, Issued

EMAID = "DEABCC1234567X"
RESPONDER = "http://ocsp.provider.example/contracts"
PROVIDER = Authority("Provider root")
SUB = PROVIDER.authority("Provider contracts")
MO_ROOT = "MORootCertificate"


class Car(NamedTuple):
    """Plugged in at an EVSE; its contract."""

    tester: Tester
    contract: Issued
    evse: int = 1

    def shows_its_contract(self, emaid: str = EMAID) -> None:
        self.tester.station.ctl("sim.contract", evse=self.evse, emaid=emaid, chain=self.contract.chain)

    def asks_for_a_contract(self, action: str, exi: str) -> None:
        self.tester.station.ctl("sim.want_contract", evse=self.evse, action=action, exi=exi)

    def heard(self, what: str) -> str:
        """What the station told it: `contract`, "accepted" or "refused"; `ev_certificate`, the answer."""
        return str(self.tester.station.ctl("sim.state")["evses"][self.evse - 1][what])


def contract(authority: Authority = SUB, **more: float) -> Issued:
    return authority.issue(EMAID, ocsp=RESPONDER, **more)


def hashes(issued: Issued) -> list[dict[str, str]]:
    """OCSPRequestDataType of the contract, and of the authority above it, by OpenSSL."""
    return [
        hash_data(issued.pem, SUB.pem) | {"responderURL": RESPONDER},
        hash_data(SUB.pem, PROVIDER.pem) | {"responderURL": ""},
    ]
