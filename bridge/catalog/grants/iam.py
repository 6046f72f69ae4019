"""IAM: permission policies that fit a managed policy's size, and the trust policy of the role.

IAM User Guide, "IAM and AWS STS quotas": 6,144 characters of a managed policy, white space not
counted, ten of them on a role unless more were asked for.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from bridge.catalog.grants.document import About, Document
from bridge.catalog.needs import ASSUMING, SETTING, Need, Who
from providers.aws.arns import Arn

LARGEST: Final = 6144
_LONGEST_NAME: Final = 120
"""Characters of a policy's name, of which it may have 128; a number may follow."""
VERSION: Final = "2012-10-17"


def documents(needs: Sequence[Need], about: About) -> Iterator[Document]:
    """Yield the policies of each identity and account, then the trust policies of the roles."""
    by_holder: dict[tuple[str, str], list[Need]] = defaultdict(list)
    for who in Who:
        by_holder.clear()
        for one in needs:
            if one.who is who and one.place.cloud == "aws":
                by_holder[one.holder, one.place.account].append(one)
        for holder, account in sorted(by_holder):
            yield from _policies(who, holder, account, by_holder[holder, account], about)
    if any(one.permission == ASSUMING for one in needs):
        for role, trusted in pairwise_trust(about):
            yield _trust(role, trusted, about)


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


def _policies(
    who: Who, holder: str, account: str, needs: Sequence[Need], about: About
) -> Iterator[Document]:
    made = policies(needs)
    arns = {Who.EXPERIMENT: about.identity, Who.READER: about.principal, Who.BETWEEN: holder}
    role = name_of(arns[who])
    named = {
        Who.EXPERIMENT: about.slug,
        Who.READER: f"{about.slug}-reader",
        Who.BETWEEN: f"{about.slug}-via-{role}"[:_LONGEST_NAME],
    }[who]
    whose = "the bridge's own identity" if who is Who.READER else f"role {role}"
    for number, (body, granted) in enumerate(made, 1):
        name = named if len(made) == 1 else f"{named}-{number}"
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
            holder,
        )


def trust_policy(about: About, role: str = "", trusted: str = "") -> dict[str, Any]:
    """Return the trust policy by which one identity, and nobody else, may assume a role.

    By default the template's role trusts whoever comes before it: the bridge, or the last role of
    a chain.
    """
    role = role or about.identity
    trusted = trusted or dict(pairwise_trust(about))[role]
    statement: dict[str, Any] = {
        "Sid": "Faultbridge",
        "Effect": "Allow",
        "Principal": {"AWS": trusted},
        "Action": [ASSUMING, SETTING] if about.acting.source_identity else ASSUMING,
    }
    if external_id := about.acting.external_ids.get(role):
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return _policy([statement])


def pairwise_trust(about: About) -> list[tuple[str, str]]:
    """Return each role that is assumed, with the identity that assumes it."""
    return [(role, trusted) for trusted, role in pairwise((about.principal, *about.roles))]


def name_of(arn: str) -> str:
    """Return a role's name, without its path."""
    return arn.rpartition("/")[2]


def _trust(role: str, trusted: str, about: About) -> Document:
    name, between = name_of(role), role != about.identity
    who = "the bridge" if trusted == about.principal else f"role {name_of(trusted)}"
    return Document(
        Who.BETWEEN if between else Who.EXPERIMENT,
        "aws",
        "trust-policy",
        f"Trust policy of role {name}: {who} may assume it",
        trust_policy(about, role, trusted),
        (
            (
                f"aws iam create-role --role-name {name} "
                f"--assume-role-policy-document file://{name}-trust.json"
            ),
        ),
        holder=role if between else "",
    )


def _partition(about: About) -> str:
    arn = Arn.parse(about.identity)
    return arn.partition if arn else "aws"
