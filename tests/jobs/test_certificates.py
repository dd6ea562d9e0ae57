"""What is wrong with a certificate is found, and the hashes are those of OpenSSL."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding

from chargepointd.jobs import certificates
from chargepointd.jobs.certificates import hash_data, parse, verify_chain
from tests.jobs import hashes
from tests.pki import Authority, with_serial

ROOT = Authority("Root")
SUB = ROOT.authority("Sub")


def wrong(pem: str, *roots: Authority) -> str:
    return verify_chain(pem, [root.pem for root in roots or (ROOT,)], datetime.now(UTC))


def test_a_good_chain_leads_to_its_root_at_every_depth() -> None:
    two = SUB.authority("Sub 2")
    three = two.authority("Sub 3")
    for authority in (ROOT, SUB, two, three):
        leaf = authority.issue("leaf")
        assert wrong(leaf.chain) == ""
        assert wrong(leaf.chain, Authority("Other"), ROOT) == ""
    assert "at most 4" in wrong(three.authority("Sub 4").issue("leaf").chain)


def test_a_certificate_of_a_version_that_there_is_not_is_refused() -> None:
    der = x509.load_pem_x509_certificate(ROOT.pem.encode()).public_bytes(Encoding.DER)
    odd = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105"), 1)
    pem = f"-----BEGIN CERTIFICATE-----\n{b64encode(odd).decode()}\n-----END CERTIFICATE-----\n"
    assert "no certificate in PEM" in wrong(pem)


def test_the_root_may_stand_at_the_end_of_a_chain() -> None:
    assert wrong(SUB.issue("leaf").chain + ROOT.pem) == ""


def test_a_root_that_another_root_signed_is_a_root_by_itself() -> None:
    new = ROOT.authority("New root")
    assert wrong(new.issue("leaf").pem, new) == ""


def test_what_leads_to_no_root_is_refused() -> None:
    stranger = Authority("Root")  # the name alone is not enough
    assert "nobody this station trusts" in wrong(stranger.issue("leaf").chain)
    assert "nobody this station trusts" in wrong(SUB.issue("leaf").pem)  # the authority between is missing
    assert "nobody this station trusts" in verify_chain(SUB.issue("leaf").chain, [], datetime.now(UTC))


def test_links_that_do_not_fit_are_refused() -> None:
    other = ROOT.authority("Sub")
    assert "is not signed by" in wrong(SUB.issue("leaf").pem + other.pem)


@pytest.mark.parametrize(
    ("dates", "said"), [({"starts_in": -9, "ends_in": -1}, "has expired"), ({"starts_in": 1}, "not valid before")]
)
def test_dates_count_at_every_place(dates: dict[str, float], said: str) -> None:
    assert said in wrong(SUB.issue("leaf", **dates).chain)
    assert said in wrong(ROOT.authority("Sub", **dates).issue("leaf").chain)
    old = Authority("Old", **dates)
    assert said in wrong(old.issue("leaf").chain, old)


def test_only_an_authority_may_sign() -> None:
    for ca in (False, None):
        assert "no certificate of an authority" in wrong(ROOT.authority("Sub", ca=ca).issue("leaf").chain)
    narrow = ROOT.authority("Narrow", path_length=0)
    assert wrong(narrow.issue("leaf").chain) == ""
    assert "allows 0 authorities" in wrong(narrow.authority("Sub").issue("leaf").chain)


def test_weak_keys_and_signatures_are_refused() -> None:
    assert "weak key: RSA 1024" in wrong(SUB.issue("leaf", key=1024).chain)
    assert "weak key: EC 192" in wrong(SUB.issue("leaf", key=ec.SECP192R1()).chain)
    assert wrong(SUB.issue("leaf", key=2048).chain) == ""


@pytest.mark.parametrize("text", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ä"])
def test_what_is_no_certificate_is_said_to_be_none(text: str) -> None:
    assert "no certificate in PEM" in wrong(text)


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_the_hashes_are_those_of_openssl(algorithm: str) -> None:
    leaf = SUB.issue("leaf", serial=0x0ABC)
    made = hash_data(leaf.certificate, parse(SUB.pem)[0], algorithm)
    assert list(made) == list(hashes.hash_data(leaf.pem, SUB.pem, algorithm).values())


@pytest.mark.parametrize(
    ("content", "good"),
    [
        (b"\x01", True),
        (b"\x7f" + bytes(19), True),
        (b"\x00\x91" + bytes(19), True),  # 20 bytes, and one for the sign
        (b"\x00", False),
        (b"\xfe\x12\x34", False),  # negative
        (b"\x81" + bytes(19), False),
        (b"\x11" * 21, False),
    ],
)
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_serial_number_is_positive_and_fits_into_what_names_it(content: bytes, good: bool) -> None:
    """A root whose hash data could not be told would make an answer impossible for all others."""
    odd = parse(with_serial(content))[0]
    assert certificates.root_complaint(odd, None) == (
        "" if good else '"CN=odd" has a serial number that is not positive, or longer than 20 bytes'
    )


def test_the_hash_of_a_key_leaves_out_what_is_around_it() -> None:
    """A long key has long lengths in DER."""
    for key in ("EC", 2048, 4096):
        root = Authority("Root", key=key)
        public = root.certificate.public_key()
        bits = certificates._key_bits(root.certificate)
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = (
            public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            if key == "EC"
            else public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        )
        assert bits == raw


def test_a_weak_signature_is_refused() -> None:
    assert "weak signature" in certificates.complaint(_signed_with_sha1(), certificates.datetime.now(certificates.UTC))


def _signed_with_sha1() -> certificates.x509.Certificate:
    """The library signs none any more: a stand-in that says so of itself."""

    class Old:
        def __getattr__(self, name: str) -> object:
            return getattr(ROOT.certificate, name)

        signature_hash_algorithm = SHA1()

    return Old()  # type: ignore[return-value]
