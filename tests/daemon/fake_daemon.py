"""A process that behaves, or misbehaves, like the daemon; for the tests of the harness only.

`python fake_daemon.py WAYS --config FILE --state-dir DIR`; WAYS: letters. x: exit 3 before it is ready. r: never ready.
d: deaf to SIGTERM. t: a traceback in the log. l: exit 4 once ready.
"""

import json
import os
import signal
import socket
import sys
import tomllib
from pathlib import Path
from typing import Any


def main() -> int:
    ways, arguments = sys.argv[1], sys.argv[2:]
    config = tomllib.loads(Path(arguments[1]).read_text(encoding="utf-8"))
    state = Path(arguments[3])
    starts = state / "starts"
    starts.write_text(f"{int(starts.read_text()) + 1 if starts.exists() else 1}")
    print(f"start {starts.read_text()} of {config['station']['id']}", flush=True)
    if "t" in ways:
        print("Traceback (most recent call last)", flush=True)
    if "x" in ways:
        return 3
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "d" in ways else lambda *_: stop(state))
    with listening(state / config["control"]["socket"]) as server:
        if "r" not in ways:
            notify(f"STATUS=watchdog {os.environ.get('WATCHDOG_USEC')}\nREADY=1")
        if "l" in ways:
            return 4
        while True:
            serve(server.accept()[0])


def stop(state: Path) -> None:
    notify("STOPPING=1")
    (state / "stopped").touch()
    os._exit(0)  # at once, wherever the signal found it


def listening(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def notify(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(text.encode(), "\0" + os.environ["NOTIFY_SOCKET"][1:])


def serve(client: socket.socket) -> None:
    with client, client.makefile("rwb") as stream:
        request = json.loads(stream.readline())
        for line in replies(request):
            stream.write(json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n")
        stream.flush()


def replies(request: dict[str, Any]) -> list[dict[str, Any]]:
    match request["method"]:
        case "hang":
            signal.pause()
            return []
        case "watch":
            events = [{"method": "event", "params": {"kind": "cable", "evse": number}} for number in (1, 2)]
            return [{"id": request["id"], "result": {"watching": True}}, *events]
        case "echo":
            return [{"method": "event", "params": {}}, {"id": request["id"], "result": request["params"]}]
    return [{"id": request["id"], "error": {"code": -32601, "message": "unknown method"}}]


if __name__ == "__main__":
    sys.exit(main())
