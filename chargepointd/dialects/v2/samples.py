"""Meter values in the words of 2.x (MeterValueType, SampledValueType)."""

from base64 import b64encode
from collections.abc import Iterable
from math import isfinite
from typing import Any

from chargepointd.core.metering import UNSIGNED
from chargepointd.core.values import MeterValue, Sample, Signed
from chargepointd.dialects.codec import format_time

LONGEST_DATA = 2500
"""characters, SignedMeterValueType.signedMeterData: cut, a record would prove nothing, so a longer one stays out"""


def meter_values(values: Iterable[MeterValue], measurands: frozenset[str]) -> list[dict[str, Any]]:
    """A list may be empty: what the version has no measurand for (Temperature in 2.0.1) is left out."""
    rows = []
    for value in values:
        samples = [
            _sample(sample, value.context) | _signed(sample, value.signed)
            for sample in value.samples
            if sample.measurand in measurands and isfinite(sample.value)
        ]
        if samples:
            rows.append({"timestamp": format_time(value.at), "sampledValue": samples})
    return rows


def _signed(sample: Sample, signed: Signed | None) -> dict[str, Any]:
    """The public key as the application note of the OCA has it: base64 of "oca:base16:asn1:" and the hex of its DER."""
    if signed is None or sample.measurand in UNSIGNED or len(signed.data) > LONGEST_DATA:
        return {}
    key = f"oca:base16:asn1:{signed.public_key}" if signed.public_key else ""
    return {
        "signedMeterValue": {
            "signedMeterData": signed.data,
            "signingMethod": signed.method[:50],
            "encodingMethod": signed.encoding[:50],
            "publicKey": b64encode(key.encode()).decode(),
        }
    }


def _sample(sample: Sample, context: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        # At most six decimal places (2.0.1 part 2, "Primitive Datatypes"), and so no noise of binary fractions.
        "value": round(sample.value, 6) + 0.0,
        "context": context,
        "measurand": sample.measurand,
        "location": sample.location,
    }
    if sample.phase:
        said["phase"] = sample.phase
    if sample.unit:
        said["unitOfMeasure"] = {"unit": sample.unit}
    return said
