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
        document = yaml.load(text, _Strict)  # noqa: S506 - a safe loader, and a stricter one
    except yaml.YAMLError as error:
        raise InvalidDocumentError([Problem("", _words(error))]) from None
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


def _words(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{getattr(error, 'problem', None) or 'is neither YAML nor JSON'}"


class _Strict(yaml.SafeLoader):
    """Takes no name twice, no aliases, and texts that look like dates (``Version``) as texts."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias, which could refer to what it is in."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # PyYAML
            raise yaml.MarkedYAMLError(None, None, "aliases are not read; write it out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a name that is there twice: only one of them would count."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"{quote(str(key.value))} stands twice in one object; remove one of them"
                raise yaml.MarkedYAMLError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Strict.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


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
