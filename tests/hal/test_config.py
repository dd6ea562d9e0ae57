"""TOML tables to typed configs, and drivers by their names."""

import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import pytest

from hal import registry
from hal.config import parse
from hal.driver import Driver
from hal.drivers.simulator import Config as SimulatorConfig
from hal.errors import BadConfig


class Port(NamedTuple):
    path: Path
    baud: int = 9600


class Everything(NamedTuple):
    text: str
    number: int = 1
    real: float = 1.0
    flag: bool = False
    path: Path = Path("/")
    kind: Literal["a", "b"] = "a"
    phases: Literal[1, 3] = 1
    maybe: int | None = None
    either: int | str = 0
    several: tuple[float, ...] = ()
    table: dict[str, int] = {}
    port: Port | None = None
    ports: tuple[Port, ...] = ()
    anything: Any = None


@dataclass(frozen=True)
class Data:
    low: float
    high: float = 10.0
    tags: tuple[str, ...] = field(default_factory=tuple)
    unit: ClassVar[str] = "A"

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low lies above high")


def parsed(**table: Any) -> Everything:
    return parse(Everything, {"text": "t", **table}, "drivers.x")


def test_what_is_left_out_has_its_default():
    assert parsed() == Everything("t")


def test_every_supported_type():
    table = tomllib.loads("""
        text = "hello"
        number = 7
        real = 3
        flag = true
        path = "/dev/ttyS1"
        kind = "b"
        phases = 3
        maybe = 5
        either = "word"
        several = [1, 2.5]
        table = {a = 1}
        port = {path = "/dev/ttyUSB0", baud = 19200}
        ports = [{path = "/a"}, {path = "/b"}]
        anything = [1, "x"]
    """)
    config = parse(Everything, table, "drivers.x")
    assert config == Everything(
        "hello",
        7,
        3.0,
        True,
        Path("/dev/ttyS1"),
        "b",
        3,
        5,
        "word",
        (1.0, 2.5),
        {"a": 1},
        Port(Path("/dev/ttyUSB0"), 19200),
        (Port(Path("/a")), Port(Path("/b"))),
        [1, "x"],
    )
    assert type(config.real) is float and type(config.several[0]) is float


def test_dataclasses_are_filled_too():
    assert parse(Data, {"low": 1, "tags": ["x"]}, "d") == Data(1.0, tags=("x",))
    with pytest.raises(BadConfig, match=r"^d: low lies above high$"):
        parse(Data, {"low": 11}, "d")
    with pytest.raises(BadConfig, match=r"^d\.low: missing; expected a number$"):
        parse(Data, {}, "d")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"text": 3}, "drivers.x.text: expected a text, got 3"),
        ({"number": "7"}, 'drivers.x.number: expected a whole number, got "7"'),
        ({"number": 7.0}, "drivers.x.number: expected a whole number, got 7.0"),
        ({"number": True}, "drivers.x.number: expected a whole number, got true"),
        ({"real": False}, "drivers.x.real: expected a number, got false"),
        ({"real": float("nan")}, "drivers.x.real: expected a number, got nan"),
        ({"real": float("inf")}, "drivers.x.real: expected a number, got inf"),
        ({"real": 10**400}, f"drivers.x.real: expected a number, got {str(10**400)[:57]}..."),
        ({"flag": 1}, "drivers.x.flag: expected true or false, got 1"),
        ({"path": 3}, 'drivers.x.path: expected a path such as "/dev/ttyS1", got 3'),
        ({"path": ""}, 'drivers.x.path: expected a path such as "/dev/ttyS1", got ""'),
        ({"kind": "c"}, 'drivers.x.kind: expected "a" or "b", got "c"'),
        ({"phases": True}, "drivers.x.phases: expected 1 or 3, got true"),
        ({"phases": 3.0}, "drivers.x.phases: expected 1 or 3, got 3.0"),
        ({"maybe": "x"}, 'drivers.x.maybe: expected a whole number, got "x"'),
        ({"either": 1.5}, "drivers.x.either: expected a whole number or a text, got 1.5"),
        ({"several": 1}, "drivers.x.several: expected a list, each a number, got 1"),
        ({"several": [1, "x"]}, 'drivers.x.several[1]: expected a number, got "x"'),
        ({"table": {"a": "x"}}, 'drivers.x.table.a: expected a whole number, got "x"'),
        ({"port": "COM1"}, 'drivers.x.port: expected a table, got "COM1"'),
        ({"port": {}}, 'drivers.x.port.path: missing; expected a path such as "/dev/ttyS1"'),
        ({"ports": [{"path": "/a", "baud": "x"}]}, 'drivers.x.ports[0].baud: expected a whole number, got "x"'),
        ({"numbr": 7}, 'drivers.x.numbr: unknown key; did you mean "number"?'),
        ({"port": {"path": "/a", "zz": 1}}, "drivers.x.port.zz: unknown key; known here: baud, path"),
    ],
)
def test_a_wrong_value_is_told_with_key_and_remedy(table, told):
    with pytest.raises(BadConfig) as caught:
        parsed(**table)
    assert str(caught.value) == told


