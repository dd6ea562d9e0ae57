"""systemd's notification protocol (sd_notify(3)). Without systemd nothing is sent.

The watchdog is fed after a completed step of the engine, so it proves that the engine works, not only that the loop
turns: `due` asks for a step, `stepped` feeds.
"""

import asyncio
import os
import time
from collections.abc import Callable


class Notifier:
    def __init__(self) -> None:
        self._send: Callable[[str], object] = lambda state: None
        if os.environ.get("NOTIFY_SOCKET"):
            from sdnotify import SystemdNotifier

            self._send = SystemdNotifier().notify
        # Half the time that systemd allows (sd_watchdog_enabled(3)).
        self._every_s = int(os.environ.get("WATCHDOG_USEC", 0)) / 2e6
        self._fed_at = 0.0
        self._status = ""

    def ready(self, status: str) -> None:
        self._status = status
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, text: str) -> None:
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=Stopping")

    def stepped(self) -> None:
        """A step was completed."""
        if self._every_s and time.monotonic() - self._fed_at >= self._every_s / 2:
            self._fed_at = time.monotonic()
            self._send("WATCHDOG=1")

    async def watchdog(self, make_a_step: Callable[[], None]) -> None:
        """Ask for a step as often as systemd wants a sign of life. Returns at once where it wants none."""
        while self._every_s:
            make_a_step()
            await asyncio.sleep(self._every_s)
