"""What a vehicle shows as its contract, by real certificates: nobody charges at another's expense."""

import asyncio
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from chargepointd.core.contracts import CheckContract, ContractChecked
from chargepointd.jobs import contracts
from chargepointd.jobs.keystore import KeyStore
from chargepointd.jobs.runner import Place
from tests.pki import Authority, new_key

EMAID = "DEABCC1234567X8"
ROOT = Authority("Provider root")
SUB = ROOT.authority("Provider")
SELF_MADE = Authority("Mine")


def checked(where: Path, chain: str, emaid: str = EMAID, use: str = "MORootCertificate") -> ContractChecked:
    store = KeyStore(where)
    store.put(store.certificate(use, "root"), ROOT.pem.encode())
    return asyncio.run(contracts.check(CheckContract(emaid, chain), Place(where), lambda news: None))


@pytest.mark.parametrize("shown", [EMAID, EMAID.lower(), "DE-ABC-C1234567X-8", "DEABCC1234567X", "DE-ABC-C1234567X"])
def test_a_contract_is_good_for_the_emaid_it_is_made_out_to(tmp_path: Path, shown: str) -> None:
    found = checked(tmp_path, SUB.issue(EMAID).chain, shown)
    assert (found.wrong, found.rooted) == ("", True)
    assert len(found.hashes) == 2


@pytest.mark.parametrize("shown", ["DEABCC7654321X8", "DEABCC1234567Y", "DEABCC1234567X9", "DEABCC1234567", "D", ""])
def test_a_contract_is_good_for_nobody_elses_emaid(tmp_path: Path, shown: str) -> None:
    found = checked(tmp_path, SUB.issue(EMAID).chain, shown)
    assert found.wrong == "the certificate is not made out to the eMAID that was shown"


def test_an_authority_is_no_contract(tmp_path: Path) -> None:
    assert "authority" in checked(tmp_path, SUB.authority(EMAID).chain).wrong
    assert "authority" in checked(tmp_path, ROOT.pem, "Provider root").wrong


@pytest.mark.parametrize(("signs", "wrong"), [(True, ""), (False, "the certificate may not sign (key usage)")])
def test_the_key_of_a_contract_is_one_that_signs(tmp_path: Path, signs: bool, wrong: str) -> None:
    made = SUB.issue(EMAID).certificate
    usage = x509.KeyUsage(
        digital_signature=signs, content_commitment=False, key_encipherment=True, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = x509.CertificateBuilder(
        SUB.name, made.subject, new_key().public_key(), 4711, made.not_valid_before_utc, made.not_valid_after_utc
    ).add_extension(usage, critical=True)
    pem = builder.sign(SUB._key, hashes.SHA256()).public_bytes(contracts.c.Encoding.PEM).decode()
    assert checked(tmp_path, pem + SUB.pem).wrong == wrong


def test_what_is_wrong_does_not_say_whose_contract_it_is(tmp_path: Path) -> None:
    late = checked(tmp_path, SUB.issue(EMAID, ends_in=-0.5).chain).wrong
    assert late.startswith("the certificate has expired on ")
    assert EMAID not in late


def test_a_root_of_ones_own_is_none_that_is_installed(tmp_path: Path) -> None:
    found = checked(tmp_path, SELF_MADE.issue(EMAID).chain + SELF_MADE.pem)
    assert (found.wrong, found.rooted) == ("", False)
    other = Authority("Provider root").authority("Provider")  # of the same names
    assert not checked(tmp_path, other.issue(EMAID).chain).rooted


@pytest.mark.parametrize(
    ("use", "rooted"),
    [("V2GRootCertificate", True), ("CSMSRootCertificate", False), ("ManufacturerRootCertificate", False)],
)
def test_a_root_of_another_use_vouches_for_no_contract(tmp_path: Path, use: str, rooted: bool) -> None:
    assert checked(tmp_path, SUB.issue(EMAID).chain, use=use).rooted is rooted


@pytest.mark.parametrize("chain", ["", "x", "\0", "Ä", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_no_contract(tmp_path: Path, chain: str) -> None:
    assert checked(tmp_path, chain).wrong
