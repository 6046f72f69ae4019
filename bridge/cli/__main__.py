"""`python -m bridge.cli`: the command line where its script is not installed."""

from __future__ import annotations

from bridge.cli import main

main()
