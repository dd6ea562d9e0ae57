"""Plug & Charge against vehicles that mean no good, or are broken: who pays is who is plugged in."""

from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.certificates import Certificate, Tidied
from chargepointd.core.contracts import (
    LONGEST_CHAIN,
    LONGEST_EXI,
    LONGEST_TOLD,
    CheckContract,
    ContractChecked,
    EvCertificate,
    GetEvCertificate,
)
from chargepointd.core.jobs import JobFailed
from chargepointd.core.messages import Authorize
from chargepointd.core.secc import CHAIN, CertificateStatus, GetCertificateStatus, ReadResponders
from tests.core.world import NOON, PLAN, World

MINE, OTHER = "DEABCC1234567X", "DEXYZC7654321X"
GOOD = ContractChecked("", rooted=True)
UNROOTED = ContractChecked("", rooted=False)


class Garage(World):
    """A station whose vehicles show contracts."""

    def __init__(self, version: str, **variables: str) -> None:
        self.contracts: list[tuple[int, bool]] = []
        """what the vehicles were told: EVSE, accepted"""
        self.certificates: list[tuple[int, str]] = []
        self.identities: list[tuple[str, tuple[str, ...]]] = []
        """as what the stacks show themselves: name of the chain, OCSP statuses"""
        self.ocsp = ""
        """what the CSMS says of any certificate"""
        named = {f"ISO15118Ctrlr.{name}": value for name, value in variables.items()}
        super().__init__(version, named, plan=PLAN._replace(token_kinds=(*PLAN.token_kinds, "eMAID")))
        self.online()

    def _obey(self, effect: Any) -> None:
        if isinstance(effect, f.AnswerContract):
            self.contracts.append(tuple(effect))
        elif isinstance(effect, f.AnswerEvCertificate):
            self.certificates.append(tuple(effect))
        elif isinstance(effect, f.IdentifyStation):
            self.identities.append((effect.name, effect.ocsp))
        else:
            super()._obey(effect)

    def _answer(self, call: Any, message: Any) -> Any:
        if isinstance(message, GetEvCertificate):
            return EvCertificate("Accepted", f"for {message.exi}")
        if isinstance(message, GetCertificateStatus):
            return CertificateStatus("Accepted", self.ocsp)
        return super()._answer(call, message)

    def show(self, emaid: str = MINE, evse: int = 1, chain: str = "chain") -> "Garage":
        self.tell(e.ContractShown(evse, emaid, chain))
        return self

    def want(self, exi: str, evse: int = 1) -> "Garage":
        self.tell(e.EvCertificateWanted(evse, "Install", "urn:iso:15118:2:2013:MsgDef", exi))
        return self

    def said(self, kind: type) -> list[Any]:
        return [message for _, message in self.received if isinstance(message, kind)]

    @property
    def starter(self) -> Any:
        return self.station.evses[1].session.token


def test_a_vehicle_that_is_plugged_in_charges_by_its_contract(version: str) -> None:
    w = Garage(version)
    w.plug()
    w.show()
    assert w.finish(GOOD) == CheckContract(MINE, "chain")
    assert w.contracts == [(1, True)]
    assert w.starter.value == MINE
    w.show(chain="again")
    assert w.contracts == [(1, True), (1, True)], "it slept"
    assert not w.under_way


def test_no_contract_counts_where_no_vehicle_is(version: str) -> None:
    w = Garage(version)
    w.show()
    assert not w.under_way
    assert w.contracts == [(1, False)]
    assert not w.said(Authorize)


def test_a_contract_does_not_pay_for_the_next_vehicle(version: str) -> None:
    w = Garage(version)
    w.plug()
    w.slow = True
    w.show()
    w.finish(GOOD)
    w.unplug()
    w.plug()
    w.slow = False
    w.answer()
    assert w.contracts == [(1, False)]
    assert w.starter is None
    w.show()
    w.finish(GOOD)
    assert w.contracts == [(1, False), (1, True)], "what is shown now counts"


