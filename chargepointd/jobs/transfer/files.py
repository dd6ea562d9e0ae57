"""The station's end of a transfer: a file that is written whole or not at all, a file that is read."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from chargepointd.jobs.transfer.failure import TransferFailed
from chargepointd.jobs.transfer.line import CHUNK, Line


class Sink:
    """Takes what arrives; at the end of the `with` it is on the disk, or, after an exception, gone."""

    def __init__(self, target: Path, limit_bytes: int, line: Line) -> None:
        self._target = target
        self._limit = limit_bytes
        self._line = line
        self.size = 0

    def __enter__(self) -> "Sink":
        self._file: BinaryIO = self._target.open("wb")
        return self

    def expect(self, size: int) -> None:
        """The server says how much will come."""
        if size > self._limit:
            raise TransferFailed(f"{size} bytes, at most {self._limit} are taken")

    def write(self, data: bytes) -> None:
        self.expect(self.size + len(data))
        self._file.write(data)
        self.size += len(data)
        self._line.tell(self.size)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if error is None:
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
            if error is not None:
                self._target.unlink(missing_ok=True)


class Source:
    def __init__(self, path: Path, line: Line) -> None:
        self._path = path
        self._line = line

    def __enter__(self) -> "Source":
        self._file: BinaryIO = self._path.open("rb")
        self.size = os.fstat(self._file.fileno()).st_size
        return self

    def chunks(self) -> Iterator[bytes]:
        """All of it, from the beginning each time."""
        self._file.seek(0)
        while data := self._file.read(CHUNK):
            yield data
            self._line.tell(self._file.tell())

    def __exit__(self, *_: object) -> None:
        self._file.close()
