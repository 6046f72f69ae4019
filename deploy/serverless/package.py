"""Package the functions and prove the package: `make serverless-package`.

Nothing is asked of AWS: the Serverless Framework packages offline, cfn-lint checks the template
that comes of it, and moto applies what it knows of that.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from deploy.serverless import roles
from deploy.serverless.applied import PARAMETERS, UPDATE, apply
from deploy.serverless.contents import ROOT, report, vendor

FOLDER: Final = ROOT / "build" / "serverless"
"""What `serverless deploy --package build/serverless` deploys."""
_FRAMEWORK: Final = ROOT / "deploy" / "serverless" / "node_modules" / ".bin" / "serverless"
_NAMES: Final = {"Installation": "installation", "SecretArn": "secret"}


def main() -> int:
    """Do it all and say what came of it; return the exit code."""
    if roles.FILE.read_text("utf-8") != roles.text():
        return _failed("the bridge's policy is behind: python -m deploy.serverless.roles")
    vendor()
    asked = [f"--param={name}={PARAMETERS[key]}" for key, name in _NAMES.items()]
    folder = FOLDER.relative_to(ROOT)
    _run([_FRAMEWORK, "package", "--package", folder, *(sys.argv[1:] or asked)])
    package = FOLDER / "faultbridge.zip"
    try:
        _say(report(package))
    except ValueError as error:
        return _failed(str(error))
    # W3005: the framework names dependencies that follow from references too.
    _run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--ignore-checks",
            "W3005",
            "--",
            folder / UPDATE,
        ]
    )
    created, unknown = apply(FOLDER, package)
    _say([f"cfn-lint: nothing to say against {UPDATE}"])
    _say([f"moto: {len(created)} resources created, {len(unknown)} it does not know:"])
    _say(f"  {kind}: {name}" for name, kind in sorted(unknown.items(), key=lambda one: one[::-1]))
    return 0


def _run(command: list[object]) -> None:
    subprocess.run([str(one) for one in command], cwd=ROOT, check=True)  # noqa: S603 - our own arguments


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _failed(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
