"""Marks as EC2 tags: one per resource, its key naming installation, experiment and action.

Resources whose values are equal are written in one call, and all keys are removed in one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from bridge.model.record import Record
from providers.aws.arns import ec2_arn
from providers.aws.batches import each_possible, plain_ids
from providers.aws.errors import actor
from providers.aws.session import AwsSession
from providers.contract import (
    DONE,
    FoundMark,
    Mark,
    Outcome,
    OutcomeKind,
    Outcomes,
    Permission,
    optional,
)
from providers.marks import PREFIX, MarkedFault, found_mark, mark_text, note_foreign_marks
from providers.refusals import DeniedError

LONGEST_KEY: Final = 128
LONGEST_VALUE: Final = 256
"""EC2's limits for a tag, in characters."""

MARK_RIGHTS: Final[tuple[Permission, ...]] = optional(
    "ec2:CreateTags",
    "ec2:DeleteTags",
    loses="rescue cannot find the resource if the database is lost",
)

_PAGE: Final = 1000


class MarkedEc2Fault(MarkedFault):
    """A fault on EC2 resources that writes its undo on them as a tag."""

    async def mark(self, session: AwsSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Tag the resources; a record stays unmarked where the tag does not fit or is denied."""
        outcomes: dict[str, Outcome] = {}
        values: defaultdict[str, list[Record]] = defaultdict(list)
        for record in records:
            value = mark_text(mark, self.notes(record))
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


def note_marks(session: AwsSession, record: Record, tags: Sequence[Any]) -> None:
    """Note in the record's state which marks of others stand in a resource's tags."""
    note_foreign_marks(record, session.caller.installation, (tag["Key"] for tag in tags))


async def found_marks(session: AwsSession) -> list[FoundMark]:
    """Find every mark in the session's account and Region. Raises ProviderError."""
    filters = [{"Name": "key", "Values": [f"{PREFIX}*"]}]
    scope = session.caller.scope
    return [
        found_mark(
            scope,
            tag["Key"],
            tag.get("Value", ""),
            ec2_arn(scope, tag["ResourceType"], tag["ResourceId"]),
        )
        async for page in session.pages("ec2", "DescribeTags", Filters=filters, MaxResults=_PAGE)
        for tag in page["Tags"]
    ]
