"""Every action that a policy can speak about here, with its resources and condition keys.

FIS's are those of the Service Authorization Reference, "Actions, resources, and condition keys for
AWS Fault Injection Service"; ``faultbridge:`` ones are ours, for what FIS has no operation for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from iam.policy.wildcards import matches_ignoring_case

REQUEST_TAG: Final = "aws:RequestTag/"
RESOURCE_TAG: Final = "aws:ResourceTag/"
TAG_KEYS: Final = "aws:TagKeys"
PASSED_TO: Final = "iam:PassedToService"
DIGEST: Final = "faultbridge:TemplateDigest"
EVERYWHERE: Final = (
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:RequestedRegion",
    "aws:SourceIp",
    "faultbridge:Groups",
    "faultbridge:Principal",
    "faultbridge:PrincipalKind",
)
"""Keys that come with every request (those of AWS principals only with theirs)."""
MULTIVALUED: Final = frozenset({TAG_KEYS.lower(), "faultbridge:groups"})
"""Keys with several values, in lower case."""
_INJECT_KEYS: Final = ("fis:Operations", "fis:Percentage", "fis:Service", "fis:Targets")
_TAGS: Final = (REQUEST_TAG, TAG_KEYS)


class Level(StrEnum):
    """How AWS classifies actions."""

    LIST = "List"
    READ = "Read"
    WRITE = "Write"
    TAGGING = "Tagging"
    PERMISSIONS = "Permissions management"


@dataclass(frozen=True, slots=True)
class Action:
    """One action."""

    name: str
    level: Level
    resources: tuple[str, ...] = ()
    """Kinds of the resources it is asked on, each of them; none: it is asked on ``*``."""
    keys: tuple[str, ...] = ()
    """Condition keys beside those of every request; one ending in ``/`` takes a tag's key."""
    note: str = ""

    @property
    def plain_read(self) -> bool:
        """Whether it changes nothing."""
        return self.level in (Level.LIST, Level.READ)


RESOURCES: Final[Mapping[str, str]] = {
    "experiment-template": "arn:aws:fis:REGION:ACCOUNT:experiment-template/ID",
    "experiment": "arn:aws:fis:REGION:ACCOUNT:experiment/ID",
    "action": "arn:aws:fis:REGION:ACCOUNT:action/ID",
    "safety-lever": "arn:aws:fis:REGION:ACCOUNT:safety-lever/default",
    "role": "the role's ARN",
    "schedule": "arn:aws:faultbridge:REGION:ACCOUNT:schedule/ID",
    "action-template": "arn:aws:faultbridge:REGION:ACCOUNT:action-template/NAME",
    "policy": "arn:aws:faultbridge:REGION:ACCOUNT:policy/NAME",
}
"""The ARNs of each kind of resource; ours are named as those of AWS's services are."""

_TEMPLATE, _RUN, _ACTION = ("experiment-template",), ("experiment",), ("action",)
_TAGGED: Final = (RESOURCE_TAG,)
_ANY_FIS: Final = ("action, experiment or experiment-template",)
_OURS: Final = "faultbridge:"
_NEVER: Final = "never asked of callers: a right of the experiment's role"
_UNSUPPORTED: Final = "the operation itself is not supported yet"


def _fis() -> Iterator[Action]:
    yield Action(
        "CreateExperimentTemplate",
        Level.WRITE,
        ("action", "experiment-template"),
        _TAGS,
        "with iam:PassRole on its role; with fis:TagResource where it has tags",
    )
    yield Action(
        "UpdateExperimentTemplate",
        Level.WRITE,
        ("action", "experiment-template"),
        (*_TAGS, RESOURCE_TAG),
        "every action of the whole new template, with iam:PassRole on its role",
    )
    for name in ("GetExperimentTemplate", "DeleteExperimentTemplate"):
        level = Level.READ if name.startswith("Get") else Level.WRITE
        yield Action(name, level, _TEMPLATE, _TAGGED)
    yield Action("ListExperimentTemplates", Level.LIST)
    yield Action(
        "StartExperiment",
        Level.WRITE,
        ("experiment", "experiment-template"),
        (*_TAGS, RESOURCE_TAG, DIGEST),
        "with fis:TagResource where the run has tags; an explicit Deny on an action of the "
        "template, or of iam:PassRole on its role, counts too",
    )
    yield Action("StopExperiment", Level.WRITE, _RUN, _TAGGED)
    yield Action("GetExperiment", Level.READ, _RUN, _TAGGED)
    yield Action("ListExperiments", Level.LIST)
    yield Action("ListExperimentResolvedTargets", Level.LIST, _RUN, _TAGGED)
    yield Action("GetAction", Level.READ, _ACTION)
    yield Action("ListActions", Level.LIST)
    yield Action("GetTargetResourceType", Level.READ)
    yield Action("ListTargetResourceTypes", Level.LIST)
    yield Action("ListTagsForResource", Level.READ, _ANY_FIS, _TAGGED)
    yield Action("TagResource", Level.TAGGING, _ANY_FIS, (*_TAGS, RESOURCE_TAG))
    yield Action("UntagResource", Level.TAGGING, _ANY_FIS, (TAG_KEYS, RESOURCE_TAG))
    yield Action("GetSafetyLever", Level.READ, ("safety-lever",))
    yield Action("UpdateSafetyLeverState", Level.WRITE, ("safety-lever",))
    for verb, level in (
        ("Create", Level.WRITE),
        ("Update", Level.WRITE),
        ("Delete", Level.WRITE),
        ("Get", Level.READ),
    ):
        name = f"{verb}TargetAccountConfiguration"
        yield Action(name, level, _TEMPLATE, _TAGGED, _UNSUPPORTED)
    yield Action("ListTargetAccountConfigurations", Level.LIST, _TEMPLATE, _TAGGED, _UNSUPPORTED)
    for name, level in (
        ("GetExperimentTargetAccountConfiguration", Level.READ),
        ("ListExperimentTargetAccountConfigurations", Level.LIST),
    ):
        yield Action(name, level, _RUN, _TAGGED, _UNSUPPORTED)
    for name in ("InternalError", "ThrottleError", "UnavailableError"):
        yield Action(f"InjectApi{name}", Level.WRITE, ("role",), _INJECT_KEYS, _NEVER)


