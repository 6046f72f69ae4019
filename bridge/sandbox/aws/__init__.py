"""An AWS account on loopback with the real rules, and a small estate in it to break.

Importing this package loads moto; whoever must start quickly imports it where it is used.
"""

from __future__ import annotations

from bridge.sandbox.aws.estate import Estate, build
from bridge.sandbox.aws.server import AwsEmulator
from bridge.sandbox.calls import Call
from bridge.sandbox.clock import VirtualClock

__all__ = ["AwsEmulator", "Call", "Estate", "VirtualClock", "build"]
