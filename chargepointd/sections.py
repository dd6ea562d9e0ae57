"""What stands in a configuration, section by section: docs/configuration.md says what each key means."""

from pathlib import Path
from typing import Any, Literal

from chargepointd.core.tuples import NamedTuple
from hal.driver import Driver

Version = Literal["1.6", "2.0.1"]


class StationConfig(NamedTuple):
    id: str
    vendor: str
    model: str
    serial_number: str = ""
    firmware_version: str = ""
    """empty: that of chargepointd"""
    firmware_version_file: Path | None = None
    """its first line is the version of what runs, as the build of the image writes it: read at each start, before
    `firmware_version`"""
    main_meter: str = ""
    """of the whole station, at its connection to the grid"""
    on_battery: str = ""
    """a contact of its back-up supply, closed while the grid is away: transactions are ended while there is time"""
    ntp_command: tuple[str, ...] = ()
    """run with the names of the time servers that the CSMS wants, none for those of DHCP; empty: it cannot set them"""
    reboot_command: tuple[str, ...] = ()
    """what a hard reset runs, for example ["systemctl", "reboot"]; empty: the daemon restarts itself"""
    max_current_a: float = 0.0
    """A per phase, for all EVSEs together: what its connection to the grid bears; 0: as much as they can draw"""
    max_power_w: float = 0.0
    """W, for all EVSEs together; 0: as much as they can draw"""


class CsmsConfig(NamedTuple):
    url: str
    versions: tuple[Version, ...] = ("2.0.1", "1.6")
    security_profile: Literal[0, 1, 2, 3] = 0
    password: str = ""
    secure_url: str = ""
    """where a CSMS that raises SecurityProfile (1.6) is reached with TLS; empty: as url, but wss://"""
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    proxy: str = ""
    """of HTTP, on the way to the CSMS; "none"; empty: what the environment says"""


class ConnectorConfig(NamedTuple):
    id: int
    type: str = "sType2"
    cable: Literal["detachable", "fixed"] = "detachable"
    pilot: str = ""
    lock: str = ""


class EvseConfig(NamedTuple):
    id: int
    contactor: str
    pilot: str = ""
    meter: str = ""
    meter_signs: bool = False
    """the meter can sign its readings, and is asked to where the CSMS wants them signed"""
    lock: str = ""
    shut_until_authorized: bool = False
    """the lock keeps plugs out of the empty socket"""
    bay_sensor: str = ""
    """tells whether a vehicle stands in the parking bay"""
    phase_switch: str = ""
    """AC with three phases: lets a car charge on one of them"""
    supply_device: str = ""
    """DC: the power supply"""
    vehicle: str = ""
    """DC: the link to the vehicle"""
    plug_and_charge: str = ""
    """the ISO 15118 stack, where it does Plug & Charge"""
    supply: Literal["AC", "DC"] = "AC"
    phases: Literal[0, 1, 3] = 3
    voltage_v: float = 230.0
    max_current_a: float = 32.0
    allow_reset: bool = True
    """false where its boards cannot begin anew while those of the others go on"""
    max_power_w: float = 0.0
    """0: voltage × current × phases"""
    connector: tuple[ConnectorConfig, ...] = (ConnectorConfig(1),)


class DeviceConfig(NamedTuple):
    """A reader, a display, a keypad (digits, * and #), a button (starts and stops without authorization) or a lamp."""

    device: str
    evses: tuple[int, ...] = ()
    """those it serves; empty: all"""


class LimitConfig(NamedTuple):
    """A contact, such as a grid operator's relay, that limits the station or an EVSE."""

    device: str
    evse: int = 0
    """0: the whole station"""
    max_current_a: float | None = None
    """A per phase; this, or …"""
    max_power_w: float | None = None
    source: Literal["SO", "EMS", "Other"] = "SO"
    """as the CSMS is told: grid operator, energy management, other"""
    when: Literal["closed", "open"] = "closed"
    """it limits while it is so, and while it cannot be read"""


class SiteConfig(NamedTuple):
    """The connection of the building to the grid."""

    meter: str = ""
    max_current_a: float = 0.0
    """A per phase, that it bears"""
    safe_current_a: float = 0.0
    """A per phase for the station, while the meter is silent"""


class ControlConfig(NamedTuple):
    socket: Path = Path("/run/chargepointd/control.sock")
    """relative: in the state directory"""
    group: str = ""


class FirmwareConfig(NamedTuple):
    """How firmware gets into this station; chargepointd(8) says what the commands are given and asked for."""

    install_command: tuple[str, ...] = ()
    """empty: updates are refused"""
    status_command: tuple[str, ...] = ()
    """what became of an installation that was cut off"""
    allow_unsigned: bool = False
    """firmware without a signature is installed: whoever can speak for the CSMS then decides what runs here"""
    during_transactions: bool = False
    """the installer disturbs no transaction"""
    download_during_transactions: bool = True
    max_size_mb: int = 2000
    timeout_s: float = 3600.0
    """for the installer"""
    can_cancel: bool = True
    """a new request takes the place of one that is under way; false: it is refused"""


class OutboxConfig(NamedTuple):
    max_bytes: int = 32_000_000
    """of transaction records that wait for the CSMS: some three weeks of two EVSEs that charge all day and tell a
    sample each minute, and little beside the flash disk of the smallest board"""


class LogConfig(NamedTuple):
    level: Literal["debug", "info", "warning", "error"] = "info"


class DriverConfig(NamedTuple):
    """A [drivers.NAME] section, with the driver it names."""

    name: str
    driver: Driver
    config: Any


class Config(NamedTuple):
    station: StationConfig
    csms: CsmsConfig
    drivers: tuple[DriverConfig, ...]
    evse: tuple[EvseConfig, ...]
    reader: tuple[DeviceConfig, ...] = ()
    display: tuple[DeviceConfig, ...] = ()
    keypad: tuple[DeviceConfig, ...] = ()
    button: tuple[DeviceConfig, ...] = ()
    indicator: tuple[DeviceConfig, ...] = ()
    emergency_stop: tuple[str, ...] = ()
    limit: tuple[LimitConfig, ...] = ()
    site: SiteConfig = SiteConfig()
    variables: dict[str, str] = {}
    ocpp16: dict[str, str] = {}
    firmware: FirmwareConfig = FirmwareConfig()
    control: ControlConfig = ControlConfig()
    outbox: OutboxConfig = OutboxConfig()
    log: LogConfig = LogConfig()


class TopLevel(NamedTuple):
    """The top level as it stands in the file."""

    station: StationConfig
    csms: CsmsConfig
    drivers: dict[str, Any]
    evse: tuple[EvseConfig, ...]
    reader: tuple[DeviceConfig, ...] = ()
    display: tuple[DeviceConfig, ...] = ()
    keypad: tuple[DeviceConfig, ...] = ()
    button: tuple[DeviceConfig, ...] = ()
    indicator: tuple[DeviceConfig, ...] = ()
    emergency_stop: tuple[str, ...] = ()
    limit: tuple[LimitConfig, ...] = ()
    site: SiteConfig = SiteConfig()
    variables: dict[str, str | int | float | bool | tuple[str, ...]] = {}
    ocpp16: dict[str, str | int | float | bool | tuple[str, ...]] = {}
    firmware: FirmwareConfig = FirmwareConfig()
    control: ControlConfig = ControlConfig()
    outbox: OutboxConfig = OutboxConfig()
    log: LogConfig = LogConfig()