def test_the_chain_of_one_contract_never_vouches_for_another(version: str) -> None:
    w = Garage(version)
    w.plug()
    w.show(MINE)
    w.show(OTHER, chain="no chain at all")
    assert w.contracts == [(1, False)]
    w.finish(GOOD)
    assert not w.under_way
    assert w.starter.value == MINE
    assert [asked.token.value for asked in w.said(Authorize)] == [MINE]


def test_a_vehicle_that_never_stops_showing_costs_no_more_than_one(version: str) -> None:
    w = Garage(version)
    w.plug()
    for _ in range(50):
        w.show()
    assert len(w.under_way) == 1
    w.slow = True
    w.finish(GOOD)
    for _ in range(50):
        w.show()
    w.slow = False
    w.answer()
    assert len(w.said(Authorize)) == 1
    assert w.contracts == [(1, True)]


def test_one_contract_at_two_evses_is_answered_at_both(version: str) -> None:
    w = Garage(version)
    w.plug(1)
    w.plug(2)
    w.slow = True
    w.show(evse=1)
    w.show(evse=2)
    w.finish(GOOD)
    w.finish(GOOD)
    w.slow = False
    w.answer()
    assert sorted(w.contracts) == [(1, True), (2, False)]


def test_what_is_too_long_is_not_looked_at(version: str) -> None:
    w = Garage(version, CentralContractValidationAllowed="true")
    w.plug()
    w.show(chain="x" * (LONGEST_CHAIN + 1))
    w.show("E" * 37)
    w.show("")
    assert not w.under_way
    w.show(chain="x" * (LONGEST_TOLD + 1))
    w.finish(UNROOTED)
    w.show()
    w.finish(JobFailed("test"))
    assert w.contracts == [(1, False)] * 5
    assert not w.said(Authorize)


def test_offline_only_a_root_that_is_installed_counts(version: str) -> None:
    w = Garage(version, CentralContractValidationAllowed="true", ContractValidationOffline="true")
    w.configured["AuthCtrlr.OfflineTxForUnknownIdEnabled"] = "true"
    w.cut()
    w.plug()
    w.show()
    w.finish(UNROOTED)
    assert w.contracts == [(1, False)]
    w.show()
    w.finish(GOOD)
    assert w.contracts == [(1, False), (1, True)]


def test_a_power_cut_while_a_contract_is_looked_at_leaves_nothing(version: str) -> None:
    w = Garage(version)
    w.plug()
    w.show()
    w.cut()
    w.online()
    w.show()
    w.finish(GOOD)
    assert w.contracts == [(1, True)]


def test_certificates_are_asked_for_one_at_a_time_and_the_newest_is_answered(version: str) -> None:
    w = Garage(version)
    w.plug()
    w.slow = True
    for n in range(50):
        w.want(str(n))
    w.slow = False
    w.answer()
    assert [asked.exi for asked in w.said(GetEvCertificate)] == ["0", "49"]
    assert w.certificates == [(1, "for 49")]


def test_no_certificate_comes_where_nobody_can_be_asked(version: str) -> None:
    w = Garage(version)
    w.want("x" * (LONGEST_EXI + 1))
    w.configured["OCPPCommCtrlr.QueueAllMessages"] = "true"
    w.cut()
    w.want("1")
    assert w.certificates == [(1, ""), (1, "")]
    w.online()
    assert not w.said(GetEvCertificate), "long after the vehicle has left"


def test_an_ocsp_status_that_is_none_is_asked_for_again(version: str) -> None:
    w = Garage(version)
    chain = Certificate(CHAIN, "secc", (("SHA256", "aa", "bb", "1"),), NOON, NOON + 4e8, "CN=DE*ABC*E1")
    w.tidied = Tidied((), "digest", (chain,))
    w.ocsp = "no base64"
    w.cut()
    w.online()
    w.after(1)
    assert w.finish((("SHA256", "aa", "bb", "1", "http://ocsp.example"),)) == ReadResponders("secc")
    assert w.identities == [("secc", ())]
    w.ocsp = "Z29vZA=="
    w.after(3700)
    w.finish((("SHA256", "aa", "bb", "1", "http://ocsp.example"),))
    assert w.identities == [("secc", ()), ("secc", ("Z29vZA==",))]
