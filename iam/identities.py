"""As whom the bridge acts in each cloud: from a template's role to that cloud's identity.

A template names one identity, in FIS an IAM role. In another cloud the bridge acts as the
identity that the settings give to that role, and as no other: without a match nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from bridge.model.wording import quote
from bridge.settings import Settings
from providers.contract import AccessDeniedError, Caller

_SETTINGS: Final[Mapping[str, str]] = {
    "azure": "azure_identities",
    "gcp": "gcp_identities",
}
"""Providers whose cloud knows an identity of its own, and the setting that names it.

Kubernetes has none: a cluster knows the role itself.
"""
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "azure": ("Azure managed identity", "CLIENT-ID"),
    "gcp": ("Google service account", "NAME@PROJECT.iam.gserviceaccount.com"),
}


def unmapped(settings: Settings, provider: str, cloud: str, identity: str) -> str | None:
    """Return why an identity of ``cloud`` cannot act through a provider, or None if it can.

    The answer names the setting that is missing.
    """
    if provider not in _SETTINGS or provider == cloud:
        return None
    if _matching(settings, provider, identity) is not None:
        return None
    name = f"FAULTBRIDGE_{_SETTINGS[provider].upper()}"
    kind, example = _KINDS[provider]
    return (
        f"{quote(identity)} stands for no {kind}; add it to the bridge's setting {name}, "
        f'such as {name}="{identity}={example}"'
    )


def as_known_in(settings: Settings, provider: str, caller: Caller) -> Caller:
    """Return the caller with the identity that the provider's cloud knows.

    The reader stays what it is. Raises AccessDeniedError where the settings map the identity
    to none.
    """
    if caller.identity is None or provider not in _SETTINGS or provider == caller.scope.cloud:
        return caller
    if complaint := unmapped(settings, provider, caller.scope.cloud, caller.identity):
        raise AccessDeniedError(complaint, code="NoIdentity")
    return replace(caller, identity=_matching(settings, provider, caller.identity))


def _matching(settings: Settings, provider: str, identity: str) -> str | None:
    pairs: tuple[tuple[str, str], ...] = getattr(settings, _SETTINGS[provider])
    # Only the star is special: an ARN has no brackets, but nobody wants to find that out.
    for pattern, known in pairs:
        if fnmatchcase(identity, pattern.replace("[", "[[]").replace("?", "[?]")):
            return known
    return None
