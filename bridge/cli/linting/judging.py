"""What a document is, and what is wrong with it as far as no cluster is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bridge.api.native.judging import judged as judged_template
from bridge.api.native.judging import parse
from bridge.catalog import Catalog
from bridge.catalog.action_templates import (
    is_action_template,
    judged,
    read_action_template,
    references,
)
from bridge.cli.files import TemplateFile
from bridge.cli.linting.created import Created, created_by
from bridge.cli.linting.findings import Finding, Rule, found
from bridge.cli.linting.manifests import is_chaos, is_manifest, items_of, manifest_problems
from bridge.cli.linting.sources import Source
from bridge.model.action_template import ActionTemplate, ActionTemplateVersion
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import quote

_FIS: Final = frozenset({"targets", "stopConditions", "roleArn", "experimentOptions"})
_ROLE: Final = "arn:aws:iam::123456789012:role/my-fis-role"


@dataclass
class Result:
    """What was looked at, and what was found."""

    findings: list[Finding] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    documents: list[tuple[TemplateFile, str]] = field(default_factory=list)
    """Documents that could be judged, each with what it is: ``manifest``, ``template`` …"""
    skipped: int = 0


class Judge:
    """Judges documents as the bridge with these settings would."""

    def __init__(self, catalog: Catalog, scope: Scope) -> None:
        """Take what can be done, and where."""
        self._catalog = catalog
        self._scope = scope
        self._action_templates: dict[str, ActionTemplate] = {}

    def learn(self, source: Source) -> None:
        """Remember the action templates of a file: FIS templates of others may name them."""
        for document in source.documents:
            if not document.broken and is_action_template(document.document):
                with suppress(InvalidDocumentError):
                    template = read_action_template(document.document)
                    self._action_templates[template.name] = template

    def look_at(self, source: Source, result: Result) -> None:
        """Add what is found in a file."""
        known = False
        for document in source.documents:
            if document.broken:
                # It was read for a word in it: what is broken is told, whatever it was to be.
                known = True
                result.findings += _writing(document)
                continue
            kind = kind_of(document.document)
            if kind is None:
                if source.named:
                    result.findings.append(_unrecognized(document))
                continue
            known = True
            result.findings += _writing(document)
            result.documents.append((document, kind))
            result.findings += [found(document, one) for one in self._problems(document, kind)]
        if known or source.named:
            result.files.add(source.name)
        else:
            result.skipped += 1

    def created(self, document: TemplateFile, kind: str) -> list[Created]:
        """Return the resources that a document would have created in a cluster."""
        value = document.document
        if kind != "actions":
            return created_by(kind, value, self._expanded)
        template, prefix = _around(value)
        found = created_by("template", template, self._expanded)
        return [replace(one, at=_without(prefix, one.at)) for one in found]

    def _expanded(self, document: Any) -> ExperimentTemplate | None:
        """Return a FIS template with its action templates filled in; None for one that is none."""
        template = parse(self._scope, document).template
        if template is None:
            return None
        return self._catalog.examine(template, self._stored(template))[0]

    def _problems(self, document: TemplateFile, kind: str) -> Iterator[Problem]:
        value = document.document
        if kind == "manifest":
            for item, path in items_of(value):
                for problem in _of_item(item):
                    yield replace(problem, path=_joined(path, problem.path))
        elif kind == "action template":
            try:
                yield from judged(read_action_template(value))
            except InvalidDocumentError as error:
                yield from error.problems
        elif kind == "template":
            yield from self._of_template(value)
        else:
            yield from self._of_actions(value)

    def _of_template(self, value: Any) -> list[Problem]:
        parsed = parse(self._scope, value)
        if parsed.template is None:
            return parsed.problems
        stored = self._stored(parsed.template)
        return judged_template(self._catalog, parsed, parsed.template, stored).problems

    def _stored(self, template: ExperimentTemplate) -> dict[str, ActionTemplateVersion]:
        """Return the action templates among the files that a FIS template names.

        A file says no version: it stands for the one that is named.
        """
        return {
            action: ActionTemplateVersion(
                template=self._action_templates[reference.name], version=reference.version or 1
            )
            for action, reference in references(template).items()
            if reference.name in self._action_templates
        }

    def _of_actions(self, value: Mapping[str, Any]) -> Iterator[Problem]:
        """Judge actions that stand for themselves: without what they name elsewhere."""
        template, prefix = _around(value)
        for problem in self._of_template(template):
            path = problem.path.removeprefix(prefix).removeprefix(".")
            parts = problem.path.replace("[", ".").split(".")
            if problem.path.startswith(prefix) and not {"targets", "startAfter"} & set(parts):
                yield replace(problem, path=path)


def kind_of(value: Any) -> str | None:
    """Return what a document is, or None."""
    if not isinstance(value, dict):
        return None
    if is_action_template(value):
        return "action template"
    if is_manifest(value):
        chaos = any(isinstance(item, dict) and is_chaos(item) for item, _ in items_of(value))
        return "manifest" if chaos else None
    actions = value.get("actions")
    if isinstance(actions, dict) and (_FIS & value.keys() or _are_actions(actions)):
        return "template"
    if "actionId" in value or _are_actions(value):
        return "actions"
    return None


def _are_actions(value: Mapping[str, Any]) -> bool:
    members = list(value.values())
    return bool(members) and all(isinstance(one, dict) and "actionId" in one for one in members)


def _of_item(item: Any) -> Iterator[Problem]:
    if not isinstance(item, dict):
        yield Problem("", "must be an object, write a manifest")
    elif is_chaos(item):
        yield from manifest_problems(item)


def _around(value: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a template with these actions, or this one, and the path that they have in it."""
    alone = "actionId" in value
    template = {
        "description": "actions",
        "actions": {"action": value} if alone else value,
        "stopConditions": [{"source": "none"}],
        "roleArn": _ROLE,
    }
    return template, "actions.action" if alone else "actions"


def _without(prefix: str, at: Callable[[str], str]) -> Callable[[str], str]:
    return lambda inner: at(inner).removeprefix(prefix).removeprefix(".")


def _joined(path: str, rest: str) -> str:
    if not path or not rest:
        return path or rest
    return path + rest if rest.startswith("[") else f"{path}.{rest}"


def _writing(document: TemplateFile) -> list[Finding]:
    return [
        Finding(document.name, place, Rule.SYNTAX, problem) for place, problem in document.problems
    ]


def _unrecognized(document: TemplateFile) -> Finding:
    value = document.document
    if is_manifest(value):
        kind = quote(str(value.get("kind")))
        message = f"a {kind} is no chaos kind; only a cluster can judge it, see `kubectl apply"
        message += " --dry-run=server`"
    else:
        message = (
            "is neither a FIS template or action, nor a chaos manifest, nor an action template; "
            'a template has "actions", a manifest "apiVersion" and "kind"'
        )
    return found(document, Problem("", message), Rule.UNRECOGNIZED)
