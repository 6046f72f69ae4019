"""A custom resource given in place of a template: made into a template that runs it once.

What is wrong with that template is told at the user's own fields: `spec.duration`, not the
parameter that it became.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from bridge.catalog.portability import REFUSED_BY_FIS
from bridge.cli.injection import EXECUTOR, LONGEST_NAME, Injection, template_of
from bridge.model.problem import Problem, Severity
from bridge.model.wording import child, quote
from providers.kubernetes.specs import is_native

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ANNOTATION: Final = child("metadata.annotations", EXECUTOR)
_FIELDS: Final = {
    "parameters.kubernetesApiVersion": "apiVersion",
    "parameters.kubernetesKind": "kind",
    "parameters.kubernetesNamespace": "metadata.namespace",
    "parameters.kubernetesSpec": "spec",
    "parameters.maxDuration": "spec.duration",
    "parameters.carriedOutBy": _ANNOTATION,
}
"""Member of the action → field of the resource that it was made from."""


class ResourceFile:
    """A custom resource, the template that it becomes, and what is wrong with it so far."""

    def __init__(self, document: dict[str, Any], *, role: str | None, cluster: str | None) -> None:
        """Read a document that `is_resource` calls one; role and cluster are ARNs."""
        self.problems: list[Problem] = []
        self._document = document
        self._api_version = self._text("apiVersion", "chaos-mesh.org/v1alpha1")
        self._kind = self._text("kind", "AWSChaos")
        self._name = ""
        self._namespace = "default"
        self._executor: Any = None
        self._read_metadata()
        for key in sorted(document.keys() - {"apiVersion", "kind", "metadata", "spec"}):
            self._add(child("", key), "is not read; remove it")
        if not isinstance(document.get("spec"), dict):
            self._add("spec", "is required; write an object with the fields of the kind")
        self._read_options(role, cluster)
        self._role, self._cluster = role, cluster

    @property
    def injection(self) -> Injection:
        """The resource; it means something where ``problems`` holds no error."""
        return Injection(
            name=self._name,
            api_version=self._api_version,
            kind=self._kind,
            namespace=self._namespace,
            spec=self._document["spec"],
            executor=self._executor,
        )

    @property
    def template(self) -> dict[str, Any]:
        """The template; it means something where ``problems`` holds no error."""
        return template_of([self.injection], role=self._role, cluster=self._cluster, as_text=False)

    def in_file(self, problem: Problem) -> Problem | None:
        """Return a problem of the template at the field of the file; None for one that has none.

        A custom resource cannot name an alarm, and nobody asked whether FIS would take it.
        """
        if problem.path == "stopConditions" or problem.message.startswith(REFUSED_BY_FIS):
            return None
        words = problem.message.replace("carriedOutBy ", f"the annotation {EXECUTOR}: ")
        problem = replace(problem, message=words)
        rest = problem.path.removeprefix(f"{child('actions', self._action)}.")
        for member, field in _FIELDS.items():
            if rest == member or rest.startswith((f"{member}.", f"{member}[")):
                return replace(problem, path=field + rest.removeprefix(member))
        if rest.startswith("targets"):
            return replace(problem, path="", message=self._of_cluster(problem.message))
        if rest == "roleArn":
            return replace(problem, path="", message=f"--role: {problem.message}")
        return replace(problem, path="")

    def _of_cluster(self, message: str) -> str:
        if self._cluster is not None:
            return f"--cluster: {message}"
        return f"{quote(self._kind)} is created in a cluster; say in which with --cluster ARN"

    @property
    def _action(self) -> str:
        return self._name[:LONGEST_NAME]

    @property
    def _native(self) -> bool:
        return is_native(self._api_version, self._kind, self._executor)

    def _text(self, field: str, example: str) -> str:
        value = self._document.get(field)
        if isinstance(value, str) and value:
            return value
        self._add(field, f"is required; write it like {quote(example)}")
        return ""

    def _read_metadata(self) -> None:
        metadata = self._document.get("metadata")
        if not isinstance(metadata, dict):
            self._add("metadata", "is required; write it like { name: stop-workers }")
            return
        name = metadata.get("name")
        if isinstance(name, str) and _NAME.fullmatch(name):
            self._name = name
        else:
            message = 'must be lower-case letters, digits and inner hyphens, like "stop-workers"'
            self._add("metadata.name", message)
        if "namespace" in metadata:
            # The catalogue says what a namespace is.
            self._namespace = metadata["namespace"]
        for key in sorted(metadata.keys() - {"name", "namespace", "labels", "annotations"}):
            self._add(child("metadata", key), "is not read; remove it")
        for part in ("labels", "annotations"):
            entries = metadata.get(part) or {}
            if not isinstance(entries, dict):
                self._add(f"metadata.{part}", "must be an object of names and texts")
                continue
            self._executor = entries.get(EXECUTOR) if part == "annotations" else None
            for key in sorted(entries):
                if part == "annotations" and key == EXECUTOR:
                    continue
                where = child(f"metadata.{part}", key)
                message = "is not read, and not put on anything that is created"
                self.problems.append(Problem(where, message, Severity.WARNING))

    def _read_options(self, role: str | None, cluster: str | None) -> None:
        if role is None:
            self._add("", "a custom resource names no role to act as; say which with --role ARN")
        if self._native and cluster is not None:
            self._add(
                "",
                f"--cluster: the bridge itself carries out the {self._kind} and touches no "
                f'cluster; leave it out, or annotate the resource with {EXECUTOR}: "cluster"',
            )

    def _add(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))
