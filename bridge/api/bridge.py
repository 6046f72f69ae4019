"""What the routers work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bridge.api.fetching import Fetch, HttpsFetch
from bridge.catalog import Catalog
from bridge.dispatch import Dispatcher
from bridge.engine.preflight import Foreseen
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from bridge.store import Store
from iam.policy import StoredPolicy

Preflight = Callable[[ExperimentTemplate, str], Awaitable[Foreseen]]
"""Asks about a template, on behalf of a principal."""


async def _no_preflight(template: ExperimentTemplate, _principal: str) -> Foreseen:
    return Foreseen([], template, {}, {}, {})


@dataclass(frozen=True)
class Bridge:
    """The parts of a running bridge that answer requests."""

    settings: Settings
    store: Store
    catalog: Catalog
    dispatcher: Dispatcher
    expect: Callable[[ExperimentTemplate], None] = lambda _template: None
    """Told of each template that was stored: a run of it may come soon."""

    fetch: Fetch = field(default_factory=HttpsFetch)
    """Gets what a signed message names."""

    policies: Mapping[str, StoredPolicy] = field(default_factory=dict)
    """Those of the policy file, by name."""

    preflight: Preflight = _no_preflight
    """Asks clouds and clusters what a template lacks; without one, nobody is asked."""

    @property
    def scope(self) -> Scope:
        """The AWS account and Region that the FIS dialect's objects belong to."""
        return Scope(cloud="aws", account=self.settings.account, region=self.settings.region)
