"""The ConfigMap `kube-system/aws-auth` of EKS: read, without judging whose entries they are.

The rules are aws-iam-authenticator's. What cannot be read is told, and never written over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from providers.kubernetes.impersonation import ClusterIdentity
from rbac.mapping import Entry, IdentityMapping, entry_for_arn
from rbac.principals import CloudPrincipal, canonical, has_path, kind_of

PATH: Final = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
CREATE_PATH: Final = "/api/v1/namespaces/kube-system/configmaps"
SECTIONS: Final[Mapping[str, str]] = {"mapRoles": "rolearn", "mapUsers": "userarn"}
"""Sections with the member that names the principal, in the order in which they are asked."""
_KNOWN: Final = (*SECTIONS, "mapAccounts")


@dataclass(frozen=True)
class AwsAuth:
    """What stands in an aws-auth ConfigMap."""

    mapping: IdentityMapping
    accounts: tuple[str, ...] = ()
    """Accounts (mapAccounts) of which each user is known by his ARN, in no group."""
    problems: tuple[str, ...] = ()
    """Sections that cannot be read, and entries that never match."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """The text of each section, as it stands."""
    version: str = ""
    """The ConfigMap's resourceVersion; empty where there is no ConfigMap."""

    def identify(self, principal: CloudPrincipal) -> ClusterIdentity | None:
        """Return who a principal is; None where nothing maps him. Raises UnmappableError."""
        found = self.mapping.identify(principal, "")
        if found is None and principal.account in self.accounts:
            return ClusterIdentity(principal.canonical)
        return found


def read_aws_auth(config_map: Mapping[str, Any] | None) -> AwsAuth:
    """Read the ConfigMap as the API server gave it; None is one that does not exist."""
    if config_map is None:
        return AwsAuth(IdentityMapping())
    data = config_map.get("data")
    texts = {
        name: text
        for name, text in (data.items() if isinstance(data, dict) else ())
        if isinstance(text, str)
    }
    entries: list[Entry] = []
    problems: list[str] = []
    for section, member in SECTIONS.items():
        for index, one in enumerate(_listed(texts.get(section, ""), section, problems)):
            read = _entry(one, member, f"aws-auth {section}[{index}]", problems)
            if read is not None:
                entries.append(read)
    accounts = _accounts(texts.get("mapAccounts", ""), problems)
    problems += [
        f"aws-auth: {name} is no section that EKS reads; it reads {', '.join(_KNOWN)}"
        for name in texts
        if name not in _KNOWN
    ]
    about = config_map.get("metadata")
    version = str(about.get("resourceVersion") or "") if isinstance(about, dict) else ""
    return AwsAuth(IdentityMapping(tuple(entries)), accounts, tuple(problems), texts, version)


def _listed(text: str, section: str, problems: list[str]) -> list[Any]:
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problems.append(
            f"aws-auth {section}{where} is not YAML, so that EKS knows nobody of this section: "
            "mend it by `kubectl edit -n kube-system configmap aws-auth`"
        )
        return []
    if value is None:
        return []
    if not isinstance(value, list):
        problems.append(f"aws-auth {section} is no list, so that EKS knows nobody of it")
        return []
    return value


def _entry(value: Any, member: str, origin: str, problems: list[str]) -> Entry | None:
    if not isinstance(value, dict) or not isinstance(value.get(member), str):
        problems.append(f"{origin} has no {member}: EKS ignores it")
        return None
    arn = value[member]
    if member == "rolearn" and has_path(arn):
        problems.append(
            f"{origin} never matches: EKS knows roles without their path; write {canonical(arn)}"
        )
    elif kind_of(arn) == "other" or ":sts:" in arn:
        problems.append(f"{origin}: {arn[:128]} is no ARN of a {member.removesuffix('arn')}")
    groups = value.get("groups")
    if groups is not None and not isinstance(groups, list):
        problems.append(f"{origin}: groups is no list")
    listed = groups if isinstance(groups, list) else []
    user = str(value.get("username") or "")
    return entry_for_arn(arn, user, tuple(str(group) for group in listed), origin)


def _accounts(text: str, problems: list[str]) -> tuple[str, ...]:
    if not text.strip() or _listed(text, "mapAccounts", problems) == []:
        return ()
    # As texts: 012345678901 would be an octal number, or another account.
    listed = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - makes texts, lists and dicts only
    return tuple(str(account) for account in listed)
