"""IAM: permission policies that fit a managed policy's size, and the trust policy of the role.

IAM User Guide, "IAM and AWS STS quotas": 6,144 characters of a managed policy, white space not
counted, ten of them on a role unless more were asked for.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from bridge.catalog.grants.document import About, Document
from bridge.catalog.needs import ASSUMING, Need, Who
from providers.aws.arns import Arn

LARGEST: Final = 6144
VERSION: Final = "2012-10-17"
SETTING: Final = "sts:SetSourceIdentity"


def documents(needs: Sequence[Need], about: About) -> Iterator[Document]:
    """Yield the policies of each identity and account, then the trust policy of the role."""
    for who in Who:
        by_account: dict[str, list[Need]] = defaultdict(list)
        for one in needs:
            if one.who is who and one.place.cloud == "aws":
                by_account[one.place.account].append(one)
        for account in sorted(by_account):
            yield from _policies(who, account, by_account[account], about)
    if any(one.permission == ASSUMING for one in needs):
        yield _trust(about)


def policies(needs: Sequence[Need]) -> list[tuple[dict[str, Any], tuple[Need, ...]]]:
    """Return policies that grant exactly these rights, each within the limit, with its rights."""
    found: list[tuple[list[dict[str, Any]], list[Need]]] = []
    for statement, granted in _statements(needs):
        if not found or size(_policy([*found[-1][0], statement])) > LARGEST:
            found.append(([], []))
        found[-1][0].append(statement)
        found[-1][1].extend(granted)
    return [(_policy(_named(statements)), tuple(granted)) for statements, granted in found]


def size(document: Any) -> int:
    """Return the characters that IAM counts."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return sum(1 for character in text if not character.isspace())


def _policy(statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": list(statements)}


def _statements(needs: Sequence[Need]) -> Iterator[tuple[dict[str, Any], list[Need]]]:
    groups: dict[tuple[object, ...], list[Need]] = defaultdict(list)
    for one in needs:
        groups[one.resources, one.conditions].append(one)
    for resources, conditions in sorted(groups, key=repr):
        granted = groups[resources, conditions]
        actions = sorted({one.permission for one in granted})
        for few in _portions(list(resources), len(json.dumps([actions, conditions]))):  # type: ignore[call-overload] # the key's parts are tuples
            statement: dict[str, Any] = {
                "Sid": "",
                "Effect": "Allow",
                "Action": actions,
                "Resource": few or "*",
            }
            if conditions:
                block: dict[str, dict[str, str]] = {}
                for operator, key, value in conditions:  # type: ignore[attr-defined] # as above
                    block.setdefault(operator, {})[key] = value
                statement["Condition"] = block
            yield statement, granted


def _portions(resources: list[str], beside: int) -> Iterator[list[str]]:
    """Yield the resources in portions that leave room for the rest of a statement."""
    portion: list[str] = []
    room = LARGEST - beside - 250
    for one in resources:
        if portion and sum(len(each) + 3 for each in portion) + len(one) + 3 > room:
            yield portion
            portion = []
        portion.append(one)
    yield portion


def _named(statements: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each statement a Sid of its own: the name of its first action."""
    found: list[dict[str, Any]] = []
    taken: set[str] = set()
    for one in statements:
        base = str(one["Action"][0]).partition(":")[2]
        number, name = 1, base
        while name in taken:
            number += 1
            name = f"{base}{number}"
        taken.add(name)
        found.append({**one, "Sid": name})
    return found


def _policies(who: Who, account: str, needs: Sequence[Need], about: About) -> Iterator[Document]:
    made = policies(needs)
    reader = who is Who.READER
    for number, (body, granted) in enumerate(made, 1):
        name = f"{about.slug}-reader" if reader else about.slug
        if len(made) > 1:
            name += f"-{number}"
        arn = about.principal if reader else about.identity
        role = arn.rpartition("/")[2]
        whose = "the bridge's own identity" if reader else f"role {about.role}"
        yield Document(
            who,
            "aws",
            "iam-policy",
            f"IAM policy {name} for {whose}, account {account}",
            body,
            (
                f"aws iam create-policy --policy-name {name} --policy-document file://{name}.json",
                (
                    f"aws iam attach-role-policy --role-name {role} "
                    f"--policy-arn arn:{_partition(about)}:iam::{account}:policy/{name}"
                ),
            ),
            granted,
        )


def trust_policy(about: About) -> dict[str, Any]:
    """Return the trust policy by which the bridge, and nobody else, may assume the role."""
    statement: dict[str, Any] = {
        "Sid": "Faultbridge",
        "Effect": "Allow",
        "Principal": {"AWS": about.principal},
        "Action": [ASSUMING, SETTING] if about.source_identity else ASSUMING,
    }
    if about.external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": about.external_id}}
    return _policy([statement])


def _trust(about: About) -> Document:
    return Document(
        Who.EXPERIMENT,
        "aws",
        "trust-policy",
        f"Trust policy of role {about.role}: the bridge may assume it",
        trust_policy(about),
        (
            (
                f"aws iam create-role --role-name {about.role} "
                f"--assume-role-policy-document file://{about.role}-trust.json"
            ),
        ),
    )


def _partition(about: About) -> str:
    arn = Arn.parse(about.identity)
    return arn.partition if arn else "aws"
