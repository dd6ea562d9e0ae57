"""DataTransfer: what the CSMS asks in the words of a vendor (1.6 §5.4; application notes of the OCA).

`data` is a text. That of every vendor here is JSON. Who adds a vendor adds a row, and a module with a table `TRANSFERS`
of its messages.
"""

from importlib import import_module

from chargepointd.core import commands as c
from chargepointd.core.tuples import NamedTuple
from chargepointd.dialects import codec
from chargepointd.dialects.dialect import Payload, Refusal
from chargepointd.dialects.v16.requests.common import ChargePoint, Request, Requests, Transfer, transferred


class Vendor(NamedTuple):
    module: str
    """whose table `TRANSFERS` has the messages; imported when first needed"""
    key: str
    """the configuration key of a charge point that has a part in it; who lacks it does not know the vendor"""


VENDORS = {
    "org.openchargealliance.costmsg": Vendor("pricing", "CustomDisplayCostAndPrice"),
    "org.openchargealliance.iso15118pnc": Vendor("plug_and_charge", "ISO15118PnCEnabled"),
}


def _transfer(payload: Payload, point: ChargePoint) -> Transfer | str:
    """Or why there is none, DataTransferStatus."""
    vendor = VENDORS.get(payload.get("vendorId", ""))
    if vendor is None or not point.keys.has(vendor.key):
        return "UnknownVendorId"
    module = import_module(f"chargepointd.dialects.v16.requests.{vendor.module}")
    found: Transfer | None = module.TRANSFERS.get(payload.get("messageId"))
    return found or "UnknownMessageId"


def _command(payload: Payload, point: ChargePoint) -> c.Command | Refusal:
    transfer = _transfer(payload, point)
    asked = c.TransferData(payload["vendorId"], payload.get("messageId"), payload.get("data"))
    if isinstance(transfer, str):
        return asked._replace(status=transfer)
    try:
        data = codec.decode(payload.get("data") or "{}")
        if not isinstance(data, dict):
            raise ValueError("expected a JSON object")
        return transfer.command(data, point)
    except ValueError as error:
        # Without the data: whose it is may stand in it, and what is recorded names no token in full.
        return asked._replace(data=None, status="Rejected", reason=f"data: {error}")


def _response(payload: Payload, reply: c.Reply, point: ChargePoint) -> Payload:
    transfer = _transfer(payload, point)
    if isinstance(transfer, str) or isinstance(_command(payload, point), c.TransferData):  # it came to no command
        return transferred(reply, point)
    return transfer.response(reply, point)


REQUESTS: Requests = {"DataTransfer": Request(_command, _response)}
