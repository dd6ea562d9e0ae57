"""The work of a firmware update: fetch the image, verify it, have it installed.

The image is STATE_DIR/firmware/IMAGE, of the daemon alone, and removed when the update is over. A signature is taken in
RSA-PSS (L01.FR.04), RSA PKCS#1 v1.5, and ECDSA, each over SHA-256; which one follows from the certificate's key.

What the installer is given, prints and returns: chargepointd(8), FIRMWARE.
"""

import asyncio
import hashlib
import logging
import os
import shutil
import signal
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from chargepointd.core.update import (
    AskInstaller,
    CheckSigner,
    FetchImage,
    Installation,
    InstallImage,
    Unfetched,
    Verified,
    VerifyImage,
)
from chargepointd.jobs.certificates import parse, usage_complaint, verify_chain
from chargepointd.jobs.keystore import KeyStore
from chargepointd.jobs.runner import Place, Tell

log = logging.getLogger(__name__)

ROOTS = "ManufacturerRootCertificate"
SPARE_BYTES = 64_000_000
"""the disk is never filled further than up to this: the station's state needs room"""
CHUNK = 1_000_000
ENDS_WITHIN_S = 5.0
"""an installer that is told to end"""
LONGEST_LINE = 4096

EXIT_RESTART = 10
"""installed; the program has to start anew"""
EXIT_REBOOT = 11
"""installed; the board has to"""
_EXITS = {
    0: Installation("installed"),
    EXIT_RESTART: Installation("restart needed"),
    EXIT_REBOOT: Installation("restart needed", hard=True),
}


# -- the certificate ---------------------------------------------------------------------------------------------------


async def check_signer(job: CheckSigner, place: Place, tell: Tell) -> str:
    return await asyncio.to_thread(_signer_complaint, job.certificate, KeyStore(place.state_dir).roots(ROOTS), job.at)


def _signer_complaint(pem: str, roots: list[str], at: float) -> str:
    wrong = verify_chain(pem, roots, datetime.fromtimestamp(at, UTC))
    return wrong or usage_complaint(parse(pem)[0], ExtendedKeyUsageOID.CODE_SIGNING)


# -- the image ---------------------------------------------------------------------------------------------------------


def _folder(place: Place) -> Path:
    return place.state_dir / "firmware"


async def fetch(job: FetchImage, place: Place, tell: Tell) -> Unfetched | None:
    from chargepointd.jobs.transfer import Means, TransferFailed, download

    folder = _folder(place)
    await asyncio.to_thread(_emptied, folder)
    room = shutil.disk_usage(folder).free - SPARE_BYTES
    if room <= 0:
        return Unfetched("the disk is full", hopeless=False)
    # Of its own name: one that was cancelled may still be clearing away what it has.
    part = folder / f"{token_hex(8)}.part"
    means = Means(place.roots("CSMSRootCertificate"), place.sftp_hosts, place.proxied, place.dates)
    try:
        await download(job.url, part, means, limit_bytes=min(job.limit_bytes, room), progress=tell)
    except TransferFailed as failed:
        return Unfetched(failed.reason, hopeless=failed.kind != "Failed")
    await asyncio.to_thread(_take, part, folder / job.name)
    return None


def _take(part: Path, image: Path) -> None:
    """Durable when this returns."""
    part.replace(image)
    folder = os.open(image.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _emptied(folder: Path) -> None:
    """Whatever an earlier update left goes."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for file in folder.iterdir():
        file.unlink(missing_ok=True)


async def verify(job: VerifyImage, place: Place, tell: Tell) -> Verified:
    image = _folder(place) / job.name
    try:
        digest = await _digest(image)
    except OSError as error:
        return Verified("failed", f"the image cannot be read: {error.strerror}")
    signed = (job.certificate, job.signature)
    wrong = await asyncio.to_thread(_signature_complaint, *signed, digest) if any(signed) else ""
    if wrong:
        image.unlink()
        return Verified("forged", wrong)
    return Verified("verified", digest.hex())


async def _digest(image: Path) -> bytes:
    """A chunk at a time, so that it can be broken off."""
    found = hashlib.sha256()
    with image.open("rb") as stream:

        def more() -> bool:
            chunk = stream.read(CHUNK)
            found.update(chunk)
            return bool(chunk)

        while await asyncio.to_thread(more):
            pass
    return found.digest()


def _signature_complaint(pem: str, signature: str, digest: bytes) -> str:
    try:
        given = b64decode("".join(signature.split()), validate=True)
    except ValueError:
        return "the signature is no base64"
    key = parse(pem)[0].public_key()
    if isinstance(key, rsa.RSAPublicKey):
        fits = _rsa_fits(key, given, digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        fits = _ec_fits(key, given, digest)
    else:
        return "the key of the certificate is neither RSA nor EC"
    return "" if fits else "the signature is not one of this image by this certificate"


def _rsa_fits(key: rsa.RSAPublicKey, given: bytes, digest: bytes) -> bool:
    for scheme in (padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO), padding.PKCS1v15()):
        with suppress(InvalidSignature):
            key.verify(given, digest, scheme, Prehashed(SHA256()))
            return True
    return False


def _ec_fits(key: ec.EllipticCurvePublicKey, given: bytes, digest: bytes) -> bool:
    try:
        key.verify(given, digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


# -- the installer -----------------------------------------------------------------------------------------------------


async def install(job: InstallImage, place: Place, tell: Tell) -> Installation:
    image = _folder(place) / job.name
    try:
        same = (await _digest(image)).hex() == job.digest
    except OSError as error:
        return Installation("unfit", f"the image cannot be read: {error.strerror}")
    if not same:
        image.unlink()
        return Installation("unfit", "the image is not the one whose signature was verified")
    return await _ran(job.command, image, "Installing", job.timeout_s, tell)


async def ask(job: AskInstaller, place: Place, tell: Tell) -> Installation:
    return await _ran(job.command, _folder(place) / job.name, job.state, job.timeout_s, tell)


async def _ran(command: tuple[str, ...], image: Path, state: str, timeout_s: float, tell: Tell) -> Installation:
    """The command to its end; then the image is of no use any more. Broken off, it is told to end."""
    env = {**os.environ, "FIRMWARE_IMAGE": str(image), "FIRMWARE_STATE": state}
    try:
        process = await asyncio.create_subprocess_exec(
            *command, str(image), env=env, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        return Installation("failed", f"{' '.join(command) or 'no command'}: cannot be run: {error}")
    try:
        async with asyncio.timeout(timeout_s):
            ended = await _listened(process, tell)
    except TimeoutError:
        ended = Installation("failed", f"{command[0]}: not done after {timeout_s:.0f} s")
    finally:
        if process.returncode is None:
            await _ended(process)
    await asyncio.to_thread(image.unlink, missing_ok=True)
    return ended


async def _listened(process: asyncio.subprocess.Process, tell: Tell) -> Installation:
    """Lines it prints, until its end: `failed TEXT`, `unfit TEXT`, `rebooting`, all else is for people."""
    result, info = "failed", ""
    assert process.stdout is not None
    async for line in _lines(process.stdout):
        word, _, rest = line.partition(" ")
        if word in ("failed", "unfit"):
            result, info = word, rest.strip()
        log.info("installer: %s", line)
        tell(line)
    code = await process.wait()
    return _EXITS.get(code) or Installation(result, info or f"the installer ended with {code}")


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than any line we know: not for us
            continue
        if not line:
            return
        text = line.decode(errors="replace").strip()
        if text:
            yield text


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
