"""Names of policies, as IAM has them."""

from __future__ import annotations

import re
from typing import Any, Final

LONGEST: Final = 128
_NAME: Final = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


def name_problem(name: Any) -> str | None:
    """Return what is wrong with a policy's name; None where nothing is."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return None
    return f"must be 1 to {LONGEST} letters, digits or any of _+=,.@-, such as payments-operators"
