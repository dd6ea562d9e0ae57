"""Work on certificates for the station: check, keep, find, make a key, take a signed chain. Each runs in a thread."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chargepointd.core.certificates import CSMS_ROOT, PENDING, STATION, Certificate, CheckRoot, FindCertificate, Tidy
from chargepointd.core.commands import Status
from chargepointd.core.signing import MakeKey, TakeChain
from chargepointd.jobs import certificates as c
from chargepointd.jobs.keystore import KeyStore, sealed
from chargepointd.jobs.runner import Place

Tell = Callable[[Any], None]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


# -- roots -------------------------------------------------------------------------------------------------------------


async def check_root(job: CheckRoot, place: Place, tell: Tell) -> Certificate | Status:
    return await asyncio.to_thread(_check_root, job, KeyStore(place.state_dir), c.moment(place.utc()))


def _check_root(job: CheckRoot, store: KeyStore, at: datetime | None) -> Certificate | Status:
    """Invalid: Rejected (M05.FR.07); not to be written: Failed (M05.FR.03)."""
    try:
        found = c.parse(job.pem)
    except ValueError as error:
        return Status("Rejected", str(error), "InvalidCertificate")
    if len(found) != 1:
        return Status("Rejected", f"{len(found)} certificates; one at a time", "InvalidCertificate")
    root = found[0]
    wrong = c.root_complaint(root, at) or _not_signed(root, job, store)
    if wrong:
        return Status("Rejected", wrong, "InvalidCertificate")
    try:
        return _keep_roots([root], job.use, store, _all(job.use, store))[0]
    except OSError as error:
        return Status("Failed", f"cannot be stored: {error.strerror}")


def _not_signed(root: x509.Certificate, job: CheckRoot, store: KeyStore) -> str:
    """AdditionalRootCertificateCheck (M05.FR.10, FR.11); the same root again is no new one."""
    if not job.signed_by or c.file_name(root) == job.signed_by:
        return ""
    old = c.parse(store.certificate(job.use, job.signed_by).read_text("ascii"))[0]
    return "" if c.issued(root, old) else f"{c.name(root)} is not signed by the root in use, {c.name(old)}"


def _keep_roots(
    roots: Sequence[x509.Certificate], use: str, store: KeyStore, above: Sequence[x509.Certificate]
) -> list[Certificate]:
    kept = [_fact(use, [root], above) for root in roots]
    store.put_all((store.certificate(use, f.name), c.pem_of([r])) for f, r in zip(kept, roots, strict=True))
    return kept


def _fact(use: str, chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> Certificate:
    known = [*chain[1:], *roots]
    return Certificate(
        use,
        c.file_name(chain[0]),
        tuple(c.hash_data(each, c.issuer_among(each, [each, *known])) for each in chain),
        chain[0].not_valid_before_utc.timestamp(),
        chain[0].not_valid_after_utc.timestamp(),
        chain[0].subject.rfc4514_string()[:200],
    )


def facts_of(chains: Sequence[tuple[str, str]], store: KeyStore) -> tuple[Certificate, ...]:
    """Of files (use, name) that are there; what is no certificate is left out."""
    roots = [root for use in dict.fromkeys(use for use, _ in store.names()) for root in _all(use, store)]
    facts = []
    for use, name in chains:
        with suppress(OSError, ValueError):
            facts.append(_fact(use, c.parse(store.certificate(use, name).read_text("ascii")), roots))
    return tuple(facts)


async def find(job: FindCertificate, place: Place, tell: Tell) -> tuple[str, str] | None:
    return await asyncio.to_thread(_find, job, KeyStore(place.state_dir))


def _find(job: FindCertificate, store: KeyStore) -> tuple[str, str] | None:
    algorithm, *wanted = job.hash_data
    roots = [certificate for use in {use for use, _ in job.among} for certificate in _all(use, store)]
    for use, name in job.among:
        with suppress(OSError, ValueError):  # as if it were not there
            chain = c.parse(store.certificate(use, name).read_text("ascii"))
            issuer = c.issuer_among(chain[0], [*chain, *roots])
            if _same(c.hash_data(chain[0], issuer, algorithm)[1:], wanted):
                return (use, name)
    return None


def _same(made: Sequence[str], wanted: Sequence[str]) -> bool:
    """Issuer's name, issuer's key, serial number."""
    serial = wanted[2].lower().removeprefix("0x").lstrip("0")
    return [*made] == [wanted[0].lower(), wanted[1].lower(), serial]


def _all(use: str, store: KeyStore) -> list[x509.Certificate]:
    return c.parsed(store.roots(use))


# -- the configuration -------------------------------------------------------------------------------------------------


def take_in(job: Tidy, store: KeyStore, utc: float | None, *, roots: bool, own: bool) -> tuple[Certificate, ...]:
    """What the configuration names, into the store. OSError and ValueError say which file is wrong, and how."""
    kept = []
    if roots:
        named = _parsed(job.ca_file)
        if wrong := next(filter(None, (c.root_complaint(root, c.moment(utc)) for root in named)), ""):
            raise ValueError(f"{job.ca_file}: {wrong}")
        kept += _keep_roots(named, CSMS_ROOT, store, [*named, *_all(CSMS_ROOT, store)])
    if own:
        chain = _parsed(job.client_cert)
        key = _private(Path(job.client_key or job.client_cert).read_bytes())
        if _public(key) != _public(chain[0]):
            raise ValueError(f"{job.client_cert}: the private key is another's")
        for issued, issuer in pairwise(chain):
            if issued.issuer == issuer.subject and not c.issued(issued, issuer):
                raise ValueError(f"{job.client_cert}: {c.name(issued)} is not signed by the {c.name(issuer)} after it")
        kept.append(_keep_chain(chain, key, _all(CSMS_ROOT, store), store))
    return tuple(kept)


def _parsed(file: str) -> list[x509.Certificate]:
    try:
        return c.parse(Path(file).read_text("ascii"))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _private(pem: bytes) -> PrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise ValueError("the private key is encrypted; store it without a password") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("the private key is neither EC nor RSA")
    return key


def _public(owner: PrivateKey | x509.Certificate) -> bytes:
    return owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# -- the station's own -------------------------------------------------------------------------------------------------


async def make_key(job: MakeKey, place: Place, tell: Tell) -> str | Status:
    return await asyncio.to_thread(_make_key, job, KeyStore(place.state_dir))


def _make_key(job: MakeKey, store: KeyStore) -> str | Status:
    """The request in PEM (PKCS#10); its key is on the disk."""
    key = _new_key(job.key_type)
    names = [
        (NameOID.COMMON_NAME, job.common_name),
        (NameOID.ORGANIZATION_NAME, job.organization),
        (NameOID.COUNTRY_NAME, job.country),
    ]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names if value])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    try:
        store.put(store.key(PENDING, job.key), _secret(key))
    except OSError as error:
        return Status("Failed", f"the new key cannot be stored: {error.strerror}")
    return request.public_bytes(Encoding.PEM).decode()


