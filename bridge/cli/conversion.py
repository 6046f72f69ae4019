"""What a document says should be injected, and what of it another notation cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.catalog.action_templates import read_action_template
from bridge.catalog.action_templates.expansion import expand
from bridge.catalog.entries import canonical
from bridge.cli.exits import CommandError, Exit
from bridge.cli.injection import EXECUTOR, Injection
from bridge.cli.linting.judging import kind_of
from bridge.cli.linting.manifests import CLUSTERS_OWN, is_chaos, items_of, namespace_of
from bridge.model.action_template import ActionTemplateVersion
from bridge.model.problem import InvalidDocumentError
from bridge.model.template import TemplateAction
from bridge.model.wording import child, quote
from providers.kubernetes.resource import FAULT
from providers.kubernetes.spec_text import SpecTextError, read_spec

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass
class Source:
    """What was read."""

    kind: str
    injections: list[Injection] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """What cannot be carried over, each with its path."""


def read_source(documents: list[Any], given: Mapping[str, str]) -> Source:
    """Read documents of one kind; ``given`` are values for an action template's parameters.

    Raises CommandError where a document cannot be converted, naming the field.
    """
    kinds = {kind_of(document) for document in documents}
    if None in kinds or len(kinds) != 1:
        msg = (
            "convert takes chaos manifests, a FIS template or actions, or an action template, of "
            "one kind in a file"
        )
        raise CommandError(Exit.INVALID, msg)
    source = Source(str(kinds.pop()))
    if given and source.kind != "action template":
        msg = "--set gives values to the parameters of an action template; leave it out"
        raise CommandError(Exit.INVALID, msg)
    for document in documents:
        if source.kind == "manifest":
            for item, path in items_of(document):
                if isinstance(item, dict) and is_chaos(item):
                    source.injections.append(_of_manifest(item, path, source))
                else:
                    source.lost.append(f"{path}: is no chaos kind")
        elif source.kind == "action template":
            source.injections.append(_of_action_template(document, given))
        else:
            source.injections += _of_actions(document, source)
    if not source.injections:
        raise CommandError(Exit.INVALID, "nothing in it injects a custom resource")
    return source


def _of_manifest(item: Mapping[str, Any], path: str, source: Source) -> Injection:
    metadata = item.get("metadata")
    if not isinstance(metadata, dict):
        raise _refused(path, "metadata", "is required; write it like { name: slow-carts }")
    name = metadata.get("name") or str(metadata.get("generateName", "")).rstrip("-")
    if not isinstance(name, str) or not name:
        raise _refused(path, "metadata.name", 'is required; write it like "slow-carts"')
    if not isinstance(metadata.get("annotations") or {}, dict):
        raise _refused(path, "metadata.annotations", "must be an object of names and texts")
    for part in ("apiVersion", "kind"):
        if not isinstance(item.get(part), str):
            raise _refused(path, part, "is required; write a text")
    if not isinstance(item.get("spec"), dict):
        raise _refused(path, "spec", "is required; write an object with the fields of the kind")
    source.lost += _lost(item, metadata, path)
    executor = (metadata.get("annotations") or {}).get(EXECUTOR)
    return Injection(
        name=name,
        api_version=item["apiVersion"],
        kind=item["kind"],
        namespace=namespace_of(item),
        spec=item["spec"],
        executor=executor if isinstance(executor, str) else None,
    )


def _lost(item: Mapping[str, Any], metadata: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield what of a manifest only a cluster keeps, and what it does not even know."""
    annotations = metadata.get("annotations") or {}
    clusters = [child("metadata", key) for key in metadata if key in CLUSTERS_OWN]
    clusters += ["metadata.annotations (last applied)"] if _LAST_APPLIED in annotations else []
    clusters += ["status"] if "status" in item else []
    if clusters:
        where = f"{path}: " if path else ""
        yield f"{where}{', '.join(clusters)}: the cluster's own, left out"
    for key in metadata:
        if key not in ("name", "namespace", "annotations", *CLUSTERS_OWN):
            yield f"{_at(path, child('metadata', key))}: cannot be carried over"
    for key in annotations:
        if key not in (EXECUTOR, _LAST_APPLIED):
            where = _at(path, child("metadata.annotations", str(key)))
            yield f"{where}: cannot be carried over"
    for key in item:
        if key not in ("apiVersion", "kind", "metadata", "spec", "status"):
            yield f"{_at(path, child('', key))}: is no field of a manifest, left out"


def _of_action_template(document: Any, given: Mapping[str, str]) -> Injection:
    try:
        template = read_action_template(document)
    except InvalidDocumentError as error:
        raise CommandError(Exit.INVALID, "\n".join(map(str, error.problems))) from None
    version = ActionTemplateVersion(template=template, version=1)
    action = TemplateAction(action_id=version.reference.action_id, parameters=dict(given))
    expanded, problems = expand(action, version, "")
    if expanded is None:
        told = (
            str(one).removeprefix("parameters.").removeprefix('parameters["') for one in problems
        )
        msg = "\n".join(f"parameter {one}; give it with --set NAME=VALUE" for one in told)
        raise CommandError(Exit.INVALID, msg)
    return _of_parameters(template.name, expanded.action.parameters, template.description, "")


def _of_actions(document: Mapping[str, Any], source: Source) -> Iterator[Injection]:
    actions, path = document, ""
    if source.kind == "template":
        actions, path = document["actions"], "actions"
        told = sorted(document.keys() - {"actions"})
        source.lost.append(f"{', '.join(told)}: belong to the experiment, not to the resource")
    elif "actionId" in document:
        actions = {"action": document}
    for name, action in actions.items():
        where = child(path, str(name)) if actions is not document or path else str(name)
        if not isinstance(action, dict) or canonical(str(action.get("actionId"))) != FAULT:
            found = action.get("actionId") if isinstance(action, dict) else None
            source.lost.append(f"{where}: {quote(str(found))} creates no custom resource")
            continue
        if action.get("startAfter"):
            source.lost.append(f"{child(where, 'startAfter')}: a resource knows no order")
        parameters = action.get("parameters")
        if not isinstance(parameters, dict):
            raise _refused(where, "parameters", "is required; write an object")
        description = str(action.get("description") or "")
        yield _of_parameters(str(name), parameters, description, child(where, "parameters"))


def _of_parameters(
    name: str, parameters: Mapping[str, Any], description: str, path: str
) -> Injection:
    texts = {
        part: parameters.get(part)
        for part in ("kubernetesApiVersion", "kubernetesKind", "kubernetesNamespace")
    }
    for part, value in texts.items():
        if not isinstance(value, str) or not value:
            raise _refused(path, part, "is required; write a text")
    try:
        spec = read_spec(parameters.get("kubernetesSpec", ""))
    except SpecTextError as error:
        told = error.at(_at(path, "kubernetesSpec"))
        raise CommandError(Exit.INVALID, "\n".join(map(str, told))) from None
    executor, limit = parameters.get("carriedOutBy"), parameters.get("maxDuration")
    return Injection(
        name=name,
        api_version=str(texts["kubernetesApiVersion"]),
        kind=str(texts["kubernetesKind"]),
        namespace=str(texts["kubernetesNamespace"]),
        spec=spec,
        executor=executor if isinstance(executor, str) else None,
        max_duration=limit if isinstance(limit, str) else None,
        status=parameters.get("kubernetesStatus"),
        description=description,
    )


def _refused(path: str, part: str, message: str) -> CommandError:
    return CommandError(Exit.INVALID, f"{_at(path, part)}: {message}")


def _at(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part
