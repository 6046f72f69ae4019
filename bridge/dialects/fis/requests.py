"""What each FIS request may hold: the service model's limits, member by member.

A test compares this table with botocore's service model. Where we differ on purpose, the
difference is one of two kinds: a `Refused` member, or an entry of `Entries.exceptions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.dialects.fis.shapes import (
    ANYTHING,
    NOT_BLANK,
    NOT_EMPTY,
    TARGET_PARAMETER,
    Entries,
    Items,
    Refused,
    Shape,
    Structure,
    Text,
    Whole,
)

LONGEST_SPEC: Final = 65_536
"""Longest ``kubernetesSpec`` that we take. Real FIS takes 1024 characters, as of any parameter;
few chaos specs with selectors and stressors fit into that. ``validate`` warns beyond it."""
LONGEST_PARAMETER: Final = 1024

_ROLE_EXAMPLE: Final = "arn:aws:iam::123456789012:role/my-fis-role"

_ID = Text(64, NOT_BLANK)
_NAME = Text(64, NOT_BLANK)
_LONG_ID = Text(128, NOT_BLANK)
_DESCRIPTION = Text(512, NOT_EMPTY)
_ROLE = Text(2048, NOT_BLANK, least=20, example=_ROLE_EXAMPLE)
_ARN = Text(2048, NOT_BLANK, least=20, example="arn:aws:ec2:us-east-1:123456789012:instance/i-0a1b")
_TOKEN = Text(1024, NOT_BLANK, least=1, example="6f4e9e2c-9d6b-4f0e-8a35-6c0f0b1d2e3f")
_TAGS = Entries(Text(128, NOT_EMPTY), Text(256, ANYTHING), most=50)
_NEXT_TOKEN = Text(1024, NOT_BLANK, least=1)
_PAGE: Final[Mapping[str, Shape]] = {"maxResults": Whole(1, 100), "nextToken": _NEXT_TOKEN}

_FILTER = Structure(
    {"path": Text(256, NOT_BLANK), "values": Items(_LONG_ID)}, frozenset({"path", "values"})
)
_TARGET = Structure(
    {
        "resourceType": Text(128, NOT_BLANK, example="aws:ec2:instance"),
        "resourceArns": Items(_ARN, most=5),
        "resourceTags": _TAGS,
        "filters": Items(_FILTER),
        "selectionMode": Text(64, NOT_BLANK, example="ALL"),
        "parameters": Entries(_NAME, Text(1024, TARGET_PARAMETER, least=1)),
    },
    frozenset({"resourceType", "selectionMode"}),
)
_ACTION_MEMBERS: Final[Mapping[str, Shape]] = {
    "actionId": Text(128, NOT_BLANK, example="aws:ec2:stop-instances"),
    "description": _DESCRIPTION,
    "parameters": Entries(
        _NAME,
        Text(LONGEST_PARAMETER, NOT_BLANK),
        exceptions={"kubernetesSpec": Text(LONGEST_SPEC, NOT_BLANK)},
    ),
    "targets": Entries(_NAME, _NAME),
    "startAfter": Items(_NAME),
}
_STOP_CONDITION = Structure(
    {
        "source": Text(64, NOT_BLANK, example="aws:cloudwatch:alarm"),
        "value": Text(
            2048,
            NOT_EMPTY,
            least=20,
            example="arn:aws:cloudwatch:us-east-1:123456789012:alarm:latency",
        ),
    },
    frozenset({"source"}),
)
_LOGGING = Refused(
    "logging to CloudWatch Logs or S3 is not supported yet: remove it, "
    "and read what happened from the experiment's journal"
)
_REPORT = Refused("experiment reports are not supported yet: remove it")
_ACCOUNTS = Text(
    choices=("single-account", "multi-account"),
    refused={
        "multi-account": "targets in several accounts are not supported yet: "
        'remove it, or write "single-account"'
    },
)
_EMPTY_MODE = Text(choices=("fail", "skip"))

CREATE_TEMPLATE: Final = Structure(
    {
        "clientToken": _TOKEN,
        "description": _DESCRIPTION,
        "stopConditions": Items(_STOP_CONDITION),
        "targets": Entries(_NAME, _TARGET),
        "actions": Entries(_NAME, Structure(_ACTION_MEMBERS, frozenset({"actionId"}))),
        "roleArn": _ROLE,
        "tags": _TAGS,
        "logConfiguration": _LOGGING,
        "experimentOptions": Structure(
            {"accountTargeting": _ACCOUNTS, "emptyTargetResolutionMode": _EMPTY_MODE}
        ),
        "experimentReportConfiguration": _REPORT,
    },
    frozenset({"clientToken", "description", "stopConditions", "actions", "roleArn"}),
)

UPDATE_TEMPLATE: Final = Structure(
    {
        "id": _ID,
        "description": _DESCRIPTION,
        "stopConditions": Items(_STOP_CONDITION),
        "targets": Entries(_NAME, _TARGET),
        "actions": Entries(_NAME, Structure(_ACTION_MEMBERS)),
        "roleArn": _ROLE,
        "logConfiguration": _LOGGING,
        "experimentOptions": Structure({"emptyTargetResolutionMode": _EMPTY_MODE}),
        "experimentReportConfiguration": _REPORT,
    },
    frozenset({"id"}),
)

_ONE: Final = Structure({"id": _ID}, frozenset({"id"}))
_TAGGED: Final = Text(
    2048,
    NOT_BLANK,
    least=20,
    example="arn:aws:fis:us-east-1:123456789012:experiment-template/EXT1234567890abcde",
)

REQUESTS: Final[Mapping[str, Structure]] = {
    "CreateExperimentTemplate": CREATE_TEMPLATE,
    "UpdateExperimentTemplate": UPDATE_TEMPLATE,
    "GetExperimentTemplate": _ONE,
    "DeleteExperimentTemplate": _ONE,
    "ListExperimentTemplates": Structure(_PAGE),
    "StartExperiment": Structure(
        {
            "clientToken": _TOKEN,
            "experimentTemplateId": _ID,
            "experimentOptions": Structure({"actionsMode": Text(choices=("skip-all", "run-all"))}),
            "tags": _TAGS,
        },
        frozenset({"clientToken", "experimentTemplateId"}),
    ),
    "GetExperiment": _ONE,
    "StopExperiment": _ONE,
    "ListExperiments": Structure({**_PAGE, "experimentTemplateId": _ID}),
    "ListExperimentResolvedTargets": Structure(
        {"experimentId": _ID, **_PAGE, "targetName": _NAME}, frozenset({"experimentId"})
    ),
    "GetAction": Structure({"id": _LONG_ID}, frozenset({"id"})),
    "ListActions": Structure(_PAGE),
    "GetTargetResourceType": Structure({"resourceType": _LONG_ID}, frozenset({"resourceType"})),
    "ListTargetResourceTypes": Structure(_PAGE),
    "ListTagsForResource": Structure({"resourceArn": _TAGGED}, frozenset({"resourceArn"})),
    "TagResource": Structure(
        {"resourceArn": _TAGGED, "tags": _TAGS}, frozenset({"resourceArn", "tags"})
    ),
    "UntagResource": Structure(
        {"resourceArn": _TAGGED, "tagKeys": Items(Text(128, NOT_EMPTY))},
        frozenset({"resourceArn"}),
    ),
    "GetSafetyLever": _ONE,
    "UpdateSafetyLeverState": Structure(
        {
            "id": _ID,
            "state": Structure(
                {"status": Text(choices=("disengaged", "engaged")), "reason": Text()},
                frozenset({"status", "reason"}),
            ),
        },
        frozenset({"id", "state"}),
    ),
}
"""Operation → what its request holds, path labels and query parameters among the members."""
