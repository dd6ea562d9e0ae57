"""What a device tells. A reading carries the moment it was taken: `taken_at`, in seconds of the monotonic clock.

Readings are named tuples, as cheap to make as they are to import (a frozen dataclass costs five times as much at
start, which counts on a board). `None` means *not known* and is never replaced by zero.
"""

from typing import Literal, NamedTuple

Phases = tuple[float | None, float | None, float | None]
NO_PHASES: Phases = (None, None, None)

PilotState = Literal["A", "B", "C", "D", "E", "F"]
"""IEC 61851-1 Annex A: A no vehicle, B connected, C wants energy, D wants energy with ventilation, E and F faults."""


class MeterReading(NamedTuple):
    """One consistent look at an energy meter."""

    taken_at: float
    """s, monotonic clock"""
    energy_import_wh: float | None = None
    """Wh, towards the vehicle; a register that only grows"""
    energy_export_wh: float | None = None
    """Wh, from the vehicle"""
    power_w: float | None = None
    """W, positive towards the vehicle"""
    current_a: Phases = NO_PHASES
    """A; L1, L2, L3. A DC meter fills the first only"""
    voltage_v: Phases = NO_PHASES
    """V; L1-N, L2-N, L3-N. A DC meter fills the first only"""
    power_phases_w: Phases = NO_PHASES
    frequency_hz: float | None = None
    power_factor: float | None = None
    temperature_c: float | None = None


class SignedReading(NamedTuple):
    """A reading that the meter has signed itself."""

    taken_at: float
    reading: MeterReading
    """the values of the signed record"""
    data: bytes
    """the signed record as the meter gave it: not a byte of it may change"""
    encoding: str
    """of `data`, as OCPP has it: "OCMF", "EDL" …"""
    method: str
    """of the signature: "ECDSA-secp256r1-SHA256" …"""
    public_key: bytes
    """that verifies it: DER, SubjectPublicKeyInfo"""


class PilotReading(NamedTuple):
    """What the control pilot and the proximity pilot say."""

    taken_at: float
    state: PilotState
    cable_limit_a: float | None = None
    """A per phase, the cable's own limit (proximity resistor); None when not known or the cable is fixed"""
    power_on: bool | None = None
    """A board that switches its own contactor tells here whether it is closed"""
    fault: str = ""
    """What a board found wrong itself, in its words: "ground fault", "stuck relay" …; empty when nothing"""
    plug: bool | None = None
    """whether the station's socket holds a plug (proximity contact), be a vehicle at its other end or not; None when
    the cable is fixed or the board cannot tell"""


class TokenReading(NamedTuple):
    """A card, once per presence."""

    taken_at: float
    value: str
    """Upper-case hex of the UID in transmission order, or the typed digits"""
    kind: Literal["ISO14443", "ISO15693", "KeyCode", "Local"] = "ISO14443"


class KeyReading(NamedTuple):
    """A key of a keypad, or a button: once for each time it is pressed."""

    taken_at: float
    key: str
    """"0" to "9", "*" (cancel), "#" (enter); a button has one key, whatever its name"""


class DcReading(NamedTuple):
    """The output of a DC power supply."""

    taken_at: float
    voltage_v: float
    current_a: float
    on: bool
    fault: str = ""
    temperature_c: float | None = None
    available_a: float | None = None
    """A, what the supply can give now"""


class DcCapability(NamedTuple):
    """What a DC power supply can do at most."""

    max_voltage_v: float
    min_voltage_v: float
    max_current_a: float
    max_power_w: float


class VehicleReading(NamedTuple):
    """What the vehicle says over its own link (ISO 15118, DIN 70121, or the simulated one)."""

    taken_at: float
    connected: bool
    wants_energy: bool = False
    target_voltage_v: float | None = None
    target_current_a: float | None = None
    soc_percent: float | None = None
    mac: str = ""
    """EVCCID or MAC address, upper-case hex without separators; empty when not known"""


class ContractReading(NamedTuple):
    """The contract certificate that a vehicle shows (ISO 15118-2 PaymentDetailsReq): once each time it does."""

    taken_at: float
    emaid: str
    """the identifier of the contract, as the vehicle writes it"""
    chain: str
    """PEM, the contract's certificate first, then the authorities between it and a root"""


class EvCertificateReading(NamedTuple):
    """A vehicle asks for a contract certificate of its own (CertificateInstallationReq, CertificateUpdateReq)."""

    taken_at: float
    action: Literal["Install", "Update"]
    schema: str
    """the namespace of the vehicle's message, "urn:iso:15118:2:2013:MsgDef" …"""
    exi: str
    """base64 of the message as it came"""


class LockReading(NamedTuple):
    taken_at: float
    locked: bool


class AlarmReading(NamedTuple):
    """An input that is either quiet or tripped: emergency stop, residual current, tamper."""

    taken_at: float
    tripped: bool
    detail: str = ""


class ContactReading(NamedTuple):
    """A contact of somebody else's device."""

    taken_at: float
    closed: bool


class OccupancyReading(NamedTuple):
    """A parking bay."""

    taken_at: float
    occupied: bool


class TemperatureReading(NamedTuple):
    taken_at: float
    celsius: float


class IsolationReading(NamedTuple):
    taken_at: float
    resistance_ohm: float
    valid: bool


Reading = (
    MeterReading
    | PilotReading
    | TokenReading
    | KeyReading
    | DcReading
    | VehicleReading
    | ContractReading
    | EvCertificateReading
    | LockReading
    | AlarmReading
    | OccupancyReading
    | ContactReading
    | SignedReading
    | TemperatureReading
    | IsolationReading
)
