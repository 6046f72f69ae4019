"""Writing into a section of aws-auth: YAML that others wrote, so the text is edited, not dumped.

An edit is one insertion: nothing of what stood there is dropped or moved, comments included. The
result is read again, and must say what stood there and the new entry; else nothing is written.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from rbac.aws_auth import SECTIONS
from rbac.principals import canonical, has_path, kind_of

_PLAIN: Final = re.compile(r"[A-Za-z][\w./@+=-]*(?::+[\w./@+=-]+)*", re.ASCII)


class EditError(Exception):
    """The entry cannot be written without touching what others wrote; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """The entry that shall be there."""

    arn: str
    user: str
    groups: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """Which section it belongs to. Raises EditError for what has none."""
        kind = kind_of(self.arn)
        if kind not in ("role", "user"):
            msg = f"aws-auth maps IAM roles and users; {self.arn[:128]} is neither"
            raise EditError(msg)
        return "mapRoles" if kind == "role" else "mapUsers"

    @property
    def key(self) -> str:
        """The ARN as it must be written: of a session its role, and without path."""
        return canonical(self.arn)


def merge(text: str, wanted: Wanted) -> str:
    """Return a section's text with the entry in it; the same text where it says so already.

    Where the principal has an entry, the first one is the one that counts: missing groups are
    added to it, and another user name is an EditError.
    """
    member = SECTIONS[wanted.section]
    old, node = _read(text, wanted.section)
    entry = {member: wanted.key, "username": wanted.user}
    if wanted.groups:
        entry["groups"] = list(wanted.groups)  # type: ignore[assignment]  # the one list in it
    at = _position(old, member, wanted)
    if at is None:
        return _verified(appended(text, node, entry), [*old, entry], text)
    there = old[at]
    _same_user(there, member, wanted)
    has = there.get("groups") or []
    missing = [group for group in dict.fromkeys(wanted.groups) if group not in has]
    if not missing:
        return text
    items = node.value if isinstance(node, SequenceNode) else []
    changed = {**there, "groups": [*has, *missing]}
    new = _grouped(text, items[at], missing)
    return _verified(new, [*old[:at], changed, *old[at + 1 :]], text)


def _read(text: str, section: str) -> tuple[list[Any], Node | None]:
    try:
        value = yaml.safe_load(text)
        node = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        msg = (
            f"{section} is not YAML as it stands, and what others wrote there is not touched; "
            "mend it by `kubectl edit -n kube-system configmap aws-auth` first"
        )
        raise EditError(msg) from None
    if value is None:
        return [], node
    if not isinstance(value, list):
        msg = f"{section} is no list as it stands; mend it first"
        raise EditError(msg)
    return value, node


def _position(old: list[Any], member: str, wanted: Wanted) -> int | None:
    for index, one in enumerate(old):
        if isinstance(one, dict) and str(one.get(member, "")).lower() == wanted.key.lower():
            return index
    return None


def _same_user(there: dict[str, Any], member: str, wanted: Wanted) -> None:
    user = str(there.get("username") or there[member])
    if user != wanted.user:
        msg = (
            f"{wanted.key} is mapped to user {user} already, and the first entry wins; map it "
            f"with --user {user}, or change that entry by `kubectl edit`"
        )
        raise EditError(msg)
    if not isinstance(there.get("groups") or [], list):
        msg = f"the entry of {wanted.key} has groups that are no list; mend it first"
        raise EditError(msg)


def appended(text: str, node: Node | None, entry: dict[str, Any]) -> str:
    """Return a text with an entry after the last one of the list ``node``, which ends the text.

    Raises EditError where it cannot be written there.
    """
    line = "\r\n" if "\r\n" in text else "\n"
    if isinstance(node, SequenceNode) and node.flow_style:
        return _in_brackets(text, node, json.dumps(entry))
    if isinstance(node, ScalarNode) and node.value:
        msg = "the section says null; empty it first"
        raise EditError(msg)
    indent = " " * (node.start_mark.column if isinstance(node, SequenceNode) else 0)
    start = text if not text or text.endswith("\n") else text + line
    lines = [f"{indent}- {name}: {_scalar(value)}" for name, value in list(entry.items())[:1]]
    for name, value in list(entry.items())[1:]:
        if isinstance(value, list):
            lines += [f"{indent}  {name}:", *(f"{indent}    - {_scalar(one)}" for one in value)]
        else:
            lines.append(f"{indent}  {name}: {_scalar(value)}")
    return start + "".join(one + line for one in lines)


def _grouped(text: str, entry: Node, missing: list[str]) -> str:
    """Add groups to an entry that is there."""
    members = entry.value if isinstance(entry, MappingNode) else []
    groups = next((value for key, value in members if key.value == "groups"), None)
    flow = ", ".join(map(json.dumps, missing))
    if isinstance(groups, SequenceNode) and groups.value and not groups.flow_style:
        last = groups.value[-1]
        line = "\r\n" if "\r\n" in text else "\n"
        indent = " " * groups.start_mark.column
        added = "".join(f"{line}{indent}- {_scalar(group)}" for group in missing)
        end = re.compile(r"\r?\n|\Z").search(text, last.end_mark.index)
        return _insert(text, end.start() if end else len(text), added)
    if isinstance(groups, SequenceNode):
        return _in_brackets(text, groups, flow)
    if isinstance(groups, ScalarNode) and not groups.value:
        return _insert(text, groups.end_mark.index, f" [{flow}]")
    if groups is not None:
        msg = "the entry's groups say null; remove that line first"
        raise EditError(msg)
    flowing = isinstance(entry, MappingNode) and entry.flow_style
    place = entry.start_mark.index + (1 if flowing else 0)
    after = ", " if flowing else "\n" + " " * entry.start_mark.column
    return _insert(text, place, f"groups: [{flow}]{after}")


def _in_brackets(text: str, node: SequenceNode, added: str) -> str:
    if node.value:
        return _insert(text, node.value[-1].end_mark.index, f", {added}")
    return _insert(text, node.start_mark.index + 1, added)


def _insert(text: str, place: int, added: str) -> str:
    return text[:place] + added + text[place:]


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return json.dumps(text)


def _verified(new: str, wanted: list[Any], old: str) -> str:
    try:
        same = yaml.safe_load(new) == wanted
    except (yaml.YAMLError, ValueError, RecursionError):
        same = False
    if not same or not only_inserted(old, new):
        msg = (
            "the section is written in a way that cannot be added to without changing it; add "
            "the entry by `kubectl edit -n kube-system configmap aws-auth`"
        )
        raise EditError(msg)
    return new


def only_inserted(old: str, new: str) -> bool:
    """Whether a text is another one with one insertion."""
    front = 0
    while front < len(old) and old[front] == new[front]:
        front += 1
    return new.endswith(old[front:])


def traps(wanted: Wanted) -> list[str]:
    """Say what was understood otherwise than it was written."""
    found = []
    if has_path(wanted.arn):
        found.append(f"EKS knows roles without their path here: {wanted.key} is written")
    if ":assumed-role/" in wanted.arn:
        found.append(f"a session counts as its role: {wanted.key} is written")
    return found
