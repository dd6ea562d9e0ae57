"""The nouns of the station. OCPP 2.x words, whatever the version."""

from typing import Literal

from chargepointd.core.tuples import NamedTuple


class Now(NamedTuple):
    """The moment of a step."""

    mono: float
    """s, monotonic clock: for intervals and deadlines"""
    wall: float
    """s since 1970 as the system's clock says it, right or wrong: `core.clock` decides what to believe"""


class Token(NamedTuple):
    """An identifier that may charge (IdTokenType)."""

    value: str
    kind: str = "ISO14443"
    """2.x IdTokenEnumType: ISO14443, ISO15693, KeyCode, Central, eMAID, Local, MacAddress, NoAuthorization"""

    @property
    def key(self) -> str:
        """Tokens are compared without regard to case (CiString). What is typed, made here or told by a car is never
        the card that has the same value; among cards 1.6 knows no types, so they do not count."""
        value = self.value.upper()
        return f"{self.kind}:{value}" if self.kind in ("KeyCode", "Local", "MacAddress", "NoAuthorization") else value

    @property
    def masked(self) -> str:
        """For logs and screens: never a token in full, of a code nothing (C04.FR.04)."""
        return "…" + self.value[-4:] if len(self.value) > 4 and self.kind != "KeyCode" else "…"


class TokenInfo(NamedTuple):
    """What the CSMS says of a token (IdTokenInfoType)."""

    status: str
    """2.x AuthorizationStatusEnumType: Accepted, Blocked, ConcurrentTx, Expired, Invalid, NoCredit, Unknown …"""
    expires_at: float | None = None
    """UTC, s since 1970"""
    group: str | None = None
    language: str | None = None
    message: str | None = None
    evse_ids: tuple[int, ...] = ()
    """where it may charge; empty: anywhere (C01.FR.21)"""
    charging_priority: int = 0
    """-9 to 9: who has more keeps power the longest (K03.FR.04)"""

    def as_of(self, utc: float) -> "TokenInfo":
        """Expired past its date (C10.FR.13, C13.FR.05): such a card is not an unknown one."""
        over = self.expires_at is not None and utc >= self.expires_at
        return self._replace(status="Expired") if over and self.status == "Accepted" else self

    def is_of(self, group: str | None) -> bool:
        """Compared without regard to case, as tokens are. A group without a name is none: whoever has it is in no
        group, and not in one with all others who have it."""
        return bool(group and self.group) and str(self.group).upper() == str(group).upper()


class Sample(NamedTuple):
    """One measured value (SampledValueType), in the base unit of its measurand: Wh, W, A, V, Hz, Celsius, Percent."""

    measurand: str
    value: float
    unit: str
    phase: str | None = None
    location: str = "Outlet"


class Signed(NamedTuple):
    """What the meter itself vouches for (SignedMeterValueType)."""

    data: str
    """base64 of the record as the meter gave it"""
    encoding: str
    """ "OCMF" … """
    method: str
    """ "ECDSA-secp256r1-SHA256" … """
    public_key: str = ""
    """hex of its DER; empty where it is not to be told again (OCPPCommCtrlr.PublicKeyWithSignedMeterValue)"""


class MeterValue(NamedTuple):
    """What was measured at one moment (MeterValueType)."""

    at: float
    """UTC, s since 1970"""
    context: str
    """ReadingContextEnumType: Transaction.Begin, Transaction.End, Sample.Periodic, Sample.Clock, Trigger …"""
    samples: tuple[Sample, ...]
    signed: Signed | None = None
    """the meter's own record of these values"""


class Measured(NamedTuple):
    """A meter's reading as the station keeps it. None is "not known", never zero."""

    taken_at: float
    """s, monotonic clock"""
    energy_import_wh: float | None = None
    energy_export_wh: float | None = None
    power_w: float | None = None
    current_a: tuple[float | None, float | None, float | None] = (None, None, None)
    voltage_v: tuple[float | None, float | None, float | None] = (None, None, None)
    power_phases_w: tuple[float | None, float | None, float | None] = (None, None, None)
    frequency_hz: float | None = None
    power_factor: float | None = None
    temperature_c: float | None = None
    soc_percent: float | None = None
    signed: Signed | None = None


FaultCode = Literal[
    "ConnectorLockFailure",
    "EVCommunicationError",
    "EmergencyStop",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "IsolationFailure",
    "LocalListConflict",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSupplyFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "UnderVoltage",
    "OtherError",
]


class Fault(NamedTuple):
    """Something is broken, or no longer certain."""

    code: FaultCode
    source: str
    """what says so: "meter1.meter", "sim.pilot1"; a fault is raised and cleared by (code, source)"""
    info: str = ""
    stops_charging: bool = True
    """False for what only degrades: a dead card reader, a dark display"""


class Stamp(NamedTuple):
    """When something happened."""

    at: float
    """UTC, s since 1970, as believed then"""
    sure: bool = True
    """False when the clock was not known to be right"""
    mono: float = 0.0
    boot: str = ""
    """of the machine; with `mono` it lets this be put right later. None where somebody had vouched for the clock"""
    how: str = ""
    """how it is known, where not simply so: "system" (by its clock, for which nobody has vouched), "put right" (noted
    before it was known), "estimated" (noted before it was known, and before a power cut), "held" (the clock was put
    back since the record before it, which is no later), "unknown" (and told so)"""


Condition = Literal[
    "ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer", "DataSigned"
]
Conditions = frozenset[Condition]
