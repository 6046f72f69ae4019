"""The policies that are built in; they can be attached, and neither changed nor deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from iam.policy.actions import ACTIONS, Level
from iam.policy.document import Policy
from iam.policy.reading import VERSION, read_policy

ADMINISTRATOR: Final = "FaultbridgeAdministrator"
OPERATOR: Final = "FaultbridgeOperator"
VIEWER: Final = "FaultbridgeViewer"
AUTHOR: Final = "FaultbridgeAuthor"

_SECRET: Final = frozenset(
    {"faultbridge:ListAudit", "faultbridge:SimulatePolicy"}
    | {"faultbridge:GetPolicy", "faultbridge:ListPolicies"}
)
"""Reads that tell who may do what; for administrators."""
_READS: Final = tuple(
    name for name, one in ACTIONS.items() if one.plain_read and name not in _SECRET
)
_OPERATES: Final = (
    *("fis:StartExperiment", "fis:StopExperiment", "fis:UpdateSafetyLeverState"),
    *("faultbridge:ReleaseRecord",),
)
_WRITES: Final = tuple(
    name
    for name, one in ACTIONS.items()
    if (one.level in (Level.WRITE, Level.TAGGING) or name == "iam:PassRole")
    and name not in _OPERATES
    and not name.startswith("fis:InjectApi")
)


def _document(sid: str, actions: Sequence[str]) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": VERSION, "Statement": [statement]}


DOCUMENTS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    ADMINISTRATOR: ("Everything.", _document("Everything", ["*"])),
    AUTHOR: (
        "Write templates, action templates and schedules, with any role; start and stop.",
        _document("Author", [*_READS, *_WRITES, "fis:StartExperiment", "fis:StopExperiment"]),
    ),
    OPERATOR: (
        "Start and stop what others have written; move the safety lever; release records.",
        _document("Operate", [*_READS, "fis:TagResource", *_OPERATES]),
    ),
    VIEWER: ("See templates, runs and schedules; change nothing.", _document("View", _READS)),
}
"""Name → description and document."""

MANAGED: Final[Mapping[str, Policy]] = {
    name: read_policy(document, name=name).policy for name, (_, document) in DOCUMENTS.items()
}
"""The same, read."""
