"""How a person undoes a fault, where no bridge and no `rescue` is left to do it.

Command lines of each cloud's own tool, for a runbook that is written before the run. What follows
from a resource's name stands in braces and is filled in; what only a look before the run can tell
(where a disk was attached) stands in CAPITALS, and the command that tells it is among the notes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

_GOOGLE: Final = re.compile(
    r"//compute\.googleapis\.com/projects/(?P<project>[^/]+)/"
    r"(?:(?P<scope>zone|region)s/(?P<where>[^/]+)|global)/[^/]+/(?P<name>[^/]+)"
)
_AZURE: Final = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/"
    r"[^/]+/[^/]+/(?P<outer>[^/]+)(?:/[^/]+/(?P<inner>[^/]+))?",
    re.IGNORECASE,
)
_ARN_PARTS: Final = 6
_BRACES: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class ByHand:
    """What to do by hand about one resource.

    Members of a name are ``{id}``, ``{name}`` and, by cloud, ``{region}``, ``{account}``;
    ``{project}``, ``{zone}``, ``{place}`` (an option that says zone or region);
    ``{subscription}``, ``{group}``, ``{outer}`` (the scale set of an instance).
    """

    undo: tuple[str, ...] = ()
    """Commands that put the prior state back; none where there is nothing to put back."""
    note: tuple[str, ...] = ()
    """Commands that tell, before the run, what stands in CAPITALS in ``undo``."""
    says: str = ""
    """What to know besides; why there is nothing to undo, where there is not."""

    def on(self, resource: str) -> ByHand:
        """Return it for a resource by its full name; a member that it lacks is in CAPITALS."""
        members = members_of(resource)

        def filled(line: str) -> str:
            return _BRACES.sub(lambda m: members.get(m[1], m[1].upper()), line)

        return replace(self, undo=tuple(map(filled, self.undo)), note=tuple(map(filled, self.note)))

    @property
    def members(self) -> frozenset[str]:
        """The members of names that its commands speak of."""
        lines = (*self.undo, *self.note)
        return frozenset(name for line in lines for name in _BRACES.findall(line))


def members_of(resource: str) -> Mapping[str, str]:
    """Return what a resource's full name is made of, each safe as a word of a shell."""
    return {name: shlex.quote(value) for name, value in _read(resource).items() if value} | (
        _place(resource)
    )


def _read(resource: str) -> dict[str, str]:
    if match := _GOOGLE.fullmatch(resource):
        zone = match["where"] if match["scope"] == "zone" else ""
        return {"id": resource, "project": match["project"], "zone": zone, "name": match["name"]}
    if match := _AZURE.fullmatch(resource):
        found = {name: match[name] for name in ("subscription", "group", "outer")}
        return {"id": resource, **found, "name": match["inner"] or match["outer"]}
    parts = resource.split(":", _ARN_PARTS - 1)
    if len(parts) == _ARN_PARTS and parts[0] == "arn":
        name = re.split(r"[/:]", parts[5])[-1]
        return {"id": resource, "region": parts[3], "account": parts[4], "name": name}
    return {"id": resource, "name": resource}


def _place(resource: str) -> dict[str, str]:
    match = _GOOGLE.fullmatch(resource)
    if match is None or not match["scope"]:
        return {}
    return {"place": f"--{match['scope']} {shlex.quote(match['where'])}"}