def _ours() -> Iterator[Action]:
    yield Action("ValidateTemplate", Level.READ, note="`faultbridge validate` against a bridge")
    yield Action("GetGrants", Level.READ, note="with fis:GetExperimentTemplate on a stored one")
    yield Action(
        "PreflightTemplate",
        Level.WRITE,  # it changes nothing, but the bridge acts as the role, so it is logged
        _TEMPLATE,
        _TAGGED,
        "asks clouds and clusters as the template's role; of a document on `*`, with iam:PassRole",
    )
    yield Action(
        "ReleaseRecord", Level.WRITE, _RUN, _TAGGED, "give up undoing one resource of a run"
    )
    schedule = ("schedule",)
    yield Action(
        "CreateSchedule",
        Level.WRITE,
        schedule,
        _TAGS,
        "with everything that starting the template needs",
    )
    yield Action(
        "UpdateSchedule",
        Level.WRITE,
        schedule,
        _TAGS,
        "with everything that starting the template needs",
    )
    yield Action("GetSchedule", Level.READ, schedule)
    yield Action("ListSchedules", Level.LIST)
    yield Action("DeleteSchedule", Level.WRITE, schedule)
    template = ("action-template",)
    yield Action("PutActionTemplate", Level.WRITE, template, note="create it, or add a version")
    yield Action("GetActionTemplate", Level.READ, template)
    yield Action("ListActionTemplates", Level.LIST)
    yield Action("DeleteActionTemplate", Level.WRITE, template)
    policy = ("policy",)
    yield Action("GetPolicy", Level.READ, policy)
    yield Action("ListPolicies", Level.LIST)
    for name in ("PutPolicy", "DeletePolicy", "AttachPolicy", "DetachPolicy"):
        yield Action(name, Level.PERMISSIONS, policy, note="whoever may do this may do anything")
    yield Action("SimulatePolicy", Level.READ, note="reads every policy")
    yield Action("ListAudit", Level.LIST)


def _named(prefix: str, found: Iterator[Action]) -> Iterator[tuple[str, Action]]:
    for one in found:
        name = f"{prefix}{one.name}"
        yield name, Action(name, one.level, one.resources, one.keys, one.note)


ACTIONS: Final[Mapping[str, Action]] = {
    **dict(_named("fis:", _fis())),
    "iam:PassRole": Action(
        "iam:PassRole",
        Level.PERMISSIONS,
        ("role",),
        (PASSED_TO,),
        "asked when a template with the role is created or updated",
    ),
    **dict(_named(_OURS, _ours())),
}
"""Every action by its name."""
SERVICES: Final = frozenset(name.partition(":")[0] for name in ACTIONS)


KEYS: Final = tuple(
    dict.fromkeys((*EVERYWHERE, *(key for one in ACTIONS.values() for key in one.keys)))
)
"""Every condition key; one that ends in a slash is followed by a tag's key."""


def meant(pattern: str) -> list[Action]:
    """Return the actions that a pattern of a policy speaks about."""
    return [one for name, one in ACTIONS.items() if matches_ignoring_case(pattern, name)]


def known_key(key: str) -> str | None:
    """Return how a condition key is known here, whatever its capitals; None if it is not."""
    folded = key.lower()
    for one in KEYS:
        if one.endswith("/"):
            if folded.startswith(one.lower()) and len(folded) > len(one):
                return one
        elif folded == one.lower():
            return one
    return None


def takes(action: Action, key: str) -> bool:
    """Whether a key, as `known_key` returns it, can come with an action."""
    return key in EVERYWHERE or key in action.keys
