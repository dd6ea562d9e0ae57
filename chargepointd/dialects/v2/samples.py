"""Meter values in the words of 2.x (MeterValueType, SampledValueType)."""

from collections.abc import Iterable
from math import isfinite
from typing import Any

from chargepointd.core.values import MeterValue, Sample
from chargepointd.dialects.codec import format_time


def meter_values(values: Iterable[MeterValue], measurands: frozenset[str]) -> list[dict[str, Any]]:
    """A list may be empty: what the version has no measurand for (Temperature in 2.0.1) is left out."""
    rows = []
    for value in values:
        samples = [
            _sample(sample, value.context)
            for sample in value.samples
            if sample.measurand in measurands and isfinite(sample.value)
        ]
        if samples:
            rows.append({"timestamp": format_time(value.at), "sampledValue": samples})
    return rows


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
