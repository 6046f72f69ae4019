"""The data directory and its lock, which proves that a predecessor is dead."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from bridge.store.errors import DirectoryInUseError

if TYPE_CHECKING:
    from pathlib import Path


class DataDirectory:
    """An exclusive hold on a data directory for the life of the process.

    The kernel lets go of the lock when the process ends, however it ends; so whoever holds it
    may take over every lease in the directory's database at once.
    """

    def __init__(self, path: Path) -> None:
        """Create the directory where it is missing (readable by its owner only) and lock it.

        Raises DirectoryInUseError when another process holds it.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            msg = (
                f"{path} is in use by another bridge; "
                "speak to that one through FAULTBRIDGE_URL, or give another --data"
            )
            raise DirectoryInUseError(msg) from error

    def close(self) -> None:
        """Let go of the lock."""
        os.close(self._file)
