"""The variables of this station: get, set, and what has to be kept."""

from collections.abc import Callable, Iterable, Mapping

from chargepointd.core.commands import VariableGot, VariableSet
from chargepointd.core.effects import SaveVariable
from chargepointd.core.variables.model import Ref, Variable
from chargepointd.core.variables.values import complaint

Key = tuple[str | int | None, ...]


class Registry:
    """Values by address (`get`, `set`: what the CSMS asks) and by name (`integer`, `boolean` …: what the core reads).

    What was kept wins over the configuration, the configuration over the defaults.
    """

    def __init__(self, variables: Iterable[Variable], configured: Mapping[str, str], saved: Mapping[str, str]) -> None:
        self._variables: dict[Key, Variable] = {}
        self._names: dict[str, Key] = {}
        self._lower: dict[str, Key] = {}
        self._values: dict[Key, str] = {}
        self._configured: dict[Key, str] = {}
        self._parsed: dict[str, object] = {}
        self._guards: dict[Key, Callable[[str], str]] = {}
        self.revision = 0
        """how often a value has changed"""
        for variable in variables:
            self.add(variable, configured, saved)

    def add(self, variable: Variable, configured: Mapping[str, str] = {}, saved: Mapping[str, str] = {}) -> None:
        """A variable more. A kept value that no longer fits (after an upgrade) gives way to the configured one."""
        key, name = variable.ref.key, str(variable.ref)
        self._variables[key] = variable
        self._names[name] = key
        value = self._configured[key] = configured.get(name, variable.default)
        kept = saved.get(name)
        if kept is not None and variable.mutability != "ReadOnly" and not complaint(variable, kept):
            value = kept
        self._values[key] = value

    # -- for the core --------------------------------------------------------------------------------------------------

    def guard(self, name: str, wrong: Callable[[str], str]) -> None:
        """A value must also stand before the facts: `wrong` tells what is wrong with a new one, empty for nothing."""
        self._guards[self._names[name]] = wrong

    def text(self, name: str) -> str:
        """The value of a variable that is known to exist; KeyError is a bug."""
        key = self._names[name]
        live = self._variables[key].live
        return live() if live else self._values[key]

    def configured(self, name: str) -> str:
        """What the configuration says, or the default: its value if nobody had changed it."""
        return self._configured[self._names[name]]

    def integer(self, name: str) -> int:
        found = self._parsed.get(name)
        if found is None:
            found = self._parsed[name] = int(self.text(name) or 0)
        return found  # type: ignore[return-value]

    def decimal(self, name: str) -> float:
        return float(self.text(name) or 0)

    def boolean(self, name: str) -> bool:
        found = self._parsed.get(name)
        if found is None:
            found = self._parsed[name] = self.text(name).lower() == "true"
        return found  # type: ignore[return-value]

    def members(self, name: str) -> tuple[str, ...]:
        """The items of a MemberList, SequenceList or OptionList."""
        found = self._parsed.get(name)
        if found is None:
            found = self._parsed[name] = tuple(item.strip() for item in self.text(name).split(",") if item.strip())
        return found  # type: ignore[return-value]

    def assign(self, name: str, value: str) -> list[SaveVariable]:
        """Set by the station itself. Nothing to keep when it was so already."""
        key = self._names[name]
        if self._values[key] == value:
            return []
        return [self._put(key, name, value)]

    def _put(self, key: Key, name: str, value: str) -> SaveVariable:
        self._values[key] = value
        self._parsed.pop(name, None)
        self.revision += 1
        return SaveVariable(name, value)

    # -- for the CSMS and the technician -------------------------------------------------------------------------------

    def find(self, ref: Ref) -> Variable | None:
        return self._variables.get(ref.key)

    def get(self, ref: Ref, attribute: str = "Actual") -> VariableGot:
        """B06. The address is echoed as it was asked."""
        key = ref.key
        variable = self._variables.get(key)
        if variable is None:
            return VariableGot(ref, attribute, self._unknown(key))
        if attribute != "Actual":
            return VariableGot(ref, attribute, "NotSupportedAttributeType")
        if variable.mutability == "WriteOnly":
            return VariableGot(ref, attribute, "Rejected")
        value = variable.live() if variable.live else self._values[key]
        return VariableGot(ref, attribute, "Accepted", value, variable.mutability == "ReadOnly")

    def set(self, ref: Ref, attribute: str, value: str) -> tuple[VariableSet, SaveVariable | None]:
        """B05: the result, and what has to be kept if it changed anything."""
        key = ref.key
        variable = self._variables.get(key)
        if variable is None:
            return VariableSet(ref, attribute, self._unknown(key), "no such variable"), None
        if attribute != "Actual":
            return VariableSet(ref, attribute, "NotSupportedAttributeType"), None
        if variable.mutability == "ReadOnly":
            return VariableSet(ref, attribute, "Rejected", "read-only"), None
        wrong = complaint(variable, value) or (key in self._guards and self._guards[key](value))
        if wrong:
            return VariableSet(ref, attribute, "Rejected", wrong), None
        status = "RebootRequired" if variable.reboot else "Accepted"
        if self._values[key] == value:
            return VariableSet(ref, attribute, status), None
        return VariableSet(ref, attribute, status), self._put(key, str(variable.ref), value)

    def _unknown(self, key: Key) -> str:
        component, place = key[0], key[3:]
        known = any(k[0] == component and k[3:] == place for k in self._variables)
        return "UnknownVariable" if known else "UnknownComponent"

    def listing(self, prefix: str = "") -> tuple[VariableGot, ...]:
        """All that can be read, by name; WriteOnly ones without their value."""
        start = prefix.lower()
        names = sorted(name for name in self._names if name.lower().startswith(start))
        return tuple(self.get(self._variables[self._names[name]].ref) for name in names)

    def named(self, name: str) -> Variable | None:
        """By its written name, without regard to case."""
        key = self._names.get(name)
        if key is None:
            if len(self._lower) != len(self._names):  # not needed for a start
                self._lower = {written.lower(): key for written, key in self._names.items()}
            key = self._lower.get(name.lower())
        return self._variables[key] if key else None

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(self._variables.values())
