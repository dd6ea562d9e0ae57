"""Meter values in the words of 1.6 (MeterValue, SampledValue): texts instead of numbers."""

from base64 import b64decode
from collections.abc import Iterable
from math import isfinite
from typing import Any

from chargepointd.core.values import MeterValue, Sample, Signed
from chargepointd.dialects.codec import format_time

MEASURANDS = frozenset((
    "Energy.Active.Export.Register", "Energy.Active.Import.Register", "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register", "Energy.Active.Export.Interval", "Energy.Active.Import.Interval",
    "Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval", "Power.Active.Export",
    "Power.Active.Import", "Power.Offered", "Power.Reactive.Export", "Power.Reactive.Import", "Power.Factor",
    "Current.Import", "Current.Export", "Current.Offered", "Voltage", "Frequency", "Temperature", "SoC", "RPM",
))  # fmt: skip
UNITS = frozenset((
    "Wh", "kWh", "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar", "A", "V", "K", "Celsius", "Fahrenheit",
    "Percent",
))  # fmt: skip
"""Hertz is not among them (UnitOfMeasure): a frequency goes without"""


def meter_values(values: Iterable[MeterValue]) -> list[dict[str, Any]]:
    """A list may be empty: what 1.6 has no measurand for is left out."""
    rows = []
    for value in values:
        samples = [
            _sample(sample, value.context)
            for sample in value.samples
            if sample.measurand in MEASURANDS and isfinite(sample.value)
        ]
        if samples and value.signed:
            samples.append(_signed(value.signed, value.context))
        if samples:
            rows.append({"timestamp": format_time(value.at), "sampledValue": samples})
    return rows


def _signed(signed: Signed, context: str) -> dict[str, Any]:
    """The meter's record beside the values it vouches for: as it is where it is a text (OCMF), else its base64."""
    record = b64decode(signed.data)
    text = record.decode() if record.isascii() and record.decode("ascii").isprintable() else signed.data
    return {"value": text, "context": context, "format": "SignedData", "location": "Outlet"}


def _sample(sample: Sample, context: str) -> dict[str, Any]:
    said = {
        "value": number(sample.value),
        "context": context,
        "measurand": sample.measurand,
        "location": sample.location,
    }
    if sample.phase:
        said["phase"] = sample.phase
    if sample.unit in UNITS:
        said["unit"] = sample.unit
    return said


def number(value: float) -> str:
    """Full resolution, without the noise of binary fractions: 16.1, not 16.100000000000001."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
