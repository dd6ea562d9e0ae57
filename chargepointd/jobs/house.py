"""The key store at the start, and removal: what needs no cryptography."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargepointd.core.certificates import CSMS_ROOT, PENDING, STATION, Certificate, RemoveCertificate, Tidied, Tidy
from chargepointd.core.commands import Status
from chargepointd.jobs.keystore import KeyStore
from chargepointd.jobs.runner import Place

WITH_KEY = (STATION, "V2GCertificateChain")
"""what the station has the private keys of"""


async def remove(job: RemoveCertificate, place: Place, tell: Callable[[Any], None]) -> Status | None:
    store = KeyStore(place.state_dir)
    try:
        await asyncio.to_thread(store.remove, [file for each in job.names for file in files(store, *each)])
    except OSError as error:
        return Status("Failed", f"cannot be removed: {error.strerror}")
    return None


async def tidy(job: Tidy, place: Place, tell: Callable[[Any], None]) -> Tidied | Status:
    return await asyncio.to_thread(_tidy, job, KeyStore(place.state_dir), place.utc())


def _tidy(job: Tidy, store: KeyStore, utc: float | None) -> Tidied | Status:
    adopted, keys = _adopted(job, store) if job.adopts else ((), ())
    there = [*job.known, *(certificate[:2] for certificate in adopted), *((PENDING, name) for name in keys)]
    known = {file: each for each in there for file in files(store, *each)}
    try:
        gone = store.sweep(known)
        cut = tuple(each for file, each in known.items() if store.cut(file))
        missing = [*gone, *(file for file in known if store.damaged(file))]
    except OSError as error:
        return Status("Failed", str(error))
    lost = tuple(dict.fromkeys(known[file] for file in missing))
    uses = {use for use, _ in there} - {use for use, _ in lost}
    return _taken_in(job, store, utc, uses)._replace(missing=lost, cut=cut, adopted=adopted, keys=keys)


def _adopted(job: Tidy, store: KeyStore) -> tuple[tuple[Certificate, ...], tuple[str, ...]]:
    """What is in the store, whole, and not known: certificates, and keys that wait for one."""
    strangers = [each for each in store.names() if each not in job.known]
    keys = tuple(name for use, name in strangers if use == PENDING)
    chains = [each for each in strangers if each[0] != PENDING and _is_whole(store, each)]
    if not chains:
        return (), keys
    from chargepointd.jobs.certificate_work import facts_of

    return facts_of(chains, store), keys


def _is_whole(store: KeyStore, each: tuple[str, str]) -> bool:
    try:
        return all(file.exists() and not store.damaged(file) for file in files(store, *each))
    except OSError:
        return False


def _taken_in(job: Tidy, store: KeyStore, utc: float | None, there: set[str]) -> Tidied:
    """there: the uses of which there is a certificate."""
    try:
        digests = [_digest(job.ca_file), _digest(job.client_cert, job.client_key)]
        before = job.taken_in.split() or ["-", "-"]
        new = [one not in ("-", other) for one, other in zip(digests, before, strict=True)]
        if not any(new):
            return Tidied((), job.taken_in)
        now = " ".join(one if is_new else other for one, other, is_new in zip(digests, before, new, strict=True))
        if job.adopts:  # what is there was taken in, or has taken its place
            new = [is_new and use not in there for is_new, use in zip(new, (CSMS_ROOT, STATION), strict=True)]
            if not any(new):
                return Tidied((), now)
        from chargepointd.jobs.certificate_work import take_in

        return Tidied((), now, take_in(job, store, utc, roots=new[0], own=new[1]))
    except (OSError, ValueError) as error:
        return Tidied((), job.taken_in, wrong=str(error))


def _digest(*names: str) -> str:
    """Of what these files hold; "-" where there is none: what was taken in may be deleted."""
    try:
        return (
            hashlib.sha256(b"".join(Path(name).read_bytes() for name in names if name)).hexdigest() if names[0] else "-"
        )
    except FileNotFoundError:
        return "-"


def files(store: KeyStore, use: str, name: str) -> list[Path]:
    """What there is of a certificate, or of a key that waits for one."""
    if use == PENDING:
        return [store.key(use, name)]
    chain = store.certificate(use, name)
    return [chain, store.key(use, name)] if use in WITH_KEY else [chain]
