"""What went wrong with a connection, in words for a person."""

import errno
import socket
import ssl

from chargepointd.jobs.transfer.address import Address
from chargepointd.jobs.transfer.failure import TransferFailed


def explained(error: OSError | EOFError, where: Address) -> TransferFailed:
    return TransferFailed(f"{where.shown}: {_reason(error)}")


def _reason(error: OSError | EOFError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"the host is not known: {error.strerror}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionResetError | BrokenPipeError | EOFError):
        return "the server broke off the connection"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space left on the station's disk"
    return str(getattr(error, "strerror", None) or error)
