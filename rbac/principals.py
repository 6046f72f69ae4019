"""Cloud principals by the name under which a cluster's authenticator looks them up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ASSUMED: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/"
    r"(?P<role>[^/]+)/(?P<session>[^/]+)",
    re.ASCII,
)
_ROLE: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d{12}):role/(?P<path>.+/)?(?P<role>[^/]+)",
    re.ASCII,
)
_AWS: Final = re.compile(r"arn:[\w-]+:(?:iam|sts)::(?P<account>\d{12}):(?P<what>.+)", re.ASCII)


@dataclass(frozen=True)
class CloudPrincipal:
    """Somebody whom a cloud vouches for, and what placeholders of a mapping may say of him."""

    name: str
    """As the cloud names him: an ARN, an address, an object id."""
    session: str = ""
    """Name of the role's session."""
    access_key_id: str = ""
    private_dns_name: str = ""
    """Of the EC2 instance after which a node's session is named."""

    @property
    def canonical(self) -> str:
        """The name that entries are compared with: of a session its role, without path."""
        return canonical(self.name)

    @property
    def account(self) -> str:
        """The AWS account; empty for others."""
        found = _AWS.fullmatch(self.name)
        return found["account"] if found else ""

    @property
    def session_name(self) -> str:
        """The session's name, given or read from the ARN; empty where there is none."""
        found = _ASSUMED.fullmatch(self.name)
        return found["session"] if found else self.session


def canonical(name: str) -> str:
    """Return the name under which aws-iam-authenticator looks somebody up.

    A session counts as its role, and a role has no path there, since STS leaves it out. A user
    keeps the path. What is no ARN stays as it is.
    """
    found = _ASSUMED.fullmatch(name) or _ROLE.fullmatch(name)
    if found is None:
        return name
    return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}"


def has_path(arn: str) -> bool:
    """Whether this is a role's ARN with a path, which an aws-auth entry never matches."""
    found = _ROLE.fullmatch(arn)
    return bool(found and found["path"])


def kind_of(name: str) -> str:
    """Return ``role``, ``user``, ``root`` or ``other`` for a principal's name."""
    if _ROLE.fullmatch(name) or _ASSUMED.fullmatch(name):
        return "role"
    found = _AWS.fullmatch(name)
    if found is None:
        return "other"
    what = found["what"]
    return "user" if what.startswith("user/") else "root" if what == "root" else "other"
