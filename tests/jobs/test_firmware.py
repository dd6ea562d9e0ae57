"""Signatures and certificates as they are and as they are not; installers that do what they should and what not."""

import asyncio
import base64
import hashlib
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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
from chargepointd.jobs import firmware
from chargepointd.jobs.keystore import KeyStore
from chargepointd.jobs.runner import Place
from tests.servers.web import web_server

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
IMAGE = b"firmware\n" * 300_000
DIGEST = hashlib.sha256(IMAGE).hexdigest()
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ROOT_KEY = ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(key: Any, *extensions: x509.ExtensionType, subject: str = "Signer", by: Any = ROOT_KEY) -> str:
    serial = x509.random_serial_number()
    made = x509.CertificateBuilder(name("Root"), name(subject), key.public_key(), serial, NOW - DAY, NOW + DAY)
    for extension in extensions:
        made = made.add_extension(extension, critical=True)
    return made.sign(by, SHA256()).public_bytes(Encoding.PEM).decode()


ROOT = certificate(ROOT_KEY, x509.BasicConstraints(ca=True, path_length=None), subject="Root")


def usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(signs, False, not signs, False, False, False, False, False, False)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    store = KeyStore(tmp_path)
    store.put(store.certificate("ManufacturerRootCertificate", "root"), ROOT.encode())
    (tmp_path / "firmware").mkdir()
    return Place(tmp_path)


def image(place: Place, content: bytes = IMAGE) -> Path:
    file = place.state_dir / "firmware" / "image.bin"
    file.write_bytes(content)
    return file


# -- who signed --------------------------------------------------------------------------------------------------------


def checked(place: Place, pem: str, at: datetime = NOW) -> str:
    return asyncio.run(firmware.check_signer(CheckSigner(pem, at.timestamp()), place, print))


def test_a_certificate_of_the_manufacturer(place: Place) -> None:
    assert checked(place, certificate(EC_KEY)) == ""
    assert checked(place, certificate(EC_KEY, usage(signs=True))) == ""
    code = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH])
    assert checked(place, certificate(EC_KEY, code)) == ""


def test_certificates_that_are_not_for_firmware(place: Place) -> None:
    assert "key usage" in checked(place, certificate(EC_KEY, usage(signs=False)))
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    assert "not for code" in checked(place, certificate(EC_KEY, server))


def test_certificates_that_are_not_good(place: Place) -> None:
    good = certificate(EC_KEY)
    assert "expired" in checked(place, good, NOW + 2 * DAY)
    assert "not valid before" in checked(place, good, NOW - 2 * DAY)
    assert "nobody this station trusts" in checked(place, certificate(EC_KEY, by=RSA_KEY))
    assert checked(place, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----")
    assert checked(place, "")


@pytest.mark.parametrize("use", ["CSMSRootCertificate", "V2GRootCertificate", "MORootCertificate"])
def test_a_root_of_another_use_signs_no_firmware(tmp_path: Path, use: str) -> None:
    store = KeyStore(tmp_path)
    store.put(store.certificate(use, "root"), ROOT.encode())
    assert "nobody this station trusts" in checked(Place(tmp_path), certificate(EC_KEY))


def test_without_a_root_nobody_is_trusted(tmp_path: Path) -> None:
    assert "nobody this station trusts" in checked(Place(tmp_path), certificate(EC_KEY))


# -- what was signed ---------------------------------------------------------------------------------------------------


def pss(salt: Any) -> padding.PSS:
    return padding.PSS(padding.MGF1(SHA256()), salt)


SCHEMES: dict[str, tuple[Any, Callable[[bytes], bytes]]] = {
    "RSA-PSS": (RSA_KEY, lambda data: RSA_KEY.sign(data, pss(32), SHA256())),
    "RSA-PSS, longest salt": (RSA_KEY, lambda data: RSA_KEY.sign(data, pss(padding.PSS.MAX_LENGTH), SHA256())),
    "RSA PKCS #1 v1.5": (RSA_KEY, lambda data: RSA_KEY.sign(data, padding.PKCS1v15(), SHA256())),
    "ECDSA": (EC_KEY, lambda data: EC_KEY.sign(data, ec.ECDSA(SHA256()))),
}


def verified(place: Place, pem: str, signature: str) -> Verified:
    return asyncio.run(firmware.verify(VerifyImage("image.bin", pem, signature), place, print))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_signatures(place: Place, scheme: str) -> None:
    key, sign = SCHEMES[scheme]
    pem = certificate(key)
    file = image(place)
    signature = base64.encodebytes(sign(IMAGE)).decode()  # in lines
    found = verified(place, pem, signature)
    assert found.result == "verified"
    assert len(found.info) == 64
    assert file.exists()
    image(place, IMAGE + b"!")
    assert verified(place, pem, signature).result == "forged"
    assert not file.exists(), "what is forged is not kept"


@pytest.mark.parametrize("signature", ["", "no base64!", "AAAA", base64.b64encode(b"x" * 256).decode()])
@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY])
def test_signatures_that_are_none(place: Place, key: Any, signature: str) -> None:
    image(place)
    assert verified(place, certificate(key), signature).result == "forged"


