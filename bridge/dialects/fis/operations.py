"""The 26 operations of FIS: where each is found and what its request holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.dialects.fis.requests import REQUESTS
from bridge.dialects.fis.shapes import Structure


@dataclass(frozen=True)
class Operation:
    """One operation as the service model describes it."""

    name: str
    method: str
    path: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Label in the path → member of the request."""
    query: tuple[str, ...] = ()
    """Members that come as query parameters."""

    @property
    def request(self) -> Structure | None:
        """What its request holds; None where the operation is not supported yet."""
        return REQUESTS.get(self.name)


def _plain(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_PAGE: Final = ("maxResults", "nextToken")
_TEMPLATE: Final = "/experimentTemplates/{id}"
_ACCOUNTS: Final = _TEMPLATE + "/targetAccountConfigurations"
_ACCOUNT: Final = _ACCOUNTS + "/{accountId}"
_OF_TEMPLATE: Final = {"id": "experimentTemplateId"}
_OF_EXPERIMENT: Final = {"id": "experimentId"}
_IN_ACCOUNT: Final = {**_OF_TEMPLATE, "accountId": "accountId"}
_TAGS: Final = "/tags/{resourceArn}"

_ALL: Final = (
    Operation("CreateExperimentTemplate", "POST", "/experimentTemplates"),
    Operation("ListExperimentTemplates", "GET", "/experimentTemplates", query=_PAGE),
    Operation("GetExperimentTemplate", "GET", _TEMPLATE, _plain("id")),
    Operation("UpdateExperimentTemplate", "PATCH", _TEMPLATE, _plain("id")),
    Operation("DeleteExperimentTemplate", "DELETE", _TEMPLATE, _plain("id")),
    Operation("CreateTargetAccountConfiguration", "POST", _ACCOUNT, _IN_ACCOUNT),
    Operation("GetTargetAccountConfiguration", "GET", _ACCOUNT, _IN_ACCOUNT),
    Operation("UpdateTargetAccountConfiguration", "PATCH", _ACCOUNT, _IN_ACCOUNT),
    Operation("DeleteTargetAccountConfiguration", "DELETE", _ACCOUNT, _IN_ACCOUNT),
    Operation("ListTargetAccountConfigurations", "GET", _ACCOUNTS, _OF_TEMPLATE, _PAGE),
    Operation("StartExperiment", "POST", "/experiments"),
    Operation("ListExperiments", "GET", "/experiments", query=(*_PAGE, "experimentTemplateId")),
    Operation("GetExperiment", "GET", "/experiments/{id}", _plain("id")),
    Operation("StopExperiment", "DELETE", "/experiments/{id}", _plain("id")),
    Operation(
        "ListExperimentResolvedTargets",
        "GET",
        "/experiments/{id}/resolvedTargets",
        _OF_EXPERIMENT,
        (*_PAGE, "targetName"),
    ),
    Operation(
        "ListExperimentTargetAccountConfigurations",
        "GET",
        "/experiments/{id}/targetAccountConfigurations",
        _OF_EXPERIMENT,
        ("nextToken",),
    ),
    Operation(
        "GetExperimentTargetAccountConfiguration",
        "GET",
        "/experiments/{id}/targetAccountConfigurations/{accountId}",
        {**_OF_EXPERIMENT, "accountId": "accountId"},
    ),
    Operation("ListActions", "GET", "/actions", query=_PAGE),
    Operation("GetAction", "GET", "/actions/{id}", _plain("id")),
    Operation("ListTargetResourceTypes", "GET", "/targetResourceTypes", query=_PAGE),
    Operation(
        "GetTargetResourceType",
        "GET",
        "/targetResourceTypes/{resourceType}",
        _plain("resourceType"),
    ),
    Operation("ListTagsForResource", "GET", _TAGS, _plain("resourceArn")),
    Operation("TagResource", "POST", _TAGS, _plain("resourceArn")),
    Operation("UntagResource", "DELETE", _TAGS, _plain("resourceArn"), ("tagKeys",)),
    Operation("GetSafetyLever", "GET", "/safetyLevers/{id}", _plain("id")),
    Operation("UpdateSafetyLeverState", "PATCH", "/safetyLevers/{id}/state", _plain("id")),
)

OPERATIONS: Final[Mapping[str, Operation]] = {operation.name: operation for operation in _ALL}
