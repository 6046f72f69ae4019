"""What each route asks for: the list that the tests walk the application's routes by.

A route that is not here fails a test, as one does that asks for something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.dialects.fis.operations import OPERATIONS


@dataclass(frozen=True)
class Rule:
    """The actions that a route may ask for; without any it is open, and says why."""

    actions: tuple[str, ...] = ()
    open: str = ""


_START: Final = ("fis:StartExperiment", "fis:TagResource", "iam:PassRole")
_CREATE: Final = ("fis:CreateExperimentTemplate", "fis:TagResource", "iam:PassRole")
_FURTHER: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateExperimentTemplate": _CREATE,
    "UpdateExperimentTemplate": (
        "fis:UpdateExperimentTemplate",
        "iam:PassRole",
        "fis:StartExperiment",  # where schedules start it
    ),
    "StartExperiment": _START,
}


def _fis() -> dict[tuple[str, str], Rule]:
    found = {}
    for operation in OPERATIONS.values():
        path = operation.path.replace("{resourceArn}", "{resourceArn:path}")
        path = path.replace("/actions/{id}", "/actions/{id:path}")
        actions = _FURTHER.get(operation.name, (f"fis:{operation.name}",))
        found[operation.method, path] = Rule(actions)
    return found


def _ours(*names: str) -> Rule:
    return Rule(tuple(f"faultbridge:{name}" for name in names))


_RUN: Final = "/v1/experiments/{experiment_id}"
_SCHEDULE: Final = "/v1/schedules/{schedule_id}"
_ACTION_TEMPLATE: Final = "/v1/action-templates/{reference}"
_POLICY: Final = "/v1/policies/{name}"
_DESCRIBES: Final = "it describes the program, not what is stored"
_HEALTH: Final = "an orchestrator asks; it tells nothing of what is stored"

RULES: Final[Mapping[tuple[str, str], Rule]] = {
    **_fis(),
    ("POST", "/v1/validate"): _ours("ValidateTemplate"),
    ("POST", "/v1/preflight"): Rule(("faultbridge:PreflightTemplate", "iam:PassRole")),
    ("POST", "/v1/experiments"): Rule((*_START, "fis:CreateExperimentTemplate")),
    ("GET", "/v1/experiments"): Rule(("fis:ListExperiments",)),
    ("GET", _RUN): Rule(("fis:GetExperiment",)),
    ("GET", f"{_RUN}/phase"): Rule(("fis:GetExperiment",)),
    ("GET", f"{_RUN}/events"): Rule(("fis:GetExperiment",)),
    ("POST", f"{_RUN}/stop"): Rule(("fis:StopExperiment",)),
    ("POST", f"{_RUN}/records/{{record_id:path}}/release"): _ours("ReleaseRecord"),
    ("POST", "/v1/signals"): Rule(
        open="monitoring systems send here, with the tokens of FAULTBRIDGE_SIGNAL_TOKENS or signed"
    ),
    ("GET", "/v1/lever"): Rule(("fis:GetSafetyLever",)),
    ("PUT", "/v1/lever"): Rule(("fis:UpdateSafetyLeverState",)),
    ("POST", "/v1/schedules"): Rule(
        ("faultbridge:CreateSchedule", *_START, "fis:CreateExperimentTemplate")
    ),
    ("GET", "/v1/schedules"): _ours("ListSchedules"),
    ("GET", _SCHEDULE): _ours("GetSchedule"),
    ("PATCH", _SCHEDULE): Rule(("faultbridge:UpdateSchedule", *_START)),
    ("DELETE", _SCHEDULE): _ours("DeleteSchedule"),
    ("POST", "/v1/action-templates"): _ours("PutActionTemplate"),
    ("GET", "/v1/action-templates"): _ours("ListActionTemplates"),
    ("GET", _ACTION_TEMPLATE): _ours("GetActionTemplate"),
    ("DELETE", _ACTION_TEMPLATE): _ours("DeleteActionTemplate"),
    ("POST", f"{_ACTION_TEMPLATE}/versions"): _ours("PutActionTemplate"),
    ("GET", "/v1/actions"): Rule(("fis:ListActions",)),
    ("GET", "/v1/actions/{action_id:path}"): Rule(("fis:GetAction",)),
    ("GET", "/v1/policies"): _ours("ListPolicies"),
    ("GET", _POLICY): _ours("GetPolicy"),
    ("PUT", _POLICY): _ours("PutPolicy"),
    ("DELETE", _POLICY): _ours("DeletePolicy"),
    ("POST", f"{_POLICY}/attach"): _ours("AttachPolicy"),
    ("POST", f"{_POLICY}/detach"): _ours("DetachPolicy"),
    ("POST", "/v1/policy-simulation"): _ours("SimulatePolicy"),
    ("GET", "/v1/audit"): _ours("ListAudit"),
    ("POST", "/v1/grants"): Rule(("faultbridge:GetGrants", "fis:GetExperimentTemplate")),
    ("GET", "/healthz"): Rule(open=_HEALTH),
    ("GET", "/readyz"): Rule(open=_HEALTH),
    ("GET", "/openapi.json"): Rule(open=_DESCRIBES),
    ("GET", "/v1/schemas"): Rule(open=_DESCRIBES),
    ("GET", "/v1/schemas/any"): Rule(open=_DESCRIBES),
    ("GET", "/v1/schemas/{group}/{version}/{kind}"): Rule(open=_DESCRIBES),
    ("*", "/v1/{rest:path}"): Rule(open="there is no such operation, as it says"),
}
"""Method and path → what is asked."""
