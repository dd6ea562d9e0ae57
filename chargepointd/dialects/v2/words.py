"""What differs between 2.0.1 and 2.1: enumerations. A test holds them against the official schemas."""

from chargepointd.core.tuples import NamedTuple


class Words(NamedTuple):
    version: str
    """ "2.0.1" """
    subprotocol: str
    measurands: frozenset[str]
    """MeasurandEnumType; what is not in it cannot be said and is left out"""
    token_kinds: frozenset[str]
    """IdTokenEnumType"""
    triggers: frozenset[str]
    """TriggerReasonEnumType"""
    stop_reasons: frozenset[str]
    """ReasonEnumType"""
    boot_reasons: frozenset[str]
    """BootReasonEnumType"""
