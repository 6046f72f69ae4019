"""The policies that hold now: built-in, from the file, and stored, with whom they are for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.model.problem import InvalidDocumentError
from iam.policy import MANAGED, Attachment, Policy, StoredPolicy, policies_of, read_policy
from iam.principal import Principal

if TYPE_CHECKING:
    from bridge.model.scope import Scope
    from bridge.store import Store

_log = logging.getLogger(__name__)

Pairs = Sequence[tuple[Policy, Attachment]]
_FROM_FILE: Final = " (file)"
_UNREADABLE: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "UnreadableByThisVersion", "Effect": "Deny", "Action": "*", "Resource": "*"}
    ],
}


@dataclass
class Attached:
    """The policies of one bridge, read again as soon as one of them has changed.

    Asking whether any has costs one short read for each request: what one bridge on the database
    forbids, all of them forbid with their next request.
    """

    store: Store
    scope: Scope
    file: Mapping[str, StoredPolicy] = field(default_factory=dict)
    """Those of the policy file, by name."""
    _generation: int = -1
    _pairs: Pairs = ()

    async def of(self, principal: Principal) -> list[Policy]:
        """Return a principal's policies."""
        generation = await self.store.policy_generation(self.scope)
        if generation != self._generation:
            stored = await self.store.policies(self.scope)
            # Read after the number: a change in between is seen again, never missed.
            self._pairs = effective(self.file, stored)
            self._generation = generation
        return policies_of(principal, self._pairs)


def effective(file: Mapping[str, StoredPolicy], stored: Iterable[StoredPolicy]) -> Pairs:
    """Return the policies that hold, with whom they are for.

    One of the file replaces a stored one of its name; attachments of a built-in one add up.
    """
    found = [(as_policy(one, _FROM_FILE), one.attachment) for one in file.values()]
    return found + [
        (as_policy(one), one.attachment)
        for one in stored
        if one.document is None or one.name not in file
    ]


def as_policy(stored: StoredPolicy, source: str = "") -> Policy:
    """Return a stored policy as it is evaluated.

    One that this version cannot read is taken for a Deny of everything: what it forbade must not
    be allowed by an upgrade, or by going back to an older version.
    """
    if stored.document is None and stored.name in MANAGED:
        return MANAGED[stored.name]
    name = stored.name + source
    try:
        # One without a document is built in, in another version of the program.
        return read_policy(stored.document, name=name).policy
    except InvalidDocumentError as error:
        _log.error("policy %s cannot be read, and denies everything: %s", name, error)
        return read_policy(_UNREADABLE, name=name).policy
