"""Jobs: started and stopped by effects, told of by events."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from chargepointd.core import effects as f
from chargepointd.core import events as e
from chargepointd.core.jobs import JobFailed
from chargepointd.core.tuples import NamedTuple

log = logging.getLogger(__name__)

Tell = Callable[[Any], None]
Parts = dict[str, str | bytes]
"""of an archive: file name -> content"""
Gather = Callable[[float | None, float | None], Awaitable[Parts]]


async def nothing(oldest: float | None, latest: float | None) -> Parts:
    return {}


def unproxied(host: str, secure: bool) -> None:
    """No proxy."""


def by_openssl() -> None:
    """The system's clock."""


def by_system() -> float | None:
    return time.time()


class Place(NamedTuple):
    """Where a job finds what it works on."""

    state_dir: Path
    gather: Gather = nothing
    """what the daemon knows of itself between two moments (UTC, s since 1970), for the diagnostics archive"""
    proxied: Callable[[str, bool], tuple[str, int, str] | None] = unproxied
    """host, and whether TLS is spoken -> the HTTP proxy on the way, see `transfer.line`"""
    utc: Callable[[], float | None] = by_system
    """s since 1970, by which certificates are judged; None: nobody knows, so their dates are not"""
    dates: Callable[[], Callable[[Any], str] | None] = by_openssl
    """who judges those of the servers that files come from and go to, see `transfer.line`"""

    @property
    def sftp_hosts(self) -> Path:
        """The keys of the SFTP servers that were met (OpenSSH's known_hosts)."""
        return self.state_dir / "sftp_hosts"

    def roots(self, use: str) -> Path:
        """The folder of installed roots (InstallCertificateUseEnumType) that a server may be trusted by."""
        return self.state_dir / "certificates" / use


Work = Callable[[Any, Place, Tell], Awaitable[Any]]

WORK: dict[str, str] = {
    "AskSystemClock": "chargepointd.jobs.clock:ask",
    "SetNtpServers": "chargepointd.jobs.clock:set_servers",
    "AskInstaller": "chargepointd.jobs.firmware:ask",
    "CheckSigner": "chargepointd.jobs.firmware:check_signer",
    "FetchImage": "chargepointd.jobs.firmware:fetch",
    "InstallImage": "chargepointd.jobs.firmware:install",
    "VerifyImage": "chargepointd.jobs.firmware:verify",
    "CheckContract": "chargepointd.jobs.contracts:check",
    "CheckRoot": "chargepointd.jobs.certificate_work:check_root",
    "FindCertificate": "chargepointd.jobs.certificate_work:find",
    "MakeKey": "chargepointd.jobs.certificate_work:make_key",
    "ReadResponders": "chargepointd.jobs.contracts:responders",
    "RemoveCertificate": "chargepointd.jobs.house:remove",
    "TakeChain": "chargepointd.jobs.certificate_work:take_chain",
    "Tidy": "chargepointd.jobs.house:tidy",
    "UploadLog": "chargepointd.jobs.diagnostics:upload_log",
}
"""name of a job's type -> "module:function" of `Work`"""


class Jobs:
    """Owns every job. `post` takes the events; nothing is posted for a job that was stopped."""

    def __init__(self, place: Place, post: Callable[[e.Event], None]) -> None:
        self._place = place
        self._post = post
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._early: list[f.StartJob] = []

    async def run(self) -> None:
        """Until cancelled; jobs that run then are cancelled and waited for."""
        async with asyncio.TaskGroup() as self._group:
            early, self._early = self._early, []
            for effect in early:
                self.start(effect)
            await asyncio.Event().wait()

    def start(self, effect: f.StartJob) -> None:
        """A job with the same topic and id that still runs is stopped first."""
        if self._group is None:
            self._early.append(effect)
            return
        self.stop(f.StopJob(effect.topic, effect.id))
        key = (effect.topic, effect.id)
        self._tasks[key] = self._group.create_task(self._do(effect), name=f"job {effect.topic} {effect.id}")

    def stop(self, effect: f.StopJob) -> None:
        self._early = [early for early in self._early if early[:2] != effect[:2]]
        task = self._tasks.pop((effect.topic, effect.id), None)
        if task is not None:
            task.cancel()

    async def _do(self, effect: f.StartJob) -> None:
        me = asyncio.current_task()
        key = (effect.topic, effect.id)
        try:
            outcome = await _work(effect.job)(effect.job, self._place, partial(self._tell, me, effect))
        except Exception as error:
            log.exception("job %s %s: a bug", effect.topic, effect.id)
            outcome = JobFailed(f"{type(error).__name__}: {error}")
        if self._tasks.get(key) is me:
            del self._tasks[key]
            self._post(e.JobEnded(effect.topic, effect.id, outcome))

    def _tell(self, task: asyncio.Task[None] | None, effect: f.StartJob, news: Any) -> None:
        if self._tasks.get((effect.topic, effect.id)) is task:
            self._post(e.JobTold(effect.topic, effect.id, news))


def _work(job: Any) -> Work:
    module, _, function = WORK[type(job).__name__].partition(":")
    work: Work = getattr(import_module(module), function)
    return work
