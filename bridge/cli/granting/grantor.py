"""All clouds of a template together: compared, and put in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from bridge.catalog.grants import About, documents
from bridge.catalog.needs import Need
from bridge.cli.granting.aws import AwsGrants
from bridge.cli.granting.azure import AzureGrants
from bridge.cli.granting.clusters import ClusterGrants
from bridge.cli.granting.comparing import Change, Checked, Left, Writer
from bridge.cli.granting.google import GoogleGrants
from bridge.settings import Settings


class Grantor:
    """Reads and writes grants with the credentials of whoever runs the command."""

    def __init__(
        self, settings: Settings, needs: Sequence[Need], about: About, context: str
    ) -> None:
        """Ask nothing yet; ``context`` is the kubeconfig's, empty for one named as the cluster."""
        self._needs = needs
        self._about = about
        self._aws = AwsGrants(settings, about)
        self._clusters = ClusterGrants(settings, about, context, self._aws)
        self._google = GoogleGrants(settings, about)
        self._azure = AzureGrants(settings, about)

    async def __aenter__(self) -> Self:
        """Open nothing yet."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Let go of connections."""
        for one in (self._clusters, self._azure, self._google, self._aws):
            await one.close()

    async def check(self, granted: Sequence[Need], cloud: str | None) -> Checked:
        """Compare. ``granted`` are the rights that must be there; no more than the needs may be."""
        found = Checked()
        for name, writer in self._writers(cloud).items():
            mine = [one for one in granted if one.place.cloud == name]
            known = [one for one in self._needs if one.place.cloud == name]
            await writer.check(mine, known, found)
        return found

    async def changes(
        self, granted: Sequence[Need], cloud: str | None
    ) -> tuple[list[Change], list[Left]]:
        """Return what would be written, and what is left to be done by hand.

        Raises ProviderError.
        """
        found: list[Change] = []
        left: list[Left] = []
        for name, writer in self._writers(cloud).items():
            made = documents(granted, self._about, name)
            found += await writer.changes(made, left)
        return [one for one in found if one.diff()], left

    def _writers(self, cloud: str | None) -> dict[str, Writer]:
        known: dict[str, Writer] = {
            "aws": self._aws,
            "gcp": self._google,
            "azure": self._azure,
            "kubernetes": self._clusters,
        }
        return {name: one for name, one in known.items() if cloud in (None, name)}