def test_a_signature_of_somebody_else(place: Place) -> None:
    image(place)
    signature = base64.b64encode(EC_KEY.sign(IMAGE, ec.ECDSA(SHA256()))).decode()
    other = ec.generate_private_key(ec.SECP256R1())
    assert verified(place, certificate(other), signature).result == "forged"
    image(place)
    edwards = ed25519.Ed25519PrivateKey.generate()
    assert "neither RSA nor EC" in verified(place, certificate(edwards), signature).info


def test_an_image_that_is_gone_is_no_forgery(place: Place) -> None:
    assert verified(place, certificate(EC_KEY), "AAAA").result == "failed"


# -- where it comes from -----------------------------------------------------------------------------------------------


def fetched(place: Place, url: str, limit: int = 10_000_000) -> Unfetched | None:
    return asyncio.run(firmware.fetch(FetchImage(url, "image.bin", limit), place, lambda news: None))


def test_an_image_is_fetched_and_nothing_else_stays(place: Place, tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / "fw.bin").write_bytes(IMAGE)
    folder = place.state_dir / "firmware"
    (folder / "image.old").write_bytes(b"of an earlier update")
    with web_server(served) as server:
        assert fetched(place, server.url("fw.bin")) is None
        assert [file.name for file in folder.iterdir()] == ["image.bin"]
        assert (folder / "image.bin").read_bytes() == IMAGE
        missing = fetched(place, server.url("nothing.bin"))
        assert missing is not None
        assert missing.hopeless
        large = fetched(place, server.url("fw.bin"), 1000)
        assert large is not None
        assert "at most 1000" in large.reason
        assert not list(folder.iterdir())
    gone = fetched(place, server.url("fw.bin"))
    assert gone is not None
    assert not gone.hopeless, "the server may come back"


def test_the_folder_is_the_daemons_alone(tmp_path: Path) -> None:
    fetched(Place(tmp_path), "http://127.0.0.1:1/x")
    assert stat.S_IMODE((tmp_path / "firmware").stat().st_mode) == 0o700


def test_the_disk_is_never_filled(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firmware, "SPARE_BYTES", 10**18)
    assert fetched(place, "http://127.0.0.1:1/x") == Unfetched("the disk is full", hopeless=False)


# -- the installer -----------------------------------------------------------------------------------------------------


def installed(place: Place, script: str, *, content: bytes | None = IMAGE, timeout_s: float = 10.0) -> tuple[Any, list]:
    told: list[Any] = []
    if content is not None:
        image(place, content)
    job = InstallImage(("sh", "-c", script, "installer"), "image.bin", DIGEST, timeout_s)
    return asyncio.run(firmware.install(job, place, told.append)), told


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("exit 0", Installation("installed")),
        ("exit 10", Installation("restart needed")),
        ("exit 11", Installation("restart needed", hard=True)),
        ("echo failed no room left; exit 3", Installation("failed", "no room left")),
        ("echo unfit another board >&2; exit 1", Installation("unfit", "another board")),
        ("exit 7", Installation("failed", "the installer ended with 7")),
        ("kill -9 $$", Installation("failed", "the installer ended with -9")),
        ('test "$1" = "$FIRMWARE_IMAGE" && test "$FIRMWARE_STATE" = Installing && cmp "$1" "$1"',
         Installation("installed")),
    ],
)  # fmt: skip
def test_what_an_installer_says(place: Place, script: str, outcome: Installation) -> None:
    assert installed(place, script)[0] == outcome
    assert not list((place.state_dir / "firmware").iterdir()), "the image is of no use any more"


def test_its_lines_are_heard(place: Place) -> None:
    script = r"echo progress 40; echo; printf 'caf\351\n'; head -c 9000 /dev/zero | tr '\0' x; echo; echo rebooting"
    outcome, told = installed(place, script)
    assert outcome == Installation("installed")
    assert told[0] == "progress 40"
    assert told[-1] == "rebooting"


def test_an_installer_that_hangs_is_ended_with_all_it_started(place: Place) -> None:
    outcome, _ = installed(place, "sleep 60 & echo $! > $FIRMWARE_IMAGE.pid; wait", timeout_s=0.3)
    assert outcome.result == "failed"
    pid = (place.state_dir / "firmware" / "image.bin.pid").read_text().strip()
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_an_installer_that_is_not_there(place: Place) -> None:
    image(place)
    job = InstallImage(("/nowhere/install",), "image.bin", DIGEST, 1.0)
    outcome = asyncio.run(firmware.install(job, place, print))
    assert outcome.result == "failed"
    assert "/nowhere/install" in outcome.info
    none = asyncio.run(firmware.install(job._replace(command=()), place, print))
    assert none.result == "failed"


@pytest.mark.parametrize("content", [None, b"another image"])
def test_only_the_image_that_was_verified_is_installed(place: Place, tmp_path: Path, content: bytes | None) -> None:
    outcome, _ = installed(place, f"touch {tmp_path}/ran", content=content)
    assert outcome.result == "unfit"
    assert not (tmp_path / "ran").exists()


def test_the_installer_is_asked(place: Place) -> None:
    job = AskInstaller(("sh", "-c", 'test "$FIRMWARE_STATE" = Activating'), "image.bin", "Activating", 10.0)
    assert asyncio.run(firmware.ask(job, place, print)) == Installation("installed")
