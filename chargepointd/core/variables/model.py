"""What a variable is (2.x part 1 ch. 4, part 2 appendices)."""

from collections.abc import Callable
from typing import Literal

from chargepointd.core.tuples import NamedTuple


class Ref(NamedTuple):
    """The address of a variable. Component and variable names are compared without regard to case."""

    component: str
    variable: str
    instance: str | None = None
    """of the variable"""
    component_instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None

    @property
    def key(self) -> tuple[str | int | None, ...]:
        return (
            self.component.lower(),
            self.variable.lower(),
            self.instance and self.instance.lower(),
            self.component_instance and self.component_instance.lower(),
            self.evse_id,
            self.connector_id,
        )

    def __str__(self) -> str:
        """`Component[instance]#evse.connector.Variable[instance]`, as in files and on the command line."""
        place = "" if self.evse_id is None else f"#{self.evse_id}"
        place += "" if self.connector_id is None else f".{self.connector_id}"
        inside = f"[{self.component_instance}]" if self.component_instance else ""
        instance = f"[{self.instance}]" if self.instance else ""
        return f"{self.component}{inside}{place}.{self.variable}{instance}"


DataType = Literal[
    "string", "integer", "decimal", "boolean", "dateTime", "OptionList", "SequenceList", "MemberList", "passwordString"
]
Mutability = Literal["ReadOnly", "WriteOnly", "ReadWrite"]


class Variable(NamedTuple):
    """One variable of this station, with its characteristics."""

    ref: Ref
    datatype: DataType = "string"
    mutability: Mutability = "ReadWrite"
    default: str = ""
    unit: str = ""
    min_limit: float | None = None
    max_limit: float | None = None
    """for numbers the largest value, for texts and lists the longest (characters)"""
    values: tuple[str, ...] = ()
    """what an OptionList, MemberList or SequenceList may hold"""
    reboot: bool = False
    """a change takes effect after a restart: RebootRequired"""
    live: Callable[[], str] | None = None
    """a value that follows from facts, computed when asked; never stored"""
    monitored: bool = False
    persistent: bool = True
    constant: bool = False
    """never changed while the station runs"""
