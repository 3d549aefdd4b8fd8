"""Keys and self-signed certificates, made by `openssl`."""

from __future__ import annotations

import subprocess
from pathlib import Path


def write_certificate(folder: Path, name: str, *options: str) -> tuple[Path, Path]:
    """Files with a new key and its certificate for the common name, good for two days; `options` go to `openssl req`."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
    ]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *options, *files], check=True, capture_output=True)
    return key, certificate
