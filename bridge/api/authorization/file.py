"""The policy file of the settings: for the first administrator, and for policies kept in Git."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.model.moment import Micros
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.wording import child, quote, quoted_list
from iam.policy import MANAGED, StoredPolicy, read_attachment
from iam.policy.naming import name_problem
from iam.policy.reading import read_policy

LARGEST: Final = 4 * 1024 * 1024
_MEMBERS: Final = ("name", "description", "document", "attach")


def read_policy_file(path: Path) -> dict[str, StoredPolicy]:
    """Read ``{"policies": [{"name", "description"?, "document"?, "attach"}]}``, YAML or JSON.

    A built-in policy is named without a document. Raises OSError, and InvalidDocumentError with
    every problem.
    """
    text = path.read_text(encoding="utf-8")
    if len(text) > LARGEST:
        raise InvalidDocumentError([Problem("", f"is larger than {LARGEST} characters; split it")])
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise InvalidDocumentError([Problem("", f"is neither YAML nor JSON: {first}")]) from None
    return read_policies(document)


def read_policies(document: Any) -> dict[str, StoredPolicy]:
    """Read the value of a policy file; raises InvalidDocumentError with every problem."""
    if not isinstance(document, dict) or set(document) != {"policies"}:
        message = 'must be an object with the one member "policies"'
        raise InvalidDocumentError([Problem("", message)])
    listed = document["policies"]
    if not isinstance(listed, list):
        raise InvalidDocumentError([Problem("policies", "must be a list of policies")])
    found: dict[str, StoredPolicy] = {}
    problems: list[Problem] = []
    for index, one in enumerate(listed):
        path = child("policies", index)
        try:
            policy = _policy(one, path)
        except InvalidDocumentError as error:
            problems += error.problems
            continue
        if policy.name in found:
            problems.append(Problem(child(path, "name"), f"{quote(policy.name)} is there twice"))
        found[policy.name] = policy
    if problems:
        raise InvalidDocumentError(problems)
    return found


def _policy(raw: Any, path: str) -> StoredPolicy:
    if not isinstance(raw, Mapping):
        raise InvalidDocumentError([Problem(path, 'is no policy; write {"name": …, "attach": …}')])
    problems = [
        Problem(child(path, str(key)), f"is not known; there is {quoted_list(_MEMBERS)}")
        for key in raw
        if key not in _MEMBERS
    ]
    name, description = raw.get("name"), raw.get("description", "")
    complaint = name_problem(name)
    if complaint or not isinstance(name, str):
        raise InvalidDocumentError([*problems, Problem(child(path, "name"), complaint or "")])
    if not isinstance(description, str):
        problems.append(Problem(child(path, "description"), "must be a text"))
    document = raw.get("document")
    if (document is None) != (name in MANAGED):
        message = (
            f"{quote(name)} is built in and has its document; leave this out"
            if name in MANAGED
            else "is required; only a built-in policy is named without it"
        )
        problems.append(Problem(child(path, "document"), message))
    elif document is not None:
        problems += _under(child(path, "document"), document, name)
    attachment = None
    try:
        attachment = read_attachment(raw.get("attach", {}), child(path, "attach"))
    except InvalidDocumentError as error:
        problems += error.problems
    if problems or attachment is None:
        raise InvalidDocumentError(problems)
    return StoredPolicy(name, description, document, attachment, Micros(0), Micros(0))


def _under(path: str, document: Any, name: str) -> list[Problem]:
    try:
        read_policy(document, name=name)
    except InvalidDocumentError as error:
        return [
            Problem(f"{path}.{one.path}" if one.path else path, one.message)
            for one in error.problems
        ]
    return []
