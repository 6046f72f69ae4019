"""The resources that a document would have created in a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.catalog.action_templates import read_action_template
from bridge.catalog.action_templates.expansion import filled_in
from bridge.catalog.action_templates.values import read_value
from bridge.cli.linting.manifests import is_chaos, items_of, namespace_of
from bridge.model.action_template import ActionTemplate
from bridge.model.problem import InvalidDocumentError
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.model.wording import child
from providers.kubernetes import specs
from providers.kubernetes.resource import FAULT
from providers.kubernetes.spec_text import SpecTextError, read_spec

_PARAMETERS: Final = {
    "apiVersion": "kubernetesApiVersion",
    "kind": "kubernetesKind",
    "metadata.namespace": "kubernetesNamespace",
    "spec": "kubernetesSpec",
}


@dataclass(frozen=True)
class Created:
    """One resource as it would be sent, and where its fields are written."""

    manifest: Mapping[str, Any]
    at: Callable[[str], str]
    """Path in the resource → path in the document."""
    clusters: tuple[str, ...] = ()
    """ARNs of the clusters that the document names for it."""

    @property
    def namespace(self) -> str:
        """Where it would be created."""
        return namespace_of(self.manifest)


def created_by(
    kind: str, document: Any, expanded: Callable[[Any], ExperimentTemplate | None]
) -> list[Created]:
    """Return the resources of a document that is of a kind of `judging.kind_of`.

    ``expanded`` reads a FIS template. What is too wrong to be sent is left out: it has been told.
    """
    if kind == "manifest":
        return list(_of_manifest(document))
    if kind == "action template":
        return list(_of_action_template(document))
    if kind == "template":
        template = expanded(document)
        return [] if template is None else list(_of_template(template))
    return []


def _of_manifest(document: Mapping[str, Any]) -> Iterator[Created]:
    for item, path in items_of(document):
        fits = isinstance(item, dict) and is_chaos(item) and isinstance(item.get("spec"), dict)
        texts = fits and all(isinstance(item.get(name), str) for name in ("apiVersion", "kind"))
        if not texts or not isinstance(item.get("metadata"), dict):
            continue
        metadata = {
            name: value
            for name, value in item["metadata"].items()
            if name in ("name", "namespace", "labels", "annotations")
        }
        sent = {**{name: item[name] for name in ("apiVersion", "kind", "spec")}}
        yield Created({**sent, "metadata": metadata}, _below(path))


def _below(path: str) -> Callable[[str], str]:
    return lambda inner: f"{path}.{inner}" if path and inner else path or inner


def _of_action_template(document: Any) -> Iterator[Created]:
    try:
        template = read_action_template(document)
    except InvalidDocumentError:
        return
    if not without_default(template):
        values = {
            name: read_value(parameter, parameter.default)
            for name, parameter in template.parameters.items()
        }
        parameters, _ = filled_in(template, values)
        yield from _sent(parameters, lambda path: path.removeprefix("metadata."))


def without_default(template: ActionTemplate) -> list[str]:
    """Return the parameters whose values nobody knows before the template is used."""
    return [name for name, parameter in template.parameters.items() if parameter.required]


def unknown_values(document: Any) -> list[str]:
    """Return why an action template cannot be tried: its parameters without a default."""
    try:
        return without_default(read_action_template(document))
    except InvalidDocumentError:
        return []


def _of_template(template: ExperimentTemplate) -> Iterator[Created]:
    for name, action in template.actions.items():
        if action.action_id != FAULT:
            continue
        path = child("actions", name)
        named = template.targets.get(action.targets.get("Cluster", ""))
        arns = named.resource_arns if named else ()
        yield from _sent(action.parameters, _of_action(path, action), arns)


def _of_action(path: str, action: TemplateAction) -> Callable[[str], str]:
    def at(inner: str) -> str:
        if action.action_template is not None:
            return f"{path}.actionId"
        for field, parameter in _PARAMETERS.items():
            if inner == field or inner.startswith((f"{field}.", f"{field}[")):
                return f"{path}.parameters.{parameter}{inner.removeprefix(field)}"
        return f"{path}.parameters"

    return at


def _sent(
    parameters: Mapping[str, Any], at: Callable[[str], str], clusters: tuple[str, ...] = ()
) -> Iterator[Created]:
    api_version, kind = parameters.get("kubernetesApiVersion"), parameters.get("kubernetesKind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return
    if specs.is_native(api_version, kind, parameters.get("carriedOutBy")):
        return
    try:
        spec = read_spec(parameters.get("kubernetesSpec", ""))
    except SpecTextError:
        return
    metadata = {"namespace": str(parameters.get("kubernetesNamespace", ""))}
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
    yield Created(manifest, at, clusters)
