"""Certificates that are made when they are needed, for servers on loopback."""

import shutil
import subprocess
from pathlib import Path

import pytest


def openssl(*arguments: str) -> None:
    """Or skips."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)


def make_ca(folder: Path, name: str) -> Path:
    """A certificate authority of our own."""
    made = folder / f"{name}.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"),
        *("-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(made)),
        *("-addext", "keyUsage=critical,keyCertSign"),
    )
    return made


def make_certificate(folder: Path, ca: Path, address: str) -> Path:
    """A server's, signed by that."""
    made, request, extra = folder / "server.pem", folder / "server.csr", folder / "server.ext"
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=broker"),
        *("-keyout", str(folder / "server.key"), "-out", str(request)),
    )
    extra.write_text(f"subjectAltName=IP:{address}\n")
    openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca.with_suffix(".key")), "-CAcreateserial"),
        *("-days", "1", "-extfile", str(extra), "-out", str(made)),
    )
    return made


def make_self_signed(folder: Path, name: str = "server") -> Path:
    """A server's that nobody has signed but itself, and for no name that anybody asks for."""
    made = folder / f"{name}.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"),
        *("-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(made)),
    )
    return made