def _new_key(kind: str) -> PrivateKey:
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))
    return ec.generate_private_key(ec.SECP256R1())


def _secret(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


async def take_chain(job: TakeChain, place: Place, tell: Tell) -> tuple[Certificate, str] | Status:
    return await asyncio.to_thread(_take_chain, job, KeyStore(place.state_dir), c.moment(place.utc()))


def _take_chain(job: TakeChain, store: KeyStore, at: datetime | None) -> tuple[Certificate, str] | Status:
    """The certificate, and the name of the key that waited for it: A02.FR.06, FR.07."""
    try:
        chain = c.parse(job.pem)
    except ValueError as error:
        return Status("Rejected", str(error), "InvalidCertificate")
    roots = _all(job.root, store)
    wrong = c.chain_complaint(chain, roots, at) or _own_complaint(chain[0], job)
    if wrong:
        return Status("Rejected", wrong, "InvalidCertificate")
    name, key = _key_for(chain[0], job, store)
    if key is None:
        return Status("Rejected", "the certificate is for another key than those asked for", "InvalidCertificate")
    try:
        return _keep_chain(chain, key, roots, store, job.kept_as), name
    except OSError as error:
        return Status("Rejected", f"cannot be stored: {error.strerror}", "InternalError")


def _own_complaint(certificate: x509.Certificate, job: TakeChain) -> str:
    """A00.FR.511: the common name is the serial number of the station; A00.FR.509: the organization is its owner, where
    that is known. A certificate that names none is taken: whether that will do is the CSMS's to say.

    To the CSMS the station is a client of TLS; what vehicles are shown says no such thing (ISO 15118-2, Annex F)."""
    wrong = c.leaf_complaint(certificate, ExtendedKeyUsageOID.CLIENT_AUTH if job.kept_as == STATION else None)
    if wrong:
        return wrong
    names = _parts(certificate, NameOID.COMMON_NAME)
    if names != [job.common_name]:
        return f"the common name is {names}, expected {job.common_name}"
    owners = _parts(certificate, NameOID.ORGANIZATION_NAME)
    if job.organization and owners and job.organization.casefold() not in [owner.casefold() for owner in owners]:
        return f"the organization is {owners}, expected {job.organization}"
    return ""


def _parts(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(part.value).strip() for part in certificate.subject.get_attributes_for_oid(oid)]


def _key_for(certificate: x509.Certificate, job: TakeChain, store: KeyStore) -> tuple[str, PrivateKey | None]:
    wanted = _public(certificate)
    for use, name in job.keys:
        with suppress(OSError, ValueError):  # the others are as good as they were
            key = _private(store.key(use, name).read_bytes())
            if _public(key) == wanted:
                return name, key
    return "", None


def _keep_chain(
    chain: Sequence[x509.Certificate],
    key: PrivateKey,
    roots: Sequence[x509.Certificate],
    store: KeyStore,
    use: str = STATION,
) -> Certificate:
    kept = _fact(use, chain, roots)
    text = sealed(c.pem_of(chain))
    store.put_all([(store.key(use, kept.name), _secret(key)), (store.certificate(use, kept.name), text)])
    return kept
