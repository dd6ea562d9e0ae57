"""Variables of the device model, as a technician names them and is shown them."""

from difflib import get_close_matches
from typing import Any

from chargepointd.control.protocol import ControlError
from chargepointd.core.commands import VariableGot
from chargepointd.core.variables.catalogue import parse_name
from chargepointd.core.variables.model import Ref
from chargepointd.core.variables.registry import Registry

UNKNOWN_VARIABLE = 3
"""code of the answer, beside those of `local`"""


def known(name: str, variables: Registry) -> Ref:
    """Raises ControlError with what it may have been meant for."""
    try:
        ref = parse_name(name)
    except ValueError as error:
        raise ControlError(UNKNOWN_VARIABLE, str(error)) from None
    if variables.find(ref) is None:
        near = get_close_matches(name, [str(v.ref) for v in variables.variables], 1)
        remedy = f'did you mean "{near[0]}"?' if near else "list them with: chargepointctl get"
        raise ControlError(UNKNOWN_VARIABLE, f"{name}: no such variable; {remedy}")
    return ref


def shown(got: VariableGot, variables: Registry) -> dict[str, Any]:
    variable = variables.find(got.ref)
    assert variable
    told = {
        "name": str(variable.ref),
        "value": got.value,
        "attribute": got.attribute,
        "mutability": variable.mutability,
        "type": variable.datatype,
        "status": got.status,
    }
    return told | ({"unit": variable.unit} if variable.unit else {})
