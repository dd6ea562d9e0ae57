"""The signature of the simulated meters: OCMF 1.0 (S.A.F.E. e.V.), ECDSA over secp256r1 with SHA-256.

A record is `OCMF|payload|signature`; what is signed are the bytes of the payload as they stand there.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from hal.errors import NotConnected
from hal.readings import MeterReading

METHOD = "ECDSA-secp256r1-SHA256"
_CURRENT = ("31.7.0", "51.7.0", "71.7.0")
_VOLTAGE = ("32.7.0", "52.7.0", "72.7.0")
"""OBIS (IEC 62056-6-1): L1, L2, L3"""


class Signature:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: Any = None
        self._count = 0

    def record(self, serial: str, reading: MeterReading) -> bytes:
        """The signed record. NotConnected when the key cannot be kept."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        self._count += 1
        payload = json.dumps(_payload(serial, self._count, reading), separators=(",", ":"))
        signature = self._own().sign(payload.encode(), ECDSA(SHA256()))
        seal = json.dumps({"SA": METHOD, "SD": signature.hex()}, separators=(",", ":"))
        return f"OCMF|{payload}|{seal}".encode()

    def public_key(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key: bytes = self._own().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return key

    def _own(self) -> Any:
        if self._key is None:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            try:
                self._key = load_pem_private_key(self._kept(), None)
            except (OSError, ValueError) as error:
                raise NotConnected(f"{self._path}: {error}") from error
        return self._key

    def _kept(self) -> bytes:
        """The key as it is on the disk, made anew where there is none."""
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        if not self._path.exists():
            key = generate_private_key(SECP256R1())
            text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(file, text)
            finally:
                os.close(file)
        return self._path.read_bytes()


def _payload(serial: str, count: int, reading: MeterReading) -> dict[str, Any]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S,000+0000 U", time.gmtime(time.time()))  # U: its clock was never set
    return {
        "FV": "1.0",
        "GI": "chargepointd simulator",
        "GS": serial,
        "PG": f"F{count}",
        "MV": "chargepointd",
        "MM": "simulated meter",
        "MS": serial,
        "RD": [
            {"TM": moment, "RV": value, "RI": f"1-0:{register}", "RU": unit, "ST": "G"}
            for register, value, unit in _values(reading)
        ],
    }


def _values(reading: MeterReading) -> list[tuple[str, float, str]]:
    rows = [("1.8.0", reading.energy_import_wh, "Wh"), ("1.7.0", reading.power_w, "W")]
    rows += [(register, amps, "A") for register, amps in zip(_CURRENT, reading.current_a, strict=True)]
    rows += [(register, volts, "V") for register, volts in zip(_VOLTAGE, reading.voltage_v, strict=True)]
    return [(register, value, unit) for register, value, unit in rows if value is not None]
