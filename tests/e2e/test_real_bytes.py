"""The same visit through the real process: real drivers on real bytes below, a CSMS on a real websocket above."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.csms import Csms
from tests.csms.profiles import set_default
from tests.daemon.process import Station
from tests.daemon.visit import until
from tests.e2e.stations import ac_station, dc_station
from tests.hal.models.infy_module import InfyModule, Load, SlcanWire, UdpWire, Wire
from tests.hal.models.modbus_inputs import io_module
from tests.hal.models.modbus_meters import Sdm630
from tests.hal.models.openevse_board import OpenEvseBoard
from tests.hal.models.pn532_chip import Pn532Chip

CARD = "04A2B3C4D5E680"

pytestmark = pytest.mark.process


@pytest.fixture
def board() -> Iterator[OpenEvseBoard]:
    with OpenEvseBoard() as made:
        yield made


@pytest.fixture
def chip() -> Iterator[Pn532Chip]:
    with Pn532Chip() as made:
        yield made


@pytest.fixture
def meter() -> Iterator[Sdm630]:
    with Sdm630() as made:
        made.set(energy_wh=1_000_000.0)
        yield made


def tap(chip: Pn532Chip, uid: str = CARD) -> None:
    """Hold a card to the reader until it has been seen, and take it away until that has been seen too."""
    chip.hold(uid)
    chip.wait_polls(2)
    chip.take_away()
    chip.wait_polls(5)


def available(csms: Csms, station: Station, *drivers: str) -> None:
    """Registered, and the drivers open: a card that lay on the reader before is not taken for a tap."""
    csms.wait("BootNotification")
    csms.wait_status("Available", 1, 1)
    for driver in drivers or ("board", "rfid", "meter"):
        station.wait_log(f"driver {driver}: open")


def begin(csms: Csms, board: OpenEvseBoard, chip: Pn532Chip) -> None:
    """Plug in and present a card; returns when the relay is closed."""
    board.plug()
    tap(chip)
    csms.wait_event("Started")
    board.wait(lambda: board.relay_closed)


def draw(csms: Csms, meter: Sdm630) -> None:
    """11 kW for half a kWh, of which the CSMS is told."""
    meter.set(power_w=11_000.0, current_a=(16.0, 16.0, 16.0), energy_wh=1_000_500.0)
    csms.wait_event("Updated", register_at_least(1_000_500))


def register_at_least(wh: float) -> Callable[[object], bool]:
    """A message that carries an energy register of at least so much."""

    def matches(message: object) -> bool:
        payload = message.payload  # type: ignore[attr-defined]
        values = payload.get("meterValue", [])
        return any(
            sample.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register"
            and float(sample["value"]) >= wh
            for value in values
            for sample in value["sampledValue"]
        )

    return matches


def test_a_visit_at_a_wallbox(dialect: str, csms: Csms, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630) -> None:
    with Station(ac_station(csms.url, dialect, board, chip, meter)) as station:
        available(csms, station)
        assert not board.relay_closed
        board.plug()
        csms.wait_status("Preparing" if dialect == "1.6" else "Occupied", 1, 1)
        tap(chip)
        csms.wait_event("Started")
        board.wait(lambda: board.relay_closed)
        draw(csms, meter)
        meter.set(energy_wh=1_002_000.0, power_w=0.0)
        tap(chip)
        csms.wait_event("Ended")
        board.wait(lambda: not board.relay_closed)
        board.unplug()
        csms.wait_status("Available", 1, 1)
        assert station.ctl("outbox")["queued"] == 0
    transaction = csms.books.only()
    assert transaction.token == CARD
    assert transaction.energy_wh == pytest.approx(2000.0, abs=1.0)


@pytest.mark.parametrize("dialect", ["2.0.1"], indirect=True)
def test_a_meter_that_is_exchanged_or_tells_no_number_is_not_billed_by(
    dialect: str, csms: Csms, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630
) -> None:
    with Station(ac_station(csms.url, dialect, board, chip, meter)) as station:
        available(csms, station)
        begin(csms, board, chip)
        draw(csms, meter)
        meter.set(energy_wh=12_000.0)
        exchanged = csms.books.of(csms.wait_event("Ended", transactionInfo={"stoppedReason": "Other"}))
        board.wait(lambda: not board.relay_closed)
        tap(chip)
        anew = csms.books.of(csms.wait_event("Started"))
        board.wait(lambda: board.relay_closed)
        meter.set(energy_wh=12_700.0)
        until(lambda: anew.samples[-1].energy_wh >= 12_699, "register of the new meter", 30.0)
        meter.set(energy_wh=float("nan"))
        board.wait(lambda: not board.relay_closed)
        tap(chip)
        last = csms.books.of(csms.wait_event("Ended"))
        assert "PowerMeterFailure (register)" in str(station.ctl("status"))
    assert exchanged.energy_wh == pytest.approx(500.0, abs=1.0)
    assert last.energy_wh == pytest.approx(700.0, abs=1.0)


def test_a_board_follows_a_limit(
    dialect: str, csms: Csms, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630
) -> None:
    with Station(ac_station(csms.url, dialect, board, chip, meter)) as station:
        available(csms, station)
        begin(csms, board, chip)
        set_default(csms, dialect, limit=10)
        board.wait(lambda: board.amps == 10)
        assert board.relay_closed
        set_default(csms, dialect, limit=0)
        board.wait(lambda: not board.relay_closed)  # the car has 3 s to stop drawing
        set_default(csms, dialect, limit=16)
        board.wait(lambda: board.relay_closed and board.amps == 16)


def test_a_grid_operators_relay_limits_and_what_cannot_be_read_limits_too(
    dialect: str, csms: Csms, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630
) -> None:
    config = ac_station(csms.url, dialect, board, chip, meter)
    with io_module() as module:
        config["drivers"]["io"] = {
            "driver": "modbus-inputs", "host": module.host, "tcp_port": module.tcp_port, "inputs": {"relay": 2},
            "poll_s": 0.1, "timeout_s": 0.2,
        }  # fmt: skip
        config["limit"] = [{"device": "io.relay", "max_power_w": 4200}]
        with Station(config) as station:
            available(csms, station, "board", "rfid", "meter", "io")
            board.plug()
            tap(chip)
            csms.wait_event("Started")
            board.wait(lambda: board.relay_closed and board.amps == 32)
            module.bits[2] = True
            board.wait(lambda: board.amps == 6)
            module.bits[2] = False
            board.wait(lambda: board.amps == 32)
            module.silent = True
            board.wait(lambda: board.amps == 6)
            module.silent = False
            board.wait(lambda: board.amps == 32)


def test_a_meter_that_dies_stops_the_energy_and_is_told(
    dialect: str, csms: Csms, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630
) -> None:
    with Station(ac_station(csms.url, dialect, board, chip, meter)) as station:
        available(csms, station)
        begin(csms, board, chip)
        meter.faults.silent = True
        csms.wait_status("Faulted", 1, 1)
        board.wait(lambda: not board.relay_closed)
        faults = station.ctl("status")["evses"][0]["faults"]
        assert any("PowerMeterFailure" in fault for fault in faults)
        meter.faults.silent = False
        board.wait(lambda: board.relay_closed)
        tap(chip)
        csms.wait_event("Ended")
    assert csms.books.only().energy_wh == pytest.approx(0.0, abs=0.1)


def test_a_board_that_is_unplugged_comes_back_by_itself(
    dialect: str, csms: Csms, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630
) -> None:
    with Station(ac_station(csms.url, dialect, board, chip, meter)) as station:
        available(csms, station)
        board.detach()
        csms.wait_status("Faulted", 1, 1)
        board.attach()
        csms.wait_status("Available", 1, 1)
        station.wait_log("driver board: back")
        begin(csms, board, chip)


def test_a_reader_missing_at_start_is_told_to_the_technician_and_does_not_stop_the_station(
    dialect: str, csms: Csms, board: OpenEvseBoard, chip: Pn532Chip, meter: Sdm630
) -> None:
    chip.detach()
    with Station(ac_station(csms.url, dialect, board, chip, meter)) as station:
        available(csms, station, "board", "meter")
        drivers = {driver["name"]: driver for driver in station.ctl("drivers")["drivers"]}
        assert drivers["rfid"]["state"] != "up"
        assert drivers["meter"]["state"] == "up"
        chip.attach()
        station.wait_log("driver rfid: back")
        board.plug()
        tap(chip)
        csms.wait_event("Started")


@pytest.fixture(params=[SlcanWire, UdpWire])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    with request.param() as made:
        yield made


class Post(NamedTuple):
    station: Station
    module: InfyModule
    meter: Sdm630


@contextmanager
def charging_post(csms: Csms, dialect: str, wire: Wire) -> Iterator[Post]:
    """A DC post, while it charges a car."""
    with (
        InfyModule(bus=wire, load=Load(emf_v=395.0)) as module,
        Sdm630(tcp=True) as meter,
        Station(dc_station(csms.url, dialect, wire, meter)) as station,
    ):
        meter.set(energy_wh=5_000_000.0)
        csms.wait("BootNotification")
        csms.wait_status("Available", 1, 1)
        station.ctl("sim.plug_in", evse=1)
        station.ctl("sim.swipe", token=CARD)
        csms.wait_event("Started")
        module.wait_for(lambda m: m.delivering and m.current_a > 1)
        yield Post(station, module, meter)


def test_a_visit_at_a_dc_post_fed_over_can(dialect: str, csms: Csms, wire: Wire) -> None:
    with charging_post(csms, dialect, wire) as post:
        post.meter.set(power_w=19_000.0, energy_wh=5_001_000.0)
        csms.wait_event("Updated", register_at_least(5_001_000))
        post.meter.set(energy_wh=5_003_000.0)
        post.station.ctl("sim.swipe", token=CARD)
        csms.wait_event("Ended")
        post.module.wait_for(lambda m: not m.delivering)
        post.station.ctl("sim.plug_out", evse=1)
        csms.wait_status("Available", 1, 1)
    assert csms.books.only().energy_wh == pytest.approx(3000.0, abs=1.0)


def test_a_power_module_follows_a_limit(dialect: str, csms: Csms) -> None:
    with UdpWire() as wire, charging_post(csms, dialect, wire) as post:
        post.module.wait_for(lambda m: m.set_a > 20)
        set_default(csms, dialect, "W", limit=2000)
        post.module.wait_for(lambda m: m.set_a == pytest.approx(5.0))
        set_default(csms, dialect, limit=8)
        post.module.wait_for(lambda m: m.set_a == pytest.approx(8.0))


def test_a_module_that_overheats_ends_the_energy_and_is_told(dialect: str, csms: Csms) -> None:
    with UdpWire() as wire, charging_post(csms, dialect, wire) as post:
        post.module.change(flags={(6, 4)})
        csms.wait_status("Faulted", 1, 1)
        post.module.wait_for(lambda m: not m.delivering)
