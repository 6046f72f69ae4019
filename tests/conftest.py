"""What tests of several folders share: a PostgreSQL, and a real Kubernetes API server."""

from __future__ import annotations

import gc
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.crash.summary import pytest_terminal_summary
from tests.postgresql.server import NoServerError, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pytest_terminal_summary", "real_kubeconfig"]

# Property tests give the same verdict on every machine, however busy. `make fuzz` tries more.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(os.environ.get("FAULTBRIDGE_FUZZ", "30")),
)
settings.load_profile("repeatable")

# The clouds' SDKs and their doubles are millions of objects, which stay: walking through them at
# the usual pace takes a quarter of the whole suite's time.
gc.set_threshold(100_000, 50, 100)

_SCRIPT = Path(__file__).parents[2] / "shared/tools/real-kube"


@contextmanager
def real_api_server(folder: Path, *options: str) -> Iterator[Path]:
    """Run a real API server in a folder, with options of the script; its kubeconfig is given.

    Skips the test where FAULTBRIDGE_REAL_KUBE names no script that can start one.
    """
    script = Path(os.environ.get("FAULTBRIDGE_REAL_KUBE", _SCRIPT))
    if not script.is_file():
        pytest.skip("no real API server here: FAULTBRIDGE_REAL_KUBE names no script")
    started = subprocess.run(
        [script, "start", *options, folder], capture_output=True, text=True, check=False
    )
    if started.returncode:
        pytest.skip(f"the real API server does not start: {started.stderr.strip()[-300:]}")
    try:
        yield Path(started.stdout.splitlines()[-1])
    finally:
        subprocess.run([script, "stop", "--rm", folder], capture_output=True, check=True)


@pytest.fixture(scope="session")
def real_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a real API server, started by the script of FAULTBRIDGE_REAL_KUBE.

    One server serves the whole session: a test uses names of its own, or cleans up.
    """
    with real_api_server(tmp_path_factory.mktemp("real")) as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL of this session's own; each test takes a database of its own on it."""
    try:
        server = Server.create()
    except NoServerError as error:
        if os.environ.get("CI"):
            raise  # where it counts, its absence is a failure
        pytest.skip(str(error))
    yield server
    server.remove()


@pytest.fixture
def postgresql_url(postgresql: Server) -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server."""
    url = postgresql.database()
    yield url
    postgresql.give_back(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on each system that the bridge runs on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'faultbridge.sqlite3'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url
