"""The scope that everything stored belongs to."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Scope(BaseModel):
    """One tenant's corner of one cloud; nothing is read or written across scopes.

    AWS: account and Region. Azure: subscription and resource group. Google Cloud: project
    and location. The two names are kept in neutral fields so that a query is the same for all.
    """

    model_config = ConfigDict(frozen=True)

    cloud: str
    account: str
    region: str

    def __str__(self) -> str:
        """Return ``cloud/account/region``, the form in which the store keeps it."""
        return f"{self.cloud}/{self.account}/{self.region}"

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read back what ``str()`` wrote; raises ValueError when a part is missing."""
        cloud, account, region = text.split("/")
        return cls(cloud=cloud, account=account, region=region)
