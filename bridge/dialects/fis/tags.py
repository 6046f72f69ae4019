"""Tags of templates and experiments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bridge.model.problem import Problem
from bridge.model.wording import child

MOST_TAGS: Final = 50
"""The service model's limit of one object's tags."""
_RESERVED: Final = "aws:"


def reserved_tag_problems(tags: Iterable[str]) -> Iterator[Problem]:
    """Yield the keys that AWS keeps for itself (AWS General Reference, "Tag naming limits")."""
    for key in tags:
        if key.lower().startswith(_RESERVED):
            message = 'keys that begin with "aws:" are reserved; choose another key'
            yield Problem(path=child("tags", key), message=message)


def with_tags(before: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return the tags after TagResource. Raises ValueError where they would be too many."""
    after = {**before, **added}
    if len(after) > MOST_TAGS:
        msg = f"there would be {len(after)} tags, the most is {MOST_TAGS}; remove some first"
        raise ValueError(msg)
    return after
