"""How the station is built: what does not change while it runs."""

from typing import Literal

from chargepointd.core.tuples import NamedTuple


class ConnectorPlan(NamedTuple):
    id: int
    type: str = "sType2"
    """ConnectorEnumType"""
    fixed_cable: bool = False
    lock: bool = False
    """the station can hold the plug"""
    shut: bool = False
    """the lock keeps plugs out of the empty socket too, until somebody is authorized"""


class EvsePlan(NamedTuple):
    id: int
    connectors: tuple[ConnectorPlan, ...]
    supply: str = "AC"
    phases: int = 3
    """1 or 3; 0 for DC"""
    voltage_v: float = 230.0
    max_current_a: float = 32.0
    """A per phase (AC) or at the output (DC)"""
    max_power_w: float = 22_080.0
    meter: bool = True
    measures: frozenset[str] | None = None
    """the fields of `Measured` that the meter tells; None: not known before it is asked, so any"""
    signs: bool = False
    """the meter can sign its readings"""
    bay_sensor: bool = False
    """a sensor tells whether a vehicle stands in the parking bay"""
    allow_reset: bool = True
    """it can be reset alone"""
    switches_phases: bool = False
    """three phases, of which it can use one"""
    register_wraps_at_wh: float | None = None
    """where the meter's register begins again at 0; None: nobody knows"""

    @property
    def counts(self) -> bool:
        """Its meter has a register of energy, as far as anybody knows."""
        return self.meter and (self.measures is None or "energy_import_wh" in self.measures)

    def connector(self, connector_id: int) -> ConnectorPlan | None:
        for connector in self.connectors:
            if connector.id == connector_id:
                return connector
        return None


class FirmwarePlan(NamedTuple):
    """How firmware gets into this station."""

    install_command: tuple[str, ...] = ()
    """empty: it cannot be updated from afar"""
    status_command: tuple[str, ...] = ()
    """tells what became of an installation that was cut off; empty: nobody knows"""
    allow_unsigned: bool = False
    during_transactions: bool = False
    download_during_transactions: bool = True
    limit_bytes: int = 2_000_000_000
    timeout_s: float = 3600.0
    """for the installer"""
    can_cancel: bool = True
    """a new request takes the place of one that is under way; False: it is refused (L01.FR.27)"""


class CsmsPlan(NamedTuple):
    """The connection to the CSMS as the configuration has it: configuration slot 1."""

    url: str = ""
    security_profile: int = 0
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    secure_url: str = ""
    """with TLS, for security profiles 2 and 3; empty: as `url`, but wss"""


class LimitPlan(NamedTuple):
    """A contact that limits the station, or an EVSE."""

    evse_id: int
    """0: the station"""
    unit: Literal["A", "W"]
    limit: float
    source: Literal["EMS", "Other", "SO"] = "SO"
    closed: bool = True
    """it limits while it is closed"""


class SitePlan(NamedTuple):
    """The connection of the building to the grid, with a meter."""

    max_current_a: float
    """A per phase, that it bears"""
    safe_current_a: float = 0.0
    """for the station, while the meter is silent"""


class StationPlan(NamedTuple):
    id: str
    vendor: str
    model: str
    serial_number: str
    firmware_version: str
    evses: tuple[EvsePlan, ...]
    main_meter: bool = False
    """the connection of the whole station to the grid has a meter"""
    firmware: FirmwarePlan = FirmwarePlan()
    csms: CsmsPlan = CsmsPlan()
    token_kinds: tuple[str, ...] = ("ISO14443", "Central", "NoAuthorization")
    """IdTokenEnumType: what its readers, keypads and vehicle links yield, and what needs none of them"""
    menu: bool = False
    """keypad and display let a person choose"""
    ntp_command: tuple[str, ...] = ()
    """makes what follows it the system's time servers; empty: they cannot be set"""
    max_current_a: float = float("inf")
    """A per phase, for all EVSEs together: its connection to the grid (K04.FR.02)"""
    max_power_w: float = float("inf")
    displays: tuple[tuple[int, ...], ...] = ()
    """the EVSEs that each display serves"""
    limits: tuple[LimitPlan, ...] = ()
    site: SitePlan | None = None
    lamps: tuple[tuple[int, ...], ...] = ()
    """the EVSEs that each lamp is of"""
    outbox_bytes: int = 32_000_000
    """that the transaction records which wait for the CSMS may take"""
