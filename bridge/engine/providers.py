"""The providers of this process: opened when first needed, closed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.catalog import canonical
from bridge.catalog.cloud_chaos import lowered
from iam.acting import Acting, acting
from iam.cluster_tokens import ClusterTokens
from iam.identities import as_known_in, recovery, unmapped
from providers import registry
from providers.contract import MarkSearch
from providers.kubernetes.cloud_tokens import ShowsTokens
from providers.kubernetes.impersonation import Impersonating

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.model.scope import Scope
    from bridge.model.template import ExperimentTemplate
    from bridge.settings import Settings
    from providers.contract import (
        Caller,
        Fault,
        Guard,
        Provider,
        Resolver,
        Session,
        StopSource,
    )


class Providers:
    """What the engine knows of the outside world: names in, contracts out.

    Tests give doubles by overriding the four look-ups.
    """

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._open: dict[str, Provider] = {}

    def fault(self, action_id: str) -> Fault:
        """Return the fault of an action id or alias. Raises KeyError where there is none."""
        return registry.fault(canonical(action_id))

    def resolver(self, resource_type: str) -> Resolver:
        """Return the resolver of a resource type. Raises KeyError where there is none."""
        return registry.resolver(resource_type)

    def stop_source(self, source: str) -> StopSource:
        """Return the reader of a stop condition's source. Raises KeyError where there is none."""
        return registry.stop_source(source)

    def provider(self, name: str) -> Provider:
        """Return a provider, opened now if this is the first use."""
        if name not in self._open:
            made: Any = registry.provider_class(name)
            opened = made(self._settings, self.provider)
            path = self._settings.cluster_identities
            if path is not None and isinstance(opened, Impersonating):
                from rbac.acting import MappedIdentities  # noqa: PLC0415 - only where it is set

                opened.use_identities(MappedIdentities(path))
            if self._settings.cluster_tokens and isinstance(opened, ShowsTokens):
                opened.use_bearers(ClusterTokens(self._settings, self.provider))
            self._open[name] = opened
        return self._open[name]

    def expect(self, template: ExperimentTemplate) -> None:
        """Let the providers of a template load what its first run would wait for."""
        for action in lowered(template).actions.values():
            self.provider(self.fault(action.action_id).provider).warm()

    async def session(
        self,
        name: str,
        caller: Caller,
        guard: Guard | None = None,
        wake: Callable[[], None] | None = None,
    ) -> Session:
        """Open a provider's session, as whom its cloud knows the caller. Raises ProviderError."""
        known = as_known_in(self._settings, name, caller)
        return await self.provider(name).session(known, guard, wake)

    def known_in(self, name: str, scope: Scope, identity: str) -> bool:
        """Say whether an identity of the scope's cloud can act through a provider at all."""
        return unmapped(self._settings, name, scope.cloud, identity) is None

    def acting(self, scope: Scope, identity: str) -> Acting:
        """Return as whom the bridge acts for an identity in each cloud, and through whom."""
        return acting(self._settings, scope, identity)

    def recovery(self, name: str, caller: Caller) -> Caller | None:
        """Return as whom an undo goes on where the caller may not; None where nobody is named."""
        return recovery(self._settings, name, caller)

    async def find_marks(self, name: str, caller: Caller) -> MarkSearch:
        """Find the marks that a caller can see through a provider. Raises ProviderError."""
        if caller.identity is not None and unmapped(
            self._settings, name, caller.scope.cloud, caller.identity
        ):
            return MarkSearch([])  # it can do nothing there; the reader looks in any case
        return await self.provider(name).find_marks(as_known_in(self._settings, name, caller))

    async def close(self) -> None:
        """Close every provider that was opened."""
        for provider in self._open.values():
            await provider.close()
        self._open.clear()
