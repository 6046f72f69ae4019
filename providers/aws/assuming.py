"""How a role is assumed: with which external id, on whose behalf, and through which other roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from bridge.settings import Settings
from providers.chains import first_match, through
from providers.contract import Caller

_SHORTEST: Final = 2
_LONGEST: Final = 64
"""Characters of a source identity, and of a session's name (STS API reference, AssumeRole)."""
_DIGEST: Final = 8
_UNFIT: Final = re.compile(r"[^\w+=,.@-]+", re.ASCII)
_ARN: Final = re.compile(r"arn:[a-z-]+:(iam|sts)::")


@dataclass(frozen=True)
class Step:
    """One AssumeRole."""

    role: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def request(self) -> dict[str, Any]:
        """What STS is sent."""
        return {"RoleArn": self.role, **dict(self.parameters)}


def steps(settings: Settings, caller: Caller) -> tuple[Step, ...]:
    """Return the roles to assume, one as the other; the last is the caller's.

    A session lasts the hour that STS gives without being asked: a chained one may not last longer
    (IAM User Guide, "Role chaining"), and it is renewed before its end. The source identity is
    said once: it stays with all sessions of a chain, and none may say another.
    """
    if caller.identity is None:
        return ()
    found: list[Step] = []
    for role in (*through(settings.aws_chains, caller.identity), caller.identity):
        given = {"RoleSessionName": caller.name}
        if external := first_match(settings.aws_external_ids, role):
            given["ExternalId"] = external
        if settings.aws_source_identity and caller.on_behalf_of and not found:
            given["SourceIdentity"] = source_identity(caller.on_behalf_of)
        found.append(Step(role, tuple(given.items())))
    return tuple(found)


def source_identity(principal: str) -> str:
    """Return a principal as STS takes it: 2 to 64 letters, digits and ``_+=,.@-``.

    What does not fit is replaced, and a digest of the whole name keeps different ones apart.
    """
    plain = _ARN.sub("", principal)
    fit = _UNFIT.sub("-", plain).strip("-")
    if fit == principal and _SHORTEST <= len(fit) <= _LONGEST:
        return fit
    digest = sha256(principal.encode()).hexdigest()[:_DIGEST]
    return f"{fit[: _LONGEST - _DIGEST - 1]}.{digest}"
