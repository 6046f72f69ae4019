"""The generated parts of authorization.md: actions, keys, operators, built-in policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from docs.markdown import table
from iam.policy import ACTIONS, DOCUMENTS
from iam.policy.actions import EVERYWHERE, KEYS, MULTIVALUED, RESOURCES, takes
from iam.policy.operators import OPERATORS

_MEANINGS: Final = {
    "aws:CurrentTime": "now, for the `Date…` operators",
    "aws:EpochTime": "the same in seconds since 1970",
    "aws:PrincipalAccount": "account of a caller of AWS's",
    "aws:PrincipalArn": "its ARN; of a role's session the role's",
    "aws:RequestedRegion": "the bridge's Region",
    "aws:SourceIp": "where the request comes from; behind a proxy see "
    "[authentication.md](authentication.md#what-a-refusal-looks-like)",
    "faultbridge:Groups": "the caller's groups",
    "faultbridge:Principal": "the caller's name, of whatever kind",
    "faultbridge:PrincipalKind": "`aws-key`, `aws-role`, `oidc` or `service-account`",
    "aws:RequestTag/": "followed by a tag's key: the value that the request gives it",
    "aws:ResourceTag/": "followed by a tag's key: the value that the resource has",
    "aws:TagKeys": "keys of the tags that the request gives or takes away",
    "iam:PassedToService": "`fis.amazonaws.com`",
    "faultbridge:TemplateDigest": "what the template does, and as whom, as one number",
    "fis:Operations": "as in FIS, of the experiment's role only",
    "fis:Percentage": "the same",
    "fis:Service": "the same",
    "fis:Targets": "the same",
}


def parts() -> dict[str, Callable[[], str]]:
    """Return every part, by name."""
    return {
        "policy-actions": _actions,
        "policy-built-in": _built_in,
        "policy-keys": _keys,
        "policy-operators": _operators,
        "policy-resources": _resources,
    }


def _actions() -> str:
    rows = (
        (f"`{name}`", one.level.value, ", ".join(one.resources) or "`*`", one.note)
        for name, one in ACTIONS.items()
    )
    return table(("action", "level", "asked on", ""), rows)


def _resources() -> str:
    return table(("kind", "ARN"), ((kind, f"`{arn}`") for kind, arn in RESOURCES.items()))


def _keys() -> str:
    return table(("key", "comes with", "what it is"), _key_rows())


def _key_rows() -> Iterator[tuple[str, str, str]]:
    for key in KEYS:
        having = [name for name, one in ACTIONS.items() if takes(one, key)]
        few = ", ".join(f"`{name.partition(':')[2]}`" for name in having)
        comes = "every request" if key in EVERYWHERE else few
        several = "; several values" if key.lower() in MULTIVALUED else ""
        yield f"`{key}`", comes, _MEANINGS[key] + several


def _operators() -> str:
    return ", ".join(f"`{name}`" for name in OPERATORS) + "\n"


def _built_in() -> str:
    rows = ((f"`{name}`", description) for name, (description, _) in DOCUMENTS.items())
    return table(("policy", "what it allows"), rows)
