"""Plug & Charge: the chain of a vehicle's contract (ISO 15118-2, 8.4.3.8), and what OCSP is asked of a chain."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from chargepointd.core.commands import Status
from chargepointd.core.contracts import CheckContract, ContractChecked
from chargepointd.core.secc import CHAIN, ReadResponders
from chargepointd.jobs import certificates as c
from chargepointd.jobs.keystore import KeyStore
from chargepointd.jobs.runner import Place, Tell

ROOTS = ("MORootCertificate", "V2GRootCertificate")
"""those of the provider, and of the whole ecosystem (InstallCertificateUseEnumType)"""
MOST_HASHES = 4
"""AuthorizeRequest.iso15118CertificateHashData"""


async def check(job: CheckContract, place: Place, tell: Tell) -> ContractChecked:
    return await asyncio.to_thread(_check, job, KeyStore(place.state_dir), c.moment(place.utc()))


def _check(job: CheckContract, store: KeyStore, at: datetime | None) -> ContractChecked:
    try:
        chain = c.parse(job.chain)
    except ValueError as error:
        return ContractChecked(str(error), rooted=False)
    roots = [root for use in ROOTS for root in c.parsed(store.roots(use))]
    rooted = any(c.issued(chain[-1], root) or chain[-1] == root for root in roots)
    # Without its root it is only checked as far as it goes, as if its last certificate were one.
    wrong = c.chain_complaint(chain, roots if rooted else [chain[-1]], at) or _leaf_complaint(chain[0], job.emaid)
    # What is wrong is noted and logged: whose contract it is stands in no log.
    return ContractChecked(wrong.replace(c.name(chain[0]), "the certificate"), rooted, _hashes(chain, roots))


def _leaf_complaint(leaf: x509.Certificate, emaid: str) -> str:
    """Any contract is shown by its owner, who could give somebody else's identifier with it. ISO 15118-2, Annex F."""
    names = [str(part.value) for part in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or not _same(names[0], emaid):
        return "the certificate is not made out to the eMAID that was shown"
    return c.leaf_complaint(leaf)


def _same(name: str, emaid: str) -> bool:
    """With or without the hyphens, and with or without the check digit, which follows from the other 14 characters."""
    one, other = (each.strip().replace("-", "").upper() for each in (name, emaid))
    return one == other or ({len(one), len(other)} == {14, 15} and one[:14] == other[:14])


async def responders(job: ReadResponders, place: Place, tell: Tell) -> tuple[tuple[str, ...], ...] | Status:
    return await asyncio.to_thread(_responders, job, KeyStore(place.state_dir))


def _responders(job: ReadResponders, store: KeyStore) -> tuple[tuple[str, ...], ...] | Status:
    try:
        chain = c.parse(store.certificate(CHAIN, job.name).read_text("ascii"))
    except (OSError, ValueError) as error:
        return Status("Failed", str(error))
    roots = c.parsed(store.roots("V2GRootCertificate"))
    return tuple(row for row in _hashes(chain, roots) if row[-1])


def _hashes(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> tuple[tuple[str, ...], ...]:
    """Of each certificate whose issuer is known; a root vouches for itself, and is not asked about."""
    found = []
    for certificate in chain:
        issuer = c.issuer_among(certificate, [*(each for each in chain if each != certificate), *roots])
        if issuer != certificate:
            found.append((*c.hash_data(certificate, issuer), _responder(certificate)))
    return tuple(found[:MOST_HASHES])


def _responder(certificate: x509.Certificate) -> str:
    """URL of the OCSP responder; empty where the certificate names none."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    urls = (each.access_location for each in access if each.access_method == AuthorityInformationAccessOID.OCSP)
    return next((str(url.value)[:512] for url in urls if isinstance(url, x509.UniformResourceIdentifier)), "")