def test_everything_wrong_in_one_table_is_told_at_once():
    with pytest.raises(BadConfig) as caught:
        parse(Everything, {"number": "x", "zzzzzz": 1}, "")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["number", "text", "zzzzzz"]


def test_a_config_type_that_cannot_be_filled_is_the_authors_mistake():
    class Wrong(NamedTuple):
        names: list[str]

    with pytest.raises(TypeError, match="cannot have a field of type"):
        parse(Wrong, {"names": ["x"]}, "w")


# -- the registry ------------------------------------------------------------------------------------------------------


def test_ours_are_the_entry_points_of_the_package():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    points = project["entry-points"][registry.GROUP]
    assert points == {name: f"{module}:DRIVER" for name, module in registry.OURS.items()}


def test_the_simulator_is_found_without_heavy_modules():
    code = (
        "import sys; from hal.registry import find; driver = find('simulator', 'x'); assert driver.name == 'simulator';"
        "heavy = {'dataclasses', 'importlib.metadata', 'pymodbus', 'can', 'serial', 'cryptography'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


def test_a_found_driver_parses_its_table():
    driver = registry.find("simulator", "drivers.sim.driver")
    assert parse(driver.config, {"evses": 3, "supply": "DC"}, "drivers.sim") == SimulatorConfig(evses=3, supply="DC")


THEIRS = Driver("theirs", Port, None)  # type: ignore[arg-type]


def install(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    points = EntryPoints([EntryPoint("theirs", value, registry.GROUP)])
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.select(group=group))


def test_an_installed_driver_is_found_by_its_entry_point(monkeypatch):
    install(monkeypatch, f"{__name__}:THEIRS")
    assert registry.find("theirs", "drivers.a.driver") is THEIRS


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("thiers", "m:D", r'drivers\.a\.driver: no driver "thiers" is installed; known: .*simulator, theirs'),
        ("theirs", "no_such_module_:D", r'driver "theirs" \(no_such_module_:D\) cannot be loaded: No module named'),
        ("theirs", "hal.errors:NOTHING", r'driver "theirs" \(hal\.errors:NOTHING\) cannot be loaded'),
        ("theirs", "hal.errors:HalError", r"is no hal\.driver\.Driver"),
    ],
)
def test_a_driver_that_cannot_be_had_is_told_with_the_key(monkeypatch, name, value, told):
    install(monkeypatch, value)
    with pytest.raises(BadConfig, match=told):
        registry.find(name, "drivers.a.driver")


def test_a_driver_of_ours_whose_library_is_missing_is_told(monkeypatch):
    monkeypatch.setitem(registry.OURS, "simulator", "hal.drivers.no_such_driver")
    with pytest.raises(BadConfig, match=r'drivers\.a\.driver: driver "simulator" cannot be loaded: No module named'):
        registry.find("simulator", "drivers.a.driver")
