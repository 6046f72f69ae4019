"""Write the policy of the bridge's own role: `python -m deploy.serverless.roles`.

It follows from what faults and stop sources declare; a test fails where the file is behind.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from bridge.catalog import Catalog
from bridge.catalog.grants.bridge_role import bridge_policy
from bridge.settings import Settings

FILE: Final = Path(__file__).with_name("bridge-policy.json")


def text() -> str:
    """Return what the file should hold."""
    policy = bridge_policy(Catalog(Settings()), {"Ref": "ExperimentRoles"})
    return json.dumps(policy, indent=2) + "\n"


def main() -> int:
    """Rewrite the file if it is behind, and say so; return the exit code."""
    new = text()
    if not FILE.exists() or FILE.read_text("utf-8") != new:
        FILE.write_text(new, "utf-8")
        sys.stdout.write(f"deploy/serverless/{FILE.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
