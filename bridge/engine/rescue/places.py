"""Where marks may be in AWS: accounts and Regions. The other clouds' places are settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.model.scope import Scope
from providers.aws.arns import account_of

if TYPE_CHECKING:
    from bridge.settings import Settings


@dataclass(frozen=True)
class Place:
    """One account and Region, and the role that looks there; None for the bridge's own."""

    scope: Scope
    role: str | None = None

    def lookers(self, identities: tuple[str, ...]) -> tuple[str | None, ...]:
        """Return who may look here, in turn: another account's role would look elsewhere."""
        here = [one for one in identities if account_of(one) == self.scope.account]
        return tuple(dict.fromkeys((self.role, *here)))


def places_of(settings: Settings) -> list[Place]:
    """Return every Region of every account, the settings' own account and Region first."""
    regions = dict.fromkeys((settings.region, *settings.rescue_regions))
    accounts: dict[str, str | None] = {settings.account: None}
    for role in settings.rescue_accounts:
        # The own account may be named too: then its role looks, not the bridge itself.
        accounts[account_of(role) or settings.account] = role
    return [
        Place(Scope(cloud="aws", account=account, region=region), role)
        for account, role in accounts.items()
        for region in regions
    ]
