"""The undo as a tag on the touched resource, for ``rescue`` after the database is lost.

One tag per resource: the key names installation, experiment and action; the value holds words
``name=value`` parted by blanks, readable by the person who finds it in the console::

    faultbridge:lab:EXPabc/stop = v=1 fault=aws:ec2:stop-instances until=2026-01-31T12:00:00Z
                                  as=arn:aws:iam::123456789012:role/fis prior=running

Resources whose values are equal are written in one call, and all keys are removed in one.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from bridge.model.moment import Micros, iso_timestamp, micros, timestamp
from bridge.model.record import Phase, Record
from bridge.model.scope import Scope
from providers import registry
from providers.aws.arns import ec2_arn
from providers.aws.batches import each_possible, plain_ids
from providers.aws.errors import DeniedError, actor
from providers.aws.session import AwsSession
from providers.contract import (
    DONE,
    Fault,
    FoundMark,
    Mark,
    Outcome,
    OutcomeKind,
    Outcomes,
    Permission,
    Subject,
    optional,
)

PREFIX: Final = "faultbridge:"
VERSION: Final = "1"
LONGEST_KEY: Final = 128
LONGEST_VALUE: Final = 256
"""EC2's limits for a tag, in characters."""

MARK_RIGHTS: Final[tuple[Permission, ...]] = optional(
    "ec2:CreateTags",
    "ec2:DeleteTags",
    loses="rescue cannot find the resource if the database is lost",
)

_KEY = re.compile(
    rf"{PREFIX}(?P<installation>[^:/]+):(?P<experiment>[^:/]+)/(?P<action>.+)", re.DOTALL
)
_PAGE: Final = 1000


class MarkedFault(Fault):
    """A fault on EC2 resources that writes its undo on them as a tag."""

    @abstractmethod
    def notes(self, record: Record) -> dict[str, str]:
        """Return what undoing needs of the record's state, as words without blanks."""

    @abstractmethod
    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:
        """Rebuild state and touches from ``notes``. Raises KeyError or ValueError."""

    async def mark(self, session: AwsSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Tag the resources; a record stays unmarked where the tag does not fit or is denied."""
        outcomes: dict[str, Outcome] = {}
        values: defaultdict[str, list[Record]] = defaultdict(list)
        for record in records:
            value = _value(mark, self.notes(record))
            if len(mark.key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
                outcomes[record.id] = Outcome(
                    OutcomeKind.REJECTED,
                    f"not marked: a tag holds {LONGEST_KEY} characters of key and {LONGEST_VALUE} "
                    f"of value, the mark has {len(mark.key)} and {len(value)}; shorten the "
                    "action's name or the role's",
                )
            else:
                values[value].append(record)
        for value, alike in values.items():
            send = partial(_tag, session, "CreateTags", {"Key": mark.key, "Value": value})
            outcomes |= await each_possible(alike, send)
        return outcomes

    async def unmark(self, session: AwsSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Remove the tag, whatever its value."""
        send = partial(_tag, session, "DeleteTags", {"Key": mark.key})
        return await each_possible(records, send)

    def foreign_mark(self, record: Record) -> str | None:
        """Return the first foreign mark that ``prepare`` noted."""
        return foreign_mark(record)


async def _tag(
    session: AwsSession, operation: str, tag: dict[str, str], records: Sequence[Record]
) -> Outcomes:
    try:
        await session.call("ec2", operation, Resources=plain_ids(records), Tags=[tag])
    except DeniedError as refusal:
        # Marks are optional: one refusal answers for all, without a search for who is allowed.
        grant = (
            f"{refusal} The marks need this in the policy of {actor(session.caller)}: "
            '{"Effect":"Allow","Action":["ec2:CreateTags","ec2:DeleteTags"],'
            '"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ec2:*:*:volume/*"],'
            f'"Condition":{{"ForAllValues:StringLike":{{"aws:TagKeys":"{PREFIX}*"}}}}}}'
        )
        return {record.id: Outcome(OutcomeKind.REJECTED, grant) for record in records}
    return {record.id: DONE for record in records}


def note_foreign_marks(session: AwsSession, record: Record, tags: Sequence[Any]) -> None:
    """Note in the record's state which marks of others stand in a resource's tags.

    A mark is foreign unless this installation and this experiment wrote it.
    """
    experiment = record.id.partition("/")[0]
    own = f"{PREFIX}{session.caller.installation}:{experiment}/"
    keys = sorted(tag["Key"] for tag in tags if tag["Key"].startswith(PREFIX))
    record.state.pop("marks", None)
    if foreign := [key for key in keys if not key.startswith(own)]:
        record.state["marks"] = foreign


def foreign_mark(record: Record) -> str | None:
    """Return the first of the foreign marks noted in a record, or None."""
    marks: list[str] = record.state.get("marks", [])
    return marks[0] if marks else None


async def found_marks(session: AwsSession) -> list[FoundMark]:
    """Find every mark in the session's account and Region. Raises ProviderError."""
    filters = [{"Name": "key", "Values": [f"{PREFIX}*"]}]
    return [
        _found(session.caller.scope, tag)
        async for page in session.pages("ec2", "DescribeTags", Filters=filters, MaxResults=_PAGE)
        for tag in page["Tags"]
    ]


def _value(mark: Mark, notes: Mapping[str, str]) -> str:
    words = {
        "v": VERSION,
        "fault": mark.fault,
        "until": "-" if mark.deadline is None else iso_timestamp(mark.deadline),
        "as": mark.identity,
        **notes,
    }
    return " ".join(f"{name}={value}" for name, value in words.items())


def _found(scope: Scope, tag: Mapping[str, str]) -> FoundMark:
    key = _KEY.fullmatch(tag["Key"])
    words = dict(word.split("=", 1) for word in tag.get("Value", "").split(" ") if "=" in word)
    mark = Mark(
        installation=key["installation"] if key else "",
        experiment=key["experiment"] if key else "",
        action=key["action"] if key else tag["Key"].removeprefix(PREFIX),
        fault=words.get("fault", ""),
        deadline=_moment(words.get("until", "")),
        identity=words.get("as", ""),
    )
    resource = ec2_arn(scope, tag["ResourceType"], tag["ResourceId"])
    record = Record(
        id=f"{mark.experiment}/{mark.action}/{tag['ResourceId']}",
        action=mark.action,
        holders=(mark.action,),
        fault=mark.fault,
        resource=resource,
        effect=None,
        phase=Phase.INJECTED,
        marked=True,
    )
    problem = "" if key else f"its key is not one of ours: {tag['Key']}"
    return FoundMark(mark, record, problem or _recall(scope, record, words))


def _recall(scope: Scope, record: Record, words: Mapping[str, str]) -> str:
    """Fill in the record from the tag's words; return why that cannot be done, or nothing."""
    if words.get("v") != VERSION:
        version = words.get("v", "none")[:16]
        return f"its version is {version}, this bridge reads version {VERSION}"
    if not words.get("as"):
        return "it does not say as whom the fault was made"
    fault = registry.fault(record.fault) if record.fault in registry.FAULTS else None
    if not isinstance(fault, MarkedFault):
        return f"this bridge knows no such fault on EC2: {record.fault[:64] or 'none named'}"
    try:
        subject = fault.recall(scope, record.resource, words)
    except (KeyError, ValueError):
        return "what undoing needs cannot be read from its value"
    record.effect = fault.effect
    record.state = subject.state
    record.touches = subject.touches
    return ""


def _moment(text: str) -> Micros | None:
    try:
        return micros(datetime.fromisoformat(text) - timestamp(Micros(0)))
    except (ValueError, TypeError):
        return None
