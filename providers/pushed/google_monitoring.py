"""Google Cloud's alerts, by the resource name of their policy."""

from __future__ import annotations

import re
from typing import Final

from providers.contract import PushedSource

_POLICY: Final = re.compile(r"projects/[^/\s]+/alertPolicies/(?P<id>[^/\s]+)")


class GoogleMonitoringSource(PushedSource):
    """Incidents of an alerting policy.

    The policy's own id decides, which no two projects share: a project may be written by its id or
    by its number, and Google's messages write either.
    """

    source = "gcp:monitoring:alert-policy"

    def check_value(self, value: str) -> str | None:
        """Return what is wrong with the form of a policy's name, or None."""
        if _POLICY.fullmatch(value) is None:
            return (
                "is not the name of an alerting policy; write "
                "projects/PROJECT/alertPolicies/ID, as `gcloud monitoring policies list` does"
            )
        return None

    def matches(self, value: str, said: str) -> bool:
        """Say whether an incident is the policy's."""
        wanted, named = _POLICY.fullmatch(value), _POLICY.fullmatch(said)
        return wanted is not None and named is not None and wanted["id"] == named["id"]
