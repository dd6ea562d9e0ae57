"""Plug & Charge: the chain of a vehicle's contract (ISO 15118-2, 8.4.3.8), and what OCSP is asked of a chain."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

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
    return await asyncio.to_thread(_check, job, KeyStore(place.state_dir), datetime.now(UTC))


def _check(job: CheckContract, store: KeyStore, at: datetime) -> ContractChecked:
    try:
        chain = c.parse(job.chain)
    except ValueError as error:
        return ContractChecked(str(error), rooted=False)
    roots = [root for use in ROOTS for pem in store.roots(use) for root in c.parse(pem)]
    rooted = any(c.issued(chain[-1], root) or chain[-1] == root for root in roots)
    # Without its root it is only checked as far as it goes, as if its last certificate were one.
    wrong = c.chain_complaint(chain, roots if rooted else [chain[-1]], at)
    return ContractChecked(wrong, rooted, _hashes(chain, roots))


async def responders(job: ReadResponders, place: Place, tell: Tell) -> tuple[tuple[str, ...], ...] | Status:
    return await asyncio.to_thread(_responders, job, KeyStore(place.state_dir))


def _responders(job: ReadResponders, store: KeyStore) -> tuple[tuple[str, ...], ...] | Status:
    try:
        chain = c.parse(store.certificate(CHAIN, job.name).read_text("ascii"))
        roots = [root for pem in store.roots("V2GRootCertificate") for root in c.parse(pem)]
    except (OSError, ValueError) as error:
        return Status("Failed", str(error))
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
