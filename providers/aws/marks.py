"""Marks as tags: one per resource, its key naming installation, experiment and action.

Resources whose values are equal are written in one call, and all keys are removed in one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Final

from bridge.model.record import Record
from providers.aws.arns import ec2_arn
from providers.aws.batches import each_possible, plain_ids
from providers.aws.errors import actor
from providers.aws.session import AwsSession
from providers.contract import (
    DONE,
    TARGETS,
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
"""The limits for a tag, in characters: EC2's, and those of Auto Scaling (API reference, Tag)."""

MARK_RIGHTS: Final[tuple[Permission, ...]] = (
    *optional(
        "ec2:CreateTags",
        loses="rescue cannot find the resource if the database is lost",
        on=(TARGETS,),
    ),
    *optional(
        "ec2:DeleteTags",
        loses="rescue cannot find the resource if the database is lost",
        on=(TARGETS,),
        undoes=True,
    ),
)

_PAGE: Final = 1000


class TaggedFault(MarkedFault):
    """A fault that writes its undo on its resources as a tag; which API sets it is its own."""

    grant: ClassVar[str]
    """The statement of a policy that lets a role set and remove the tags."""

    @abstractmethod
    async def write(
        self, session: AwsSession, key: str, value: str | None, records: Sequence[Record]
    ) -> None:
        """Set the tag in one call, or remove it (``value`` None). Raises ProviderError."""

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
            outcomes |= await each_possible(alike, partial(self._tag, session, mark.key, value))
        return outcomes

    async def unmark(self, session: AwsSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Remove the tag, whatever its value."""
        return await each_possible(records, partial(self._tag, session, mark.key, None))

    async def _tag(
        self, session: AwsSession, key: str, value: str | None, records: Sequence[Record]
    ) -> Outcomes:
        try:
            await self.write(session, key, value, records)
        except DeniedError as refusal:
            # Marks are optional: one refusal answers for all, without a search for who may.
            grant = (
                f"{refusal} The marks need this in the policy of {actor(session.caller)}: "
                f"{self.grant}"
            )
            return {record.id: Outcome(OutcomeKind.REJECTED, grant) for record in records}
        return {record.id: DONE for record in records}


class MarkedEc2Fault(TaggedFault):
    """A fault on EC2 resources that writes its undo on them as a tag."""

    grant = (
        '{"Effect":"Allow","Action":["ec2:CreateTags","ec2:DeleteTags"],'
        '"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ec2:*:*:volume/*"],'
        f'"Condition":{{"ForAllValues:StringLike":{{"aws:TagKeys":"{PREFIX}*"}}}}}}'
    )

    async def write(
        self, session: AwsSession, key: str, value: str | None, records: Sequence[Record]
    ) -> None:
        """Call CreateTags or DeleteTags."""
        operation = "DeleteTags" if value is None else "CreateTags"
        tag = {"Key": key} if value is None else {"Key": key, "Value": value}
        await session.call("ec2", operation, Resources=plain_ids(records), Tags=[tag])


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
