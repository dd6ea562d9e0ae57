"""The smallest possible charge point in Python: `floor.py URL OCPP`. No validation, no logic, nothing is kept.

What it costs is what Python, asyncio and the websocket library cost; the daemon is measured against it.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

BOOT = {
    "1.6": {"chargePointVendor": "Floor", "chargePointModel": "Floor"},
    "2.0.1": {"reason": "PowerUp", "chargingStation": {"vendorName": "Floor", "model": "Floor"}},
}
KEYS = {"HeartbeatInterval": "300"} | {f"Key{number:02d}": str(number) for number in range(40)}


def get_configuration(asked: Any) -> Any:
    keys = asked.get("key") or KEYS
    return {"configurationKey": [{"key": key, "readonly": False, "value": KEYS.get(key, "1")} for key in keys]}


def get_variables(asked: Any) -> Any:
    got = {"attributeStatus": "Accepted", "attributeValue": "300"}
    return {"getVariableResult": [item | got for item in asked["getVariableData"]]}


def set_variables(asked: Any) -> Any:
    return {
        "setVariableResult": [
            {"attributeStatus": "Accepted", "component": item["component"], "variable": item["variable"]}
            for item in asked["setVariableData"]
        ]
    }


ANSWERS: dict[str, Callable[[Any], Any]] = {
    "GetConfiguration": get_configuration,
    "GetVariables": get_variables,
    "SetVariables": set_variables,
}


async def answer(websocket: ClientConnection) -> None:
    async for text in websocket:
        kind, message_id, action, *payload = json.loads(text)
        if kind == 2:
            result = ANSWERS[action](*payload) if action in ANSWERS else {"status": "Accepted"}
            await websocket.send(json.dumps([3, message_id, result], separators=(",", ":")))
            if action == "TriggerMessage":
                await websocket.send('[2,"heartbeat","Heartbeat",{}]')


async def main(url: str, ocpp: str) -> None:
    task = asyncio.current_task()
    assert task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with connect(url, subprotocols=[f"ocpp{ocpp}"], compression=None, ping_interval=None) as websocket:  # type: ignore[list-item]
        await websocket.send(json.dumps([2, "boot", "BootNotification", BOOT[ocpp]]))
        await answer(websocket)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
