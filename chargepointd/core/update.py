"""A firmware update: its states, and what a job is to do in them and says afterwards (L01, L02).

Where history matters, a table: state -> event -> state. A state is named as the CSMS is told of it
(FirmwareStatusEnumType), each time it is entered, except those that `SAID_AS` names otherwise. From a state that is
not in the table nothing leads on: it is how the update ended.

    Accepted ─► DownloadScheduled ─► Downloading ⇄ DownloadPaused
                                          ▼
                                     Downloaded ─► SignatureVerified ─► InstallScheduled
                                                                               ▼
    Installed ◄─ Activating ◄─ ToBeActivated ◄──────────── InstallRebooting ◄─ Installing

An image that was asked for without a signature is `Unsigned` instead of `SignatureVerified`.
All up to `Installing` can be cancelled. What was installed may need the program, or the board, to begin anew before it
is in use: then the update waits `ToBeActivated` for the transactions to end (L01.FR.33), and is `Activating` while the
station goes down and comes back. `InstallRebooting` is a restart that the installer itself makes in its work.
"""

from typing import Any

from chargepointd.core.firmware import UpdateFirmware
from chargepointd.core.tuples import NamedTuple

_RESULTS = {
    "installed": "Installed",
    "restart needed": "ToBeActivated",
    "unfit": "InstallVerificationFailed",
    "failed": "InstallationFailed",
}

TABLE: dict[str, dict[str, str]] = {
    "Accepted": {"delayed": "DownloadScheduled", "began": "Downloading"},
    "DownloadScheduled": {"began": "Downloading", "cancelled": "DownloadFailed"},
    "Downloading": {
        "paused": "DownloadPaused",
        "downloaded": "Downloaded",
        "failed": "DownloadFailed",
        "cancelled": "DownloadFailed",
    },
    "DownloadPaused": {"began": "Downloading", "cancelled": "DownloadFailed"},
    "Downloaded": {
        "verified": "SignatureVerified",
        "taken": "Unsigned",
        "forged": "InvalidSignature",
        "failed": "InstallationFailed",
        "cancelled": "InstallationFailed",
    },
    "SignatureVerified": {"delayed": "InstallScheduled", "began": "Installing", "cancelled": "InstallationFailed"},
    "Unsigned": {"delayed": "InstallScheduled", "began": "Installing", "cancelled": "InstallationFailed"},
    "InstallScheduled": {"began": "Installing", "cancelled": "InstallationFailed"},
    "Installing": {**_RESULTS, "rebooting": "InstallRebooting"},
    "InstallRebooting": _RESULTS,
    "ToBeActivated": {"began": "Activating"},
    "Activating": {result: state for result, state in _RESULTS.items() if result != "restart needed"},
}

SAID_AS = {"Accepted": "", "Unsigned": "", "ToBeActivated": "", "Activating": "InstallRebooting"}
"""what the CSMS is told instead of the state's name; empty: nothing"""

INTERRUPTED = ("Installing", "InstallRebooting", "Activating")
"""states whose outcome only the installer knows when the process begins anew in them"""


class Update(NamedTuple):
    """The update under way; kept, field by field."""

    request: UpdateFirmware
    state: str = "Accepted"
    failures: int = 0
    """downloads that failed so far"""
    digest: str = ""
    """SHA-256 of the image that was verified, or taken unsigned: this and no other is installed"""
    hard: bool = False
    """it takes a restart of the board, not only of the program, to activate it"""

    def after(self, event: str) -> "Update | None":
        """None for what cannot happen in this state."""
        state = TABLE.get(self.state, {}).get(event)
        return self._replace(state=state) if state else None

    @property
    def over(self) -> bool:
        return self.state not in TABLE

    @property
    def told_as(self) -> str:
        return SAID_AS.get(self.state, self.state)


def loaded(saved: Any) -> Update:
    """As `SaveState` keeps it: a request and an update as the lists of their fields."""
    request, *rest = saved
    return Update(UpdateFirmware(*request), *rest)


# -- jobs --------------------------------------------------------------------------------------------------------------


class CheckSigner(NamedTuple):
    """Is this certificate, or chain (PEM, leaf first), one of the manufacturer's for firmware? The outcome is what is
    wrong with it, as a text; empty: nothing."""

    certificate: str
    at: float
    """the moment it must be valid at: UTC, s since 1970"""


class FetchImage(NamedTuple):
    """`JobTold`: bytes that are there. The outcome: None, or `Unfetched`."""

    url: str
    name: str
    """of the file"""
    limit_bytes: int


class Unfetched(NamedTuple):
    reason: str
    hopeless: bool
    """the server says that there is no such file for us: trying again helps nobody"""


class VerifyImage(NamedTuple):
    """The outcome is `Verified`."""

    name: str
    certificate: str
    """empty, for an image without a signature: what is there is to be installed"""
    signature: str
    """base64"""


class Verified(NamedTuple):
    result: str
    """an event of `TABLE`: verified, forged, failed"""
    info: str
    """SHA-256 of the image, hexadecimal, where it is verified; else what is wrong"""


class InstallImage(NamedTuple):
    """`JobTold`: "rebooting", or what the installer says of its progress. The outcome is `Installation`."""

    command: tuple[str, ...]
    name: str
    digest: str
    timeout_s: float


class AskInstaller(NamedTuple):
    """What became of the installation that was under way when the station went down; news and outcome as above."""

    command: tuple[str, ...]
    name: str
    state: str
    timeout_s: float


class Installation(NamedTuple):
    result: str
    """an event of `TABLE`: installed, restart needed, unfit, failed"""
    info: str = ""
    hard: bool = False
    """the board has to restart"""
