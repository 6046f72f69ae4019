"""Least privilege, generated: the policies, roles and bindings that a template needs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bridge.catalog.grants import azure, cluster, google, iam
from bridge.catalog.grants.document import About, Document, explained, listed, understood
from bridge.catalog.grants.text import as_text
from bridge.catalog.needs import Need

CLOUDS: Final = ("aws", "gcp", "azure", "kubernetes")

__all__ = [
    "CLOUDS",
    "About",
    "Document",
    "as_json",
    "as_text",
    "chosen",
    "documents",
    "understood",
]


def chosen(
    needs: Sequence[Need], *, required_only: bool = False, include_optional: bool = False
) -> list[Need]:
    """Return the rights to grant: by default also those that clouds check in some set-ups only."""
    wanted = {"required"}
    if not required_only:
        wanted.add("indirect")
    if include_optional:
        wanted |= {"indirect", "optional"}
    return [one for one in needs if one.need in wanted]


def documents(needs: Sequence[Need], about: About, cloud: str | None = None) -> list[Document]:
    """Return what grants exactly these rights, in a stable order."""
    writers = {"aws": iam, "gcp": google, "azure": azure, "kubernetes": cluster}
    return [
        one
        for name in CLOUDS
        if cloud in (None, name)
        for one in writers[name].documents(needs, about)
    ]


def as_json(needs: Sequence[Need], left_out: Sequence[Need], made: Sequence[Document]) -> Any:
    """Return grants, what was left out, and the documents, as one JSON value."""
    return {
        "documents": [listed(one) for one in made],
        "grants": [explained(one) for one in needs],
        "notGranted": [explained(one) for one in left_out],
    }
