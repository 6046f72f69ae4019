"""As whom the bridge acts in each cloud: from a template's role to that cloud's identity.

A template names one identity, in FIS an IAM role. In another cloud the bridge acts as the
identity that the settings give to that role, and as no other: without a match nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bridge.model.wording import quote
from bridge.settings import Settings
from providers.aws.arns import account_of
from providers.chains import first_match
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

SELF: Final = "self"
"""The word of ``recovery_role`` for whoever runs the command."""
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "azure": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "gcp": re.compile(r"[^@\s:/]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com"),
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


def in_own_cloud(provider: str, caller: Caller) -> Caller:
    """Return a caller whose identity is of the provider's own cloud as such a caller.

    Only for identities that an operator names, or that the bridge itself wrote into a mark.
    """
    identity = caller.identity
    if identity is None or provider == caller.scope.cloud or not _is_of(provider, identity):
        return caller
    return replace(caller, scope=caller.scope.model_copy(update={"cloud": provider}))


def recovery(settings: Settings, provider: str, caller: Caller) -> Caller | None:
    """Return as whom an undo goes on where the mark's identity may not; None where nobody is named.

    ``recovery_role`` names identities in the form of each cloud. In AWS only a role of the
    resource's account will do: another account's would find nothing, and call it gone.
    """
    home = caller.scope.account == settings.account
    for identity in settings.recovery_role:
        if identity == SELF:
            if provider in _SETTINGS or home:
                return replace(caller, identity=None)
            continue
        if provider in _SETTINGS:
            mapped = _matching(settings, provider, identity)
            known = mapped is not None or _is_of(provider, identity)
        elif provider == "aws":
            known = account_of(identity) == caller.scope.account
        else:
            known = account_of(identity) is not None
        if known:
            return in_own_cloud(provider, replace(caller, identity=identity))
    return None


def _is_of(provider: str, identity: str) -> bool:
    """Whether an identity has the form of the provider's cloud."""
    form = _FORMS.get(provider)
    return form is not None and form.fullmatch(identity) is not None


def _matching(settings: Settings, provider: str, identity: str) -> str | None:
    pairs: tuple[tuple[str, str], ...] = getattr(settings, _SETTINGS[provider])
    return first_match(pairs, identity)
