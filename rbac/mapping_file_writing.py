"""Writing an entry into the bridge's mapping file, of which nothing else is changed."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from bridge.model.problem import InvalidDocumentError
from rbac.aws_auth_text import EditError, appended, only_inserted
from rbac.aws_auth_writing import ChangedMeanwhileError
from rbac.mapping import Entry, IdentityMapping
from rbac.mapping_file import parse_mapping
from rbac.principals import CloudPrincipal


@dataclass(frozen=True)
class FileChange:
    """What would be written, and upon which text."""

    path: Path
    before: str
    after: str

    def diff(self) -> str:
        """Return a unified diff; empty where nothing changes."""
        name = str(self.path)
        lines = unified_diff(
            self.before.splitlines(), self.after.splitlines(), name, f"{name} (new)", lineterm=""
        )
        return "\n".join(lines)

    def write(self) -> None:
        """Put the new text in place of the old one, at once.

        Raises OSError, and ChangedMeanwhileError where the file is another one by now.
        """
        if _text(self.path) != self.before:
            msg = f"{self.path} was changed after it was read; nothing was written: try again"
            raise ChangedMeanwhileError(msg)
        target = self.path.resolve()
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        written = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(self.after)
                file.flush()
                os.fsync(file.fileno())
            written.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
            written.replace(target)
        except BaseException:
            written.unlink(missing_ok=True)
            raise


def plan_entry(path: Path, entry: Entry) -> FileChange:
    """Find out what an entry would change.

    Raises OSError, UnicodeDecodeError, InvalidDocumentError for a file that is not as it should
    be, and EditError where the entry cannot be added, or would not count.
    """
    before = _text(path)
    lines = (line.strip() for line in before.splitlines())
    empty = all(not line or line.startswith("#") for line in lines)
    mapping = IdentityMapping() if empty else parse_mapping(before)
    if any(_said(one) == _said(entry) for one in mapping.entries):
        return FileChange(path, before, before)
    _refuse_what_would_not_count(mapping, entry)
    wanted: dict[str, Any] = {"principal": entry.principal, "cluster": entry.cluster}
    wanted |= {"user": entry.user} | ({"groups": list(entry.groups)} if entry.groups else {})
    start = before
    if empty:
        start = (f"{before.rstrip()}\n" if before.strip() else "") + "identities:\n"
    after = appended(start, _listed(start), wanted)
    try:
        read = parse_mapping(after)
    except InvalidDocumentError:
        read = None
    kept = [_said(one) for one in mapping.entries]
    if (
        read is None
        or not only_inserted(before.rstrip() if empty else before, after)
        or [_said(one) for one in read.entries] != [*kept, _said(entry)]
    ):
        msg = f"{path} is written in a way that cannot be added to; add the entry by hand"
        raise EditError(msg)
    return FileChange(path, before, after)


def _refuse_what_would_not_count(mapping: IdentityMapping, entry: Entry) -> None:
    if set(entry.principal + entry.cluster) & set("*?"):
        return  # it may still count for some
    first = mapping.entry_for(CloudPrincipal(entry.principal), entry.cluster)
    if first is not None:
        msg = (
            f"{first.origin} maps {entry.principal} to user {first.user} there already, and the "
            "first entry counts; change that one"
        )
        raise EditError(msg)


def _said(entry: Entry) -> tuple[str, str, str, tuple[str, ...]]:
    return entry.principal, entry.cluster, entry.user, entry.groups


def _listed(text: str) -> Node | None:
    root = yaml.compose(text, yaml.SafeLoader)
    return root.value[0][1] if isinstance(root, MappingNode) and root.value else None


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
