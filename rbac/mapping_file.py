"""The file that says as whom the bridge acts in clusters of a kubeconfig.

``identities`` is a list of ``principal`` (pattern), ``cluster`` (pattern), ``user``, ``groups``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.wording import child, quote, suggestion
from rbac.mapping import Entry, IdentityMapping

LARGEST: Final = 1024 * 1024
_MEMBERS: Final = ("principal", "cluster", "user", "groups")


def read_mapping_file(path: Path) -> IdentityMapping:
    """Read the file, YAML or JSON. Raises OSError, and InvalidDocumentError with every problem."""
    return parse_mapping(path.read_text("utf-8"))


def parse_mapping(text: str) -> IdentityMapping:
    """Read the file's text. Raises InvalidDocumentError with every problem."""
    if len(text) > LARGEST:
        raise InvalidDocumentError([Problem("", f"is larger than {LARGEST} characters; split it")])
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        message = f"{where}is neither YAML nor JSON"
        raise InvalidDocumentError([Problem("", message)]) from None
    return read_mapping(document)


def read_mapping(document: Any) -> IdentityMapping:
    """Read the file's value. Raises InvalidDocumentError with every problem."""
    if not isinstance(document, dict) or set(document) != {"identities"}:
        message = 'must be an object with the one member "identities"'
        raise InvalidDocumentError([Problem("", message)])
    listed = document["identities"]
    if not isinstance(listed, list):
        raise InvalidDocumentError([Problem("identities", "must be a list")])
    problems: list[Problem] = []
    entries = [_entry(one, child("identities", at), problems) for at, one in enumerate(listed)]
    if problems:
        raise InvalidDocumentError(problems)
    return IdentityMapping(tuple(entries))


def _entry(value: Any, path: str, problems: list[Problem]) -> Entry:
    if not isinstance(value, dict):
        problems.append(Problem(path, "must be an object with principal and user"))
        return Entry("", "")
    for name in value:
        if name not in _MEMBERS:
            mend = suggestion(str(name), _MEMBERS, "remove it")
            problems.append(Problem(child(path, str(name)), f"is not known; {mend}"))
    texts = {}
    for name, default in (("principal", ""), ("user", ""), ("cluster", "k8s:context/*")):
        text = value.get(name, default)
        if not isinstance(text, str) or not text:
            problems.append(Problem(child(path, name), "must be a text; write it"))
            text = "x"
        texts[name] = text
    groups = value.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
        problems.append(Problem(child(path, "groups"), "must be a list of texts"))
        groups = []
    cluster = texts["cluster"]
    if not cluster.startswith("k8s:context/"):
        message = (
            f"{quote(cluster)} is no context: write k8s:context/NAME; on EKS the cluster's own "
            "mapping decides, which `faultbridge rbac map` writes"
        )
        problems.append(Problem(child(path, "cluster"), message))
    entry = Entry(texts["principal"], texts["user"], tuple(groups), cluster, f"mapping file {path}")
    problems += [Problem(path, one) for one in entry.problems()]
    return entry
