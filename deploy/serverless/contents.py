"""What the package of the functions holds: libraries for Lambda's platform, and their weight."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final
from zipfile import ZipFile

ROOT: Final = Path(__file__).parents[2]
PINS: Final = ROOT / ".ci" / "requirements" / "lambda.txt"
LIBRARIES: Final = ROOT / "build" / "lambda"
"""In the package by the same name: serverless.yml puts it into PYTHONPATH."""
LIMIT: Final = 250 * 1024 * 1024
"""Bytes of a function's code, unpacked (AWS Lambda, quotas)."""
_PLATFORMS: Final = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
_PYTHON: Final = "3.13"
_SHOWN: Final = 12


def vendor() -> None:
    """Install the pinned libraries for arm64 and Python 3.13, unless they are there already."""
    stamp = LIBRARIES / ".pins"
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == pins:
        return
    shutil.rmtree(LIBRARIES, ignore_errors=True)
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    only = ["--no-deps", "--no-compile", "--require-hashes", "--only-binary", ":all:"]
    place = ["--implementation", "cp", "--python-version", _PYTHON, "--target", str(LIBRARIES)]
    for platform in _PLATFORMS:
        place += ["--platform", platform]
    subprocess.run([*install, *only, *place, "-r", str(PINS)], check=True)  # noqa: S603 - our own arguments
    stamp.write_text(pins)


def report(package: Path) -> list[str]:
    """Return lines on what a package weighs. Raises ValueError where it is over Lambda's limit."""
    weights: Counter[str] = Counter()
    with ZipFile(package) as archive:
        for one in archive.infolist():
            weights[_part(one.filename)] += one.file_size
        files = len(archive.infolist())
    unpacked = weights.total()
    sizes = (package.stat().st_size, unpacked, LIMIT)
    packed, whole, allowed = (_megabytes(size) for size in sizes)
    lines = [f"{package.name}: {packed} packed, {whole} unpacked of {allowed}, {files} files"]
    lines += [f"  {_megabytes(size):>9}  {name}" for name, size in weights.most_common(_SHOWN)]
    if unpacked > LIMIT:
        raise ValueError("\n".join([*lines, "the package is too large for AWS Lambda"]))
    return lines


def _part(name: str) -> str:
    prefix = f"{LIBRARIES.relative_to(ROOT).as_posix()}/"
    return name.removeprefix(prefix).split("/", 1)[0]


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"
