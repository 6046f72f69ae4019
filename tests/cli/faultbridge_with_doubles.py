"""The command line, with doubles in the place of the clouds: run as a process of its own."""

from __future__ import annotations

from bridge.cli import main
from tests.cli.doubles import replace_registry

replace_registry()
main()
