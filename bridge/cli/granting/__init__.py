"""What is granted today beside what is needed, and putting it in order: `--check` and `--apply`."""

from __future__ import annotations

from bridge.cli.granting.comparing import Change, Checked
from bridge.cli.granting.grantor import Grantor

__all__ = ["Change", "Checked", "Grantor"]
