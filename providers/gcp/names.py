"""Full resource names of Compute Engine: read in every form that Google writes, kept in one.

The canonical form is ``//compute.googleapis.com/projects/P/zones/Z/instances/N`` (AIP-122, "full
resource names"). It is what records, marks and the overlap rule compare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self

from bridge.model.wording import quote

SERVICE: Final = "//compute.googleapis.com/"

_LABEL: Final = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
_FULL: Final = re.compile(
    r"(?:https?://[^/]+/compute/[a-z0-9]+/|//compute\.googleapis\.com/)?"
    r"projects/(?P<project>(?:[a-z0-9.-]{1,253}:)?[a-z0-9][a-z0-9-]{0,62})/"
    rf"(?P<location>global|(?:zones|regions)/{_LABEL})/"
    r"(?P<collection>[a-z][A-Za-z]{1,63})/(?P<name>[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
)
_PROJECT: Final = re.compile(r"(?:[a-z0-9.-]{1,253}:)?[a-z0-9][a-z0-9-]{0,62}")
_LOCATION: Final = re.compile(_LABEL)


@dataclass(frozen=True)
class Name:
    """A resource's name, taken apart."""

    project: str
    location: str
    """``zones/Z``, ``regions/R`` or ``global``."""
    collection: str
    """As in the URL: ``instances``."""
    name: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a full name, a path from ``projects/`` on, or a self-link; None for all else."""
        match = _FULL.fullmatch(text)
        return cls(**match.groupdict()) if match else None

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a name that was checked before. Raises ValueError for one that was not."""
        found = cls.parse(text)
        if found is None:
            raise ValueError(f"{quote(text)} is no name of a Compute Engine resource")
        return found

    @property
    def path(self) -> str:
        """The form that requests take: ``projects/P/zones/Z/instances/N``."""
        return f"projects/{self.project}/{self.location}/{self.collection}/{self.name}"

    @property
    def place(self) -> dict[str, str]:
        """Project and zone or region, as parameters of a call."""
        kind, _, where = self.location.partition("/")
        return {"project": self.project} | ({kind[:-1]: where} if where else {})

    def sibling(self, collection: str, name: str) -> Self:
        """Return another resource's name in the same place."""
        return replace(self, collection=collection, name=name)

    def __str__(self) -> str:
        """Return the canonical form."""
        return SERVICE + self.path


def canonical(text: str) -> str:
    """Return the canonical form of a name or link. Raises ValueError for what is none."""
    return str(Name.of(text))


def check_name(text: str, collection: str, word: str, location: str = "zones") -> str | None:
    """Return what is wrong with the name of a resource of a collection, or None.

    ``location`` holds where such resources can be, parted by ``|``.
    """
    found = Name.parse(text)
    wanted = location.split("|")
    if found and found.collection == collection and found.location.partition("/")[0] in wanted:
        return None
    place = f"{wanted[0]}/{wanted[0][:-1].upper()}"
    return (
        f"is not the full name of a Compute Engine {word}; write "
        f'"{SERVICE}projects/PROJECT/{place}/{collection}/NAME"'
    )


def check_project(text: str) -> str | None:
    """Return why a text is not a project's id, or None."""
    if _PROJECT.fullmatch(text):
        return None
    return f'{quote(text)} is not the id of a Google project; write it like "my-project-123"'


def check_zone(text: str) -> str | None:
    """Return why a text is not a zone's name, or None."""
    if _LOCATION.fullmatch(text):
        return None
    return f'{quote(text)} is not a zone; write it like "europe-west1-b"'
