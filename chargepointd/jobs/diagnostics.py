"""Make a log file and leave it where the CSMS wants it (N01). Files are made in the state directory, and removed."""

import asyncio
import gzip
import io
import json
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chargepointd.core.logs import LogFailed, UploadLog
from chargepointd.core.security import Logged, shown
from chargepointd.jobs.runner import Place
from chargepointd.jobs.transfer import Means, TransferFailed, upload

ROOTS = "CSMSRootCertificate"
_IN_USE: set[Path] = set()
"""folders of uploads that go on, one of them perhaps just cancelled"""


async def upload_log(job: UploadLog, place: Place, tell: Callable[[Any], None]) -> str | LogFailed:
    """Where it was left, in the end: nothing; or why not."""
    with _outgoing(place.state_dir) as folder:
        file = folder / job.name
        try:
            if job.kind == "SecurityLog":
                await asyncio.to_thread(file.write_text, security_log(job.events), "utf-8")
            else:
                parts = await place.gather(job.oldest, job.latest)
                await asyncio.to_thread(lambda: file.write_bytes(archive(job.name.removesuffix(".tar.gz"), parts)))
            means = Means(place.roots(ROOTS), place.sftp_hosts, place.proxied, place.dates)
            await upload(file, job.url, job.name, means, progress=lambda done: None)
        except TransferFailed as failed:
            return LogFailed(failed.kind, failed.reason)
        except OSError as error:
            return LogFailed("Failed", f"{file}: {error.strerror or error}")
    return ""


@contextmanager
def _outgoing(state_dir: Path) -> Iterator[Path]:
    """A folder of its own; what an earlier process left there is removed."""
    outgoing = state_dir / "outgoing"
    outgoing.mkdir(mode=0o700, exist_ok=True)
    for left in set(outgoing.iterdir()) - _IN_USE:
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=outgoing))
    _IN_USE.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _IN_USE.discard(folder)


def security_log(events: Iterable[Logged]) -> str:
    """A line of JSON for each event."""
    return "".join(json.dumps(_event(entry)) + "\n" for entry in events)


def _event(entry: Logged) -> dict[str, Any]:
    return shown(entry) | {"at": iso(entry.stamp.at)}


def iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def archive(name: str, parts: Mapping[str, str | bytes]) -> bytes:
    """A tar.gz with these parts as files, in a folder of that name."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for file, part in parts.items():
            content = part if isinstance(part, bytes) else part.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"{name}/{file}")
            entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
