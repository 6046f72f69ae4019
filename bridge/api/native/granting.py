"""What a template needs and what would grant it; no I/O, and no server."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.catalog import Catalog
from bridge.catalog.grants import About, as_json, chosen, documents
from bridge.catalog.grants.iam import SETTING
from bridge.catalog.needs import ASSUMING, Need, merged, needs_of
from bridge.client.grants import Grants
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from iam.identities import as_known_in, unmapped
from providers.chains import first_match
from providers.contract import Caller

_OTHERS: Final = ("gcp", "azure")


def about(settings: Settings, template: ExperimentTemplate, name: str) -> About:
    """Return what the documents speak of beside the needs, as the settings have it."""
    found = About(
        name or template.id,
        template.identity,
        external_id=first_match(settings.aws_external_ids, template.identity) or "",
        source_identity=settings.aws_source_identity,
        others=others(settings, template),
    )
    return replace(found, principal=settings.principal) if settings.principal else found


def others(settings: Settings, template: ExperimentTemplate) -> dict[str, str]:
    """Return as whom the bridge acts for the template's identity in other clouds."""
    caller = Caller(template.scope, template.identity, "reader", settings.installation)
    found = {}
    for cloud in _OTHERS:
        if unmapped(settings, cloud, template.scope.cloud, template.identity) is None:
            found[cloud] = as_known_in(settings, cloud, caller).identity or ""
    return found


def needed(settings: Settings, catalog: Catalog, template: ExperimentTemplate) -> tuple[Need, ...]:
    """Return what a template without errors needs."""
    needs = needs_of(template, catalog, others(settings, template))
    if not settings.aws_source_identity:
        return needs
    telling = (replace(one, permission=SETTING) for one in needs if one.permission == ASSUMING)
    return merged([*needs, *telling])


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
            "others": dict(told.others),
            "principal": told.principal,
            "external_id": told.external_id,
            "source_identity": told.source_identity,
            **found,
        }
    )
