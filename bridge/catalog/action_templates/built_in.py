"""The action templates that come with Faultbridge: read-only, and versioned like users' own.

Each is a YAML file of the package ``built_in_templates``: every version's document, and for the
reader what the template shows, when not to use it, and what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import yaml

from bridge.catalog.action_templates.reading import read_action_template
from bridge.model.action_template import ActionTemplateVersion, Reference

_PACKAGE: Final = "bridge.catalog.action_templates.built_in_templates"
_Loader: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class BuiltIn:
    """One built-in template, in all its versions."""

    versions: tuple[ActionTemplateVersion, ...]
    """In order; the last is the newest."""
    shows: str
    """What a run with it shows."""
    avoid: str
    """When not to use it."""
    needs: str
    """What must be there for it to work."""

    @property
    def newest(self) -> ActionTemplateVersion:
        """The newest version."""
        return self.versions[-1]


@cache
def built_ins() -> Mapping[str, BuiltIn]:
    """Return the built-in templates by name, in order; read once, when first asked for."""
    files = sorted(
        (file for file in resources.files(_PACKAGE).iterdir() if file.name.endswith(".yaml")),
        key=lambda file: file.name,
    )
    found = {}
    for file in files:
        # Our own data, made of plain values only.
        read = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
        name = file.name.removesuffix(".yaml")
        found[name] = BuiltIn(
            versions=tuple(
                ActionTemplateVersion(
                    template=read_action_template({"name": name, **document}),
                    version=number,
                    built_in=True,
                )
                for number, document in enumerate(read["versions"], 1)
            ),
            shows=read["shows"],
            avoid=read["avoid"],
            needs=read["needs"],
        )
    return MappingProxyType(found)


def built_in(reference: Reference) -> ActionTemplateVersion | None:
    """Return a version of a built-in template, the newest where none is named; None if absent."""
    found = built_ins().get(reference.name)
    if found is None:
        return None
    if reference.version is None:
        return found.newest
    return next((one for one in found.versions if one.version == reference.version), None)
