"""The command line, with doubles in the place of the clouds: run as a process of its own."""

from __future__ import annotations

import signal

from bridge.cli import main
from tests.cli.doubles import replace_registry

# Who runs the tests in the background, or under nohup, hands ignored signals down to us.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
replace_registry()
main()
