"""Where `lint --cluster` learns less from the real API server of the tests (1.20).

This is the whole list; each entry says what the emulator (1.32) does, what 1.20 does, and why.
"""

from __future__ import annotations

from tests.kubernetes_emulator.differences import Difference

WEBHOOKS = Difference(
    True,
    False,
    "no Chaos Mesh runs in the real cluster of the tests: nothing judges what the schema takes",
)
