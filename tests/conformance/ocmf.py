"""Signed meter values as a transparency software reads them: OCMF, ECDSA over secp256r1 with SHA-256."""

import json
from base64 import b64decode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

_KEY = "oca:base16:asn1:"


def public_key(text: str) -> EllipticCurvePublicKey:
    """From signedMeterValue.publicKey without its base64, or from FiscalMetering.PublicKey."""
    assert text.startswith(_KEY), text
    key = load_der_public_key(bytes.fromhex(text.removeprefix(_KEY)))
    assert isinstance(key, EllipticCurvePublicKey)
    return key


def verified(signed: dict[str, Any], key: str) -> dict[str, Any]:
    """The payload of a SignedMeterValueType; InvalidSignature when the signature does not hold."""
    assert (signed["encodingMethod"], signed["signingMethod"]) == ("OCMF", "ECDSA-secp256r1-SHA256")
    name, payload, seal = b64decode(signed["signedMeterData"], validate=True).decode().split("|")
    assert name == "OCMF"
    public_key(key).verify(bytes.fromhex(json.loads(seal)["SD"]), payload.encode(), ECDSA(SHA256()))
    return dict(json.loads(payload))


def energy_wh(payload: dict[str, Any]) -> float:
    """The import register of a verified payload."""
    return next(float(row["RV"]) for row in payload["RD"] if row["RI"].endswith("1.8.0"))
