"""Work on certificates, on real files: what is kept is whole, what is bad leaves nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from chargepointd.core import certificates as c
from chargepointd.core.commands import Status
from chargepointd.core.signing import MakeKey, TakeChain
from chargepointd.jobs import certificate_work, house
from chargepointd.jobs.keystore import KeyStore
from chargepointd.jobs.runner import WORK, Place
from tests import pki
from tests.jobs import hashes
from tests.pki import Authority

ROOT = Authority("Root")
OTHER = Authority("Other")


@pytest.fixture
def do(tmp_path: Path) -> Callable[[Any], Any]:
    """The outcome of a job, by the table of jobs."""

    def done(job: Any) -> Any:
        module, _, function = WORK[type(job).__name__].partition(":")
        work = {"certificate_work": certificate_work, "house": house}[module.rpartition(".")[2]]
        return asyncio.run(getattr(work, function)(job, Place(tmp_path), lambda news: None))

    return done


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path)


def kept(store: KeyStore, tmp_path: Path) -> list[str]:
    return sorted(f"{file.parent.name}/{file.suffix}" for file in tmp_path.glob("certificates/*/*"))


def named(hash_data: c.HashData) -> list[str]:
    return [value.lower() for value in hash_data[1:]]


def openssl(pem: str, issuer: str) -> list[str]:
    return list(hashes.hash_data(pem, issuer).values())[1:]


def test_a_root_is_kept_with_its_hashes_and_dates(do: Any, store: KeyStore) -> None:
    found = do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem))
    assert isinstance(found, c.Certificate)
    assert named(found.hashes[0]) == openssl(ROOT.pem, ROOT.pem)
    assert found.valid_until == ROOT.certificate.not_valid_after_utc.timestamp()
    assert store.roots(c.CSMS_ROOT) == [ROOT.pem]
    assert do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem)) == found, "the same again is the same"


def test_dates_are_judged_by_the_time_of_the_station_and_not_where_nobody_knows_it(tmp_path: Path) -> None:
    ended = Authority("Old", starts_in=-9, ends_in=-1)

    def checked(utc: float | None) -> Any:
        place = Place(tmp_path, utc=lambda: utc)
        return asyncio.run(certificate_work.check_root(c.CheckRoot(c.CSMS_ROOT, ended.pem), place, lambda news: None))

    end = ended.certificate.not_valid_after_utc.timestamp()
    assert isinstance(checked(end - 60), c.Certificate)
    assert isinstance(checked(None), c.Certificate)
    assert "expired" in checked(end + 60).reason
    assert "not valid before" in checked(300.0).reason


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        ("garbage", "no certificate"),
        (ROOT.pem + OTHER.pem, "2 certificates"),
        (ROOT.issue("leaf").pem, "no certificate of an authority"),
        (Authority("Old", starts_in=-9, ends_in=-1).pem, "expired"),
    ],
)
def test_a_bad_root_leaves_nothing(do: Any, store: KeyStore, pem: str, why: str) -> None:
    refused = do(c.CheckRoot(c.CSMS_ROOT, pem))
    assert isinstance(refused, Status)
    assert refused.status == "Rejected"
    assert why in refused.reason
    assert store.roots(c.CSMS_ROOT) == []


def test_a_successor_is_signed_by_the_root_before_it(do: Any) -> None:
    old = do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem))
    refused = do(c.CheckRoot(c.CSMS_ROOT, OTHER.pem, old.name))
    assert "not signed by the root in use" in refused.reason
    new = ROOT.authority("New")
    found = do(c.CheckRoot(c.CSMS_ROOT, new.pem, old.name))
    assert named(found.hashes[0]) == openssl(new.pem, ROOT.pem), "its issuer is the old root"
    assert isinstance(do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem, old.name)), c.Certificate), "the same is no new one"


def test_a_full_disk_is_told(do: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    refused = do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem))
    assert (refused.status, "No space" in refused.reason) == ("Failed", True)
    assert do(MakeKey("k", "EC-P256", "S-1", "")).status == "Failed"


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_a_certificate_is_found_by_any_algorithm(do: Any, algorithm: str) -> None:
    roots = [do(c.CheckRoot("MORootCertificate", each.pem)) for each in (OTHER, ROOT)]
    among = tuple((each.use, each.name) for each in roots)
    wanted = tuple(hashes.hash_data(ROOT.pem, ROOT.pem, algorithm).values())
    assert do(c.FindCertificate(wanted, among)) == among[1]
    assert do(c.FindCertificate((*wanted[:3], "ff"), among)) is None


@pytest.mark.parametrize(("kind", "size"), [("EC-P256", 256), ("RSA-2048", 2048), ("RSA-3072", 3072)])
def test_a_request_is_signed_by_the_key_that_was_kept(do: Any, store: KeyStore, kind: str, size: int) -> None:
    request = x509.load_pem_x509_csr(do(MakeKey("k1", kind, "S-1", "Owner")).encode())
    key = load_pem_private_key(store.key(c.PENDING, "k1").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    assert key.key_size == size
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert request.subject.rfc4514_string() == "O=Owner,CN=S-1"


def taking(do: Any, chain: Callable[[str], str], keys: tuple[str, ...] = ("k1",)) -> Any:
    do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem))
    do(MakeKey("k0", "EC-P256", "S-1", ""))
    csr = do(MakeKey("k1", "EC-P256", "S-1", ""))
    return do(TakeChain(chain(csr), "S-1", tuple((c.PENDING, key) for key in keys)))


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_signed_chain_is_kept_with_its_key(do: Any, store: KeyStore, depth: int) -> None:
    authority = ROOT
    for level in range(depth):
        authority = authority.authority(f"Sub {level}")
    certificate, key = taking(do, authority.sign, ("k0", "k1"))
    assert key == "k1"
    assert len(certificate.hashes) == 1 + depth
    text = store.certificate(c.STATION, certificate.name).read_text()
    assert text.count("BEGIN CERTIFICATE") == 1 + depth
    assert named(certificate.hashes[0]) == openssl(text, authority.pem)
    assert store.key(c.STATION, certificate.name).read_bytes() == store.key(c.PENDING, "k1").read_bytes()


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (OTHER.sign, "nobody this station trusts"),
        (lambda csr: ROOT.sign(csr, starts_in=-9, ends_in=-1), "expired"),
        (lambda csr: ROOT.sign(csr, subject=OTHER.name), "common name"),
        (lambda csr: ROOT.issue("S-1").pem, "another key"),
        (lambda csr: "garbage", "no certificate"),
    ],
)
def test_a_bad_chain_leaves_nothing(
    do: Any, store: KeyStore, tmp_path: Path, chain: Callable[[str], str], why: str
) -> None:
    refused = taking(do, chain)
    assert isinstance(refused, Status)
    assert refused.status == "Rejected"
    assert why in refused.reason
    assert not any(name.startswith(c.STATION) for name in kept(store, tmp_path))


CLIENTS, SERVERS = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"ca": True}, "one of an authority"),
        ({"signs": False}, "may not sign"),
        ({"purposes": (SERVERS,)}, "not for clients of TLS"),
        ({"purposes": (SERVERS, CLIENTS), "signs": True}, ""),
        ({"purposes": (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)}, ""),
        ({"subject": pki.named("S-1")}, ""),
        ({"subject": pki.named("S-1", "owner ")}, ""),
        ({"subject": pki.named("S-1", "Somebody else")}, "expected Owner"),
    ],
)
def test_what_the_station_s_own_certificate_has_to_be(do: Any, made: dict[str, Any], why: str) -> None:
    do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem))
    chain = ROOT.sign(do(MakeKey("k1", "EC-P256", "S-1", "Owner")), **made)
    taken = do(TakeChain(chain, "S-1", ((c.PENDING, "k1"),), organization="Owner"))
    assert isinstance(taken, Status) == bool(why)
    if why:
        assert (taken.status, taken.code, why in taken.reason) == ("Rejected", "InvalidCertificate", True)


def test_what_vehicles_are_shown_needs_no_purpose_of_a_client(do: Any) -> None:
    do(c.CheckRoot("V2GRootCertificate", ROOT.pem))
    chain = ROOT.sign(do(MakeKey("k1", "EC-P256", "S-1", "")), purposes=(SERVERS,))
    job = TakeChain(chain, "S-1", ((c.PENDING, "k1"),), "V2GCertificateChain", "V2GRootCertificate")
    assert isinstance(do(job), tuple)


@pytest.mark.parametrize("use", ["ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate"])
def test_a_root_of_another_use_does_not_vouch(do: Any, use: str) -> None:
    do(c.CheckRoot(use, OTHER.pem))
    refused = taking(do, OTHER.sign)
    assert "nobody this station trusts" in refused.reason


def test_a_chain_in_the_wrong_order_is_none(do: Any) -> None:
    sub = ROOT.authority("Sub")

    def turned(csr: str) -> str:
        leaf = sub.sign(csr).removesuffix(sub.pem)
        return sub.pem + leaf

    assert "no certificate of an authority" in taking(do, turned).reason


# -- what the disk has changed -----------------------------------------------------------------------------------------


def broken(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[100] ^= 0x04
    file.write_bytes(content)


def test_a_damaged_root_is_told_at_the_start_and_the_others_go_on(do: Any, store: KeyStore) -> None:
    good, bad = (do(c.CheckRoot(c.CSMS_ROOT, each.pem)) for each in (ROOT, OTHER))
    broken(store.certificate(c.CSMS_ROOT, bad.name))
    assert isinstance(taking(do, ROOT.sign), tuple)
    other = tuple(hashes.hash_data(ROOT.pem, ROOT.pem, "SHA512").values())
    assert do(c.FindCertificate(other, ((c.CSMS_ROOT, bad.name), (c.CSMS_ROOT, good.name)))) == (c.CSMS_ROOT, good.name)
    found = do(c.Tidy(((c.CSMS_ROOT, good.name), (c.CSMS_ROOT, bad.name))))
    assert found.missing == ((c.CSMS_ROOT, bad.name),)


@pytest.mark.parametrize("how", ["no key", "another's"])
def test_a_damaged_key_of_the_station_is_told_and_a_whole_one_is_not(do: Any, store: KeyStore, how: str) -> None:
    certificate, _ = taking(do, ROOT.authority("Sub").sign)
    known = ((c.STATION, certificate.name), (c.PENDING, "k1"))
    assert do(c.Tidy(known)).missing == ()
    store.key(c.STATION, certificate.name).write_text(ROOT.issue("S-1").key if how == "another's" else how)
    assert do(c.Tidy(known[:1])).missing == known[:1]


@pytest.mark.parametrize("place", range(5, 101, 5))
def test_a_damaged_authority_in_the_chain_of_the_station_is_told(do: Any, store: KeyStore, place: int) -> None:
    certificate, _ = taking(do, ROOT.authority("Sub").sign)
    file, own = store.certificate(c.STATION, certificate.name), ((c.STATION, certificate.name),)
    content = bytearray(file.read_bytes())
    assert do(c.Tidy(own)).cut == ()
    begin, end = (find(b"-----END CERTIFICATE-----") + 25 for find in (content.index, content.rindex))
    content[begin + (end - begin) * place // 100] ^= 0x01
    file.write_bytes(content)
    found = do(c.Tidy(own))
    assert found.cut == own
    assert found.missing == (), "the certificate and its key are whole"
    assert do(c.Tidy(own)) == c.Tidied((), "")


def test_a_damaged_authority_in_the_file_of_the_configuration_is_told_and_not_taken_in(
    do: Any, store: KeyStore, tmp_path: Path
) -> None:
    sub, false = ROOT.authority("Sub"), ROOT.authority("Sub")
    own = sub.issue("S-1")
    chain, wrong = own.key + own.chain, own.key + own.pem + false.pem
    file = tmp_path / "own.pem"
    file.write_text(wrong)
    assert "is not signed by" in do(c.Tidy((), "", str(file))).wrong
    file.write_text(chain)
    assert do(c.Tidy((), "", str(file))).wrong == ""


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "damaged"])
def test_one_damaged_key_does_not_cost_the_others(do: Any, store: KeyStore, lost: bool) -> None:
    def sign(csr: str) -> str:
        key = store.key(c.PENDING, "k0")
        key.unlink() if lost else key.write_text("no key")
        return ROOT.sign(csr)

    _, key = taking(do, sign, ("k0", "k1"))
    assert key == "k1"


# -- the start ---------------------------------------------------------------------------------------------------------


def test_the_start_removes_what_is_not_known_and_tells_what_is_missing(
    do: Any, store: KeyStore, tmp_path: Path
) -> None:
    root = do(c.CheckRoot(c.CSMS_ROOT, ROOT.pem))
    do(c.CheckRoot(c.CSMS_ROOT, OTHER.pem))  # written, and the power was cut before it counted
    do(MakeKey("k1", "EC-P256", "S-1", ""))
    lost = (c.STATION, "gone")
    found = do(c.Tidy(((root.use, root.name), lost)))
    assert found == c.Tidied((lost,), "")
    assert kept(store, tmp_path) == [f"{c.CSMS_ROOT}/.pem"]


def test_where_the_disk_has_lost_what_counts_the_files_say_it(do: Any, store: KeyStore, tmp_path: Path) -> None:
    certificate, _ = taking(do, ROOT.authority("Sub").sign)
    root, known = (do(c.CheckRoot(c.CSMS_ROOT, each.pem)) for each in (ROOT, OTHER))
    vehicles = do(c.CheckRoot("V2GRootCertificate", ROOT.pem))
    store.certificate(c.CSMS_ROOT, "half").with_suffix(".pem.new").write_text("-----BEGIN")
    store.certificate(c.CSMS_ROOT, "changed").write_text(ROOT.pem)
    store.key(c.STATION, "without a chain").write_text(ROOT.issue("S-1").key)
    there = kept(store, tmp_path)
    found = do(c.Tidy(((c.CSMS_ROOT, known.name),), adopts=True))
    assert sorted(found.adopted) == sorted([certificate, root, vehicles])
    assert sorted(found.keys) == ["k0", "k1"]
    assert found.missing == ()
    assert len(kept(store, tmp_path)) == len(there) - 3, "what is not whole has gone"
    known_now = [each[:2] for each in (*found.adopted, known)]
    assert do(c.Tidy((*known_now, (c.PENDING, "k0"), (c.PENDING, "k1")))).missing == ()


def test_what_the_configuration_names_does_not_take_the_place_of_what_was_found(
    do: Any, store: KeyStore, tmp_path: Path
) -> None:
    certificate, _ = taking(do, ROOT.sign)
    own = ROOT.issue("S-1").file(tmp_path, "own.pem")
    found = do(c.Tidy((), "", str(own), adopts=True))
    assert certificate in found.adopted
    assert found.certificates == ()
    known = tuple(each[:2] for each in found.adopted)
    assert do(c.Tidy(known, "", str(own), "", found.taken_in)) == c.Tidied((), found.taken_in)


def test_where_nothing_is_found_what_the_configuration_names_is_taken_in(do: Any, tmp_path: Path) -> None:
    own = ROOT.issue("S-1").file(tmp_path, "own.pem")
    found = do(c.Tidy((), "", str(own), adopts=True))
    assert (found.adopted, [each.use for each in found.certificates]) == ((), [c.STATION])


def test_removing_removes_the_key_as_well(do: Any, store: KeyStore, tmp_path: Path) -> None:
    certificate, _ = taking(do, ROOT.sign)
    assert do(c.RemoveCertificate(((c.STATION, certificate.name), (c.PENDING, "k0"), (c.PENDING, "k1")))) is None
    assert kept(store, tmp_path) == [f"{c.CSMS_ROOT}/.pem"]


def test_what_the_configuration_names_is_taken_in_once(do: Any, store: KeyStore, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text(ROOT.pem + OTHER.pem)
    own = ROOT.issue("S-1").file(tmp_path, "own.pem")
    found = do(c.Tidy((), str(roots), str(own)))
    assert [each.use for each in found.certificates] == [c.CSMS_ROOT, c.CSMS_ROOT, c.STATION]
    assert found.wrong == ""
    known = tuple((each.use, each.name) for each in found.certificates)
    again = do(c.Tidy(known, str(roots), str(own), "", found.taken_in))
    assert again == c.Tidied((), found.taken_in)
    assert len(store.roots(c.CSMS_ROOT)) == 2


@pytest.mark.parametrize("bad", ["garbage", "leaf", "another key"])
def test_what_the_configuration_names_wrongly_is_said(do: Any, tmp_path: Path, bad: str) -> None:
    file, key = tmp_path / "file.pem", tmp_path / "key.pem"
    key.write_text(ROOT.issue("S-1").key)
    file.write_text({"garbage": "garbage", "leaf": ROOT.issue("x").pem, "another key": ROOT.issue("S-1").pem}[bad])
    job = c.Tidy((), "", str(file), str(key)) if bad == "another key" else c.Tidy((), str(file))
    found = do(job)
    assert str(file) in found.wrong
    assert found.taken_in == ""
    assert found.certificates == ()


def test_another_root_in_the_configuration_leaves_the_stations_own_as_it_is(do: Any, tmp_path: Path) -> None:
    """What the CSMS has renewed since must not fall back to what the factory gave."""
    roots, own = tmp_path / "roots.pem", ROOT.issue("S-1").file(tmp_path, "own.pem")
    roots.write_text(ROOT.pem)
    first = do(c.Tidy((), str(roots), str(own)))
    roots.write_text(OTHER.pem)
    known = tuple((each.use, each.name) for each in first.certificates)
    second = do(c.Tidy(known, str(roots), str(own), "", first.taken_in))
    assert [each.use for each in second.certificates] == [c.CSMS_ROOT]
    assert second.taken_in.split()[1] == first.taken_in.split()[1]


def test_files_that_were_taken_in_may_be_deleted(do: Any, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text(ROOT.pem)
    first = do(c.Tidy((), str(roots)))
    roots.unlink()
    known = tuple((each.use, each.name) for each in first.certificates)
    assert do(c.Tidy(known, str(roots), "", "", first.taken_in)) == c.Tidied((), first.taken_in)
