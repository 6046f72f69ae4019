"""The marks that are left in a subscription: what ``rescue`` has when the store is lost."""

from __future__ import annotations

from providers.azure.describe import tags_of
from providers.azure.ids import ResourceId, canonical, subscription_name
from providers.azure.instance_marks import instances_in
from providers.azure.marks import marks_among
from providers.azure.session import AzureSession
from providers.contract import FoundMark, ProviderError
from providers.marks import found_mark


async def found_marks(session: AzureSession, subscription: str) -> list[FoundMark]:
    """Find every mark in a subscription, those of a scale set once for each instance.

    Raises ProviderError.
    """
    name = subscription_name(subscription)
    if name is None:
        raise ProviderError("it is no subscription's id; write the GUID that `az account list` has")
    found: list[FoundMark] = []
    # Azure filters by a tag's whole name only, not by how it begins.
    async for page in session.pages(name, "resource", "resources.list"):
        for item in page:
            for key, text in marks_among(tags_of(item)):
                found += _read(session, key, text, canonical(item["id"]))
    return found


def _read(session: AzureSession, key: str, text: str, resource: str) -> list[FoundMark]:
    which = ResourceId.parse(resource)
    named = [str(one) for one in instances_in(text, which)] if which else []
    return [found_mark(session.caller.scope, key, text, one) for one in named or [resource]]
