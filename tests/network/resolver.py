"""The daemon with a DNS of the tests: names that end in ".test" are looked up in a file that the test may change.

dns = Dns(tmp_path)
with Station(config, command=COMMAND, env=dns.env): …
dns.names["csms.test"] = ["127.0.0.2", "127.0.0.3"]     # no entry: not known; None: the resolver hangs
dns.tell()
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "tests.network.resolver")
_FILE = "TESTS_DNS"


class Dns:
    def __init__(self, directory: Path, **names: Sequence[str] | None) -> None:
        self._file = directory / "dns.json"
        self.names: dict[str, Sequence[str] | None] = {}
        self.env = {_FILE: str(self._file)}
        self.tell(**names)

    def tell(self, **names: Sequence[str] | None) -> None:
        """name=[addresses] of name.test."""
        self.names |= {f"{name}.test": addresses for name, addresses in names.items()}
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(self.names))
        fresh.replace(self._file)

    def asked(self) -> int:
        """How often a name was looked up."""
        log = Path(f"{self._file}.asked")
        return log.read_text().count("\n") if log.exists() else 0


def _main() -> int:
    real, file = socket.getaddrinfo, Path(os.environ[_FILE])

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not (isinstance(host, str) and host.endswith(".test")):
            return real(host, port, *args, **kwargs)
        with Path(f"{file}.asked").open("a") as log:
            log.write(f"{host}\n")
        known = json.loads(file.read_text())
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if known[host] is None:
            threading.Event().wait()
        return [info for address in known[host] for info in real(address, port, *args, **kwargs)]

    socket.getaddrinfo = getaddrinfo
    from chargepointd.__main__ import main

    return main()


if __name__ == "__main__":
    sys.exit(_main())
