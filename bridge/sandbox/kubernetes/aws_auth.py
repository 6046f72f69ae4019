"""The `aws-auth` ConfigMap: which IAM principal is which Kubernetes user.

The rules are aws-iam-authenticator's: an assumed role counts as its role, without session and
path, so an entry whose ARN has a path never matches; ARNs compare without regard to case; the
first entry that names the caller wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from bridge.sandbox.kubernetes.identity import AUTHENTICATED_GROUP, Identity

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.objects import ObjectStore

CONFIG_MAP = ("", "configmaps", "kube-system", "aws-auth")

PrivateDnsName: TypeAlias = Callable[[str], str | None]
"""EC2 instance id → its private DNS name, for node roles; None when there is no such instance."""

_ASSUMED_ROLE = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/(.+)")
_TEMPLATE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Caller:
    """What STS says of whoever signed a token."""

    arn: str
    account: str
    user_id: str
    access_key_id: str

    @property
    def canonical_arn(self) -> str:
        """The ARN that entries name: of an assumed role the role's own, without path."""
        assumed = _ASSUMED_ROLE.fullmatch(self.arn)
        if assumed is None:
            return self.arn
        partition, account, role, _ = assumed.groups()
        return f"arn:{partition}:iam::{account}:role/{role}"

    @property
    def session_name(self) -> str:
        """The role session's name; "" for a user."""
        assumed = _ASSUMED_ROLE.fullmatch(self.arn)
        return assumed.group(4) if assumed else ""


def map_caller(
    store: ObjectStore, caller: Caller, private_dns_name: PrivateDnsName = lambda _id: None
) -> Identity | None:
    """Look a caller up in the cluster's aws-auth; None where no entry names him.

    An entry that cannot be rendered (an unknown placeholder, a node that does not exist), and
    a section that is not YAML, count as absent: to the caller that is a plain 401, as in EKS.
    """
    config = store.get(CONFIG_MAP) or {}
    data = config.get("data") or {}
    wanted = caller.canonical_arn.lower()
    for section, field in (("mapRoles", "rolearn"), ("mapUsers", "userarn")):
        for entry in _entries(data.get(section)):
            if str(entry.get(field, "")).lower() == wanted:
                return _identity(entry, caller, private_dns_name)
    return None


def _entries(text: object) -> list[dict[str, Any]]:
    if not isinstance(text, str):
        return []
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    return [entry for entry in entries or () if isinstance(entry, dict)]


def _identity(
    entry: dict[str, Any], caller: Caller, private_dns_name: PrivateDnsName
) -> Identity | None:
    values: dict[str, Callable[[], str | None]] = {
        "AccountID": lambda: caller.account,
        # "@" may not stand in a Kubernetes user name taken from an e-mail address.
        "SessionName": lambda: caller.session_name.replace("@", "-"),
        "SessionNameRaw": lambda: caller.session_name,
        "AccessKeyID": lambda: caller.access_key_id,
        # A node's session is named after its instance.
        "EC2PrivateDNSName": lambda: private_dns_name(caller.session_name),
    }
    templates = [str(entry.get("username") or caller.canonical_arn)]
    templates += [str(group) for group in entry.get("groups") or ()]
    rendered: list[str] = []
    for template in templates:
        names = _TEMPLATE.findall(template)
        known = {name: values[name]() for name in names if name in values}
        if len(known) < len(set(names)) or None in known.values():
            return None
        rendered.append(_TEMPLATE.sub(lambda match: str(known[match.group(1)]), template))  # noqa: B023 - called at once
    return Identity(
        username=rendered[0],
        uid=f"aws-iam-authenticator:{caller.account}:{caller.user_id.split(':', 1)[0]}",
        groups=(*rendered[1:], AUTHENTICATED_GROUP),
        extra={
            "accessKeyId": (caller.access_key_id,),
            "arn": (caller.arn,),
            "canonicalArn": (caller.canonical_arn,),
            "principalId": (caller.user_id.split(":", 1)[0],),
            "sessionName": (caller.session_name,),
        },
    )
