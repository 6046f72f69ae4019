"""What a template needs and what would grant it; no I/O, and no server."""

from __future__ import annotations

from dataclasses import replace

from bridge.catalog import Catalog
from bridge.catalog.grants import About, as_json, chosen, documents
from bridge.catalog.needs import Need, needs_of
from bridge.client.grants import Grants
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from iam.acting import acting


def about(settings: Settings, template: ExperimentTemplate, name: str) -> About:
    """Return what the documents speak of beside the needs, as the settings have it."""
    found = About(
        name or template.id,
        template.identity,
        acting=acting(settings, template.scope, template.identity),
    )
    return replace(found, principal=settings.principal) if settings.principal else found


def needed(settings: Settings, catalog: Catalog, template: ExperimentTemplate) -> tuple[Need, ...]:
    """Return what a template without errors needs."""
    return needs_of(template, catalog, acting(settings, template.scope, template.identity))


def answer(
    needs: tuple[Need, ...],
    told: About,
    *,
    cloud: str | None = None,
    include_optional: bool = False,
    required_only: bool = False,
) -> Grants:
    """Return the grants, the documents that make them, and what is left out."""
    needs = tuple(one for one in needs if cloud in (None, one.place.cloud))
    granted = chosen(needs, include_optional=include_optional, required_only=required_only)
    left_out = [one for one in needs if one not in granted]
    found = as_json(granted, left_out, documents(granted, told, cloud))
    return Grants.model_validate(
        {
            "name": told.name,
            "identity": told.identity,
            "principal": told.principal,
            "others": dict(told.acting.others),
            "through": dict(told.acting.through),
            "external_ids": dict(told.acting.external_ids),
            "source_identity": told.acting.source_identity,
            "clusters": told.acting.clusters,
            **found,
        }
    )
