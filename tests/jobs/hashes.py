"""CertificateHashDataType as OpenSSL makes it: an OCSP request names a certificate by the same values (RFC 6960)."""

import re
import subprocess
import tempfile
from pathlib import Path


def hash_data(pem: str, issuer: str, algorithm: str = "SHA256") -> dict[str, str]:
    with tempfile.TemporaryDirectory() as where:
        for name, text in (("leaf.pem", pem), ("issuer.pem", issuer)):
            (Path(where) / name).write_text(text)
        ask = ["openssl", "ocsp", f"-{algorithm.lower()}", "-issuer", "issuer.pem", "-cert", "leaf.pem", "-req_text"]
        said = subprocess.run(ask, cwd=where, capture_output=True, text=True, check=True).stdout
    said = re.sub(r"\\\n\s*", "", said)  # long lines are broken
    values = dict(line.strip().split(": ", 1) for line in said.splitlines() if ": " in line.strip())
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": values["Issuer Name Hash"].lower(),
        "issuerKeyHash": values["Issuer Key Hash"].lower(),
        "serialNumber": values["Serial Number"].lower().lstrip("0"),
    }
