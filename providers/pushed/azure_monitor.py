"""Azure Monitor's alerts, by the resource id of their rule."""

from __future__ import annotations

import re
from typing import Final

from providers.contract import PushedSource

_RULE: Final = re.compile(
    r"/subscriptions/(?P<subscription>[^/\s]+)/resourceGroups/[^/\s]+"
    r"/providers/[^/\s]+/[^/\s]+/(?P<name>[^/\n]+)",
    re.IGNORECASE,
)
_WITHOUT_ID: Final = re.compile(r"/subscriptions/(?P<subscription>[^/]*)/alertRules/(?P<name>.+)")


def without_id(subscription: str, rule: str) -> str:
    """Return the name of a rule whose resource id its alert does not tell."""
    return f"/subscriptions/{subscription}/alertRules/{rule}"


class AzureMonitorSource(PushedSource):
    """Alerts of a rule. Azure's ids do not depend on case.

    Where an alert does not carry its rule's id, subscription and name decide: of two rules of one
    name in a subscription's resource groups, both stop the run.
    """

    source = "azure:monitor:alert"

    def check_value(self, value: str) -> str | None:
        """Return what is wrong with the form of an alert rule's id, or None."""
        if _RULE.fullmatch(value) is None:
            return (
                "is not the resource id of an alert rule; write /subscriptions/ID/resourceGroups/"
                "GROUP/providers/Microsoft.Insights/metricAlerts/NAME"
            )
        return None

    def matches(self, value: str, said: str) -> bool:
        """Say whether an alert is the rule's."""
        wanted, named = _RULE.fullmatch(value), _WITHOUT_ID.fullmatch(said)
        if wanted is None or named is None:
            return value.casefold() == said.casefold()
        return all(
            wanted[part].casefold() == named[part].casefold() for part in ("subscription", "name")
        )
