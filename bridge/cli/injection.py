"""One chaos resource in its several notations: manifest, FIS action, action template.

`run` and `convert` both go through here, so that what is converted is what would be run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from bridge.model.moment import format_duration
from bridge.model.notation.writing import as_json_text
from providers.contract import LONGEST_ACTION
from providers.kubernetes.resource import FAULT
from providers.kubernetes.specs import is_native, is_one_shot
from providers.kubernetes.timers import written_timer

EXECUTOR: Final = "faultbridge/carried-out-by"
"""Annotation: ``cluster`` has a cloud kind created in a cluster, ``faultbridge`` is the default."""
MARGIN: Final = timedelta(minutes=5)
"""Time beyond the resource's own duration, for its controller to begin and to recover."""
LONGEST_NAME: Final = 64
"""Characters of an action's name in FIS."""

_CLUSTER: Final = "Cluster"
_SECOND: Final = timedelta(seconds=1)
_UNFIT: Final = re.compile(r"[^-a-z0-9.]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BRACES: Final = '{{ "{{" }}'
"""How an action template writes two braces that open no placeholder."""


@dataclass(frozen=True)
class Injection:
    """A resource that is created once, or that the bridge carries out itself."""

    name: str
    api_version: str
    kind: str
    namespace: str
    spec: Mapping[str, Any]
    executor: str | None = None
    max_duration: str | None = None
    """ISO 8601; None where the notation it was read from has none."""
    status: Any = None
    """How the status of a foreign kind is read; None for known kinds."""
    description: str = ""

    @property
    def native(self) -> bool:
        """Whether the bridge carries it out and no cluster is touched."""
        return is_native(self.api_version, self.kind, self.executor)

    @property
    def action_name(self) -> str:
        """What its action is called in a FIS template."""
        return self.name[:LONGEST_NAME]

    @property
    def template_name(self) -> str:
        """What an action template of it is called."""
        return kubernetes_name(self.name)[: LONGEST_NAME - 1].strip("-.").replace(".", "-")

    @property
    def limit(self) -> str:
        """The maximum duration that is written, or one that leaves the resource its own time."""
        return self.max_duration or format_duration(self._own_limit())

    def _own_limit(self) -> timedelta:
        timer = written_timer(self.api_version.rpartition("/")[0], self.kind, dict(self.spec))
        if is_one_shot(self.kind, self.spec):
            return MARGIN
        if timer is None:
            return LONGEST_ACTION
        whole = -(-max(timer[1], timedelta()) // _SECOND) * _SECOND
        return min(whole + MARGIN, LONGEST_ACTION)

    def action(self, *, as_text: bool) -> dict[str, Any]:
        """Return the FIS action; with ``as_text`` as its wire has it: the spec is JSON text."""
        spec = dict(self.spec)
        parameters: dict[str, Any] = {
            "kubernetesApiVersion": self.api_version,
            "kubernetesKind": self.kind,
            "kubernetesNamespace": self.namespace,
            "kubernetesSpec": as_json_text(spec) if as_text else spec,
            "maxDuration": self.limit,
        }
        if self.executor is not None:
            parameters["carriedOutBy"] = self.executor
        if self.status is not None:
            status = self.status if isinstance(self.status, str) else as_json_text(self.status)
            parameters["kubernetesStatus"] = status if as_text else self.status
        action: dict[str, Any] = {"actionId": FAULT}
        if self.description:
            action["description"] = self.description
        action["parameters"] = parameters
        if not self.native:
            action["targets"] = {_CLUSTER: _CLUSTER}
        return action

    def manifest(self) -> dict[str, Any]:
        """Return what ``kubectl create`` takes."""
        metadata: dict[str, Any] = {"name": kubernetes_name(self.name), "namespace": self.namespace}
        if self.executor is not None:
            metadata["annotations"] = {EXECUTOR: self.executor}
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": metadata,
            "spec": dict(self.spec),
        }

    def action_template(self) -> dict[str, Any]:
        """Return an action template without parameters."""
        document: dict[str, Any] = {
            "name": self.template_name,
            "description": self.description or f"{self.kind} {self.name}",
            "maxDuration": self.limit,
            "apiVersion": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "spec": _braces_kept(dict(self.spec)),
            "parameters": {},
        }
        if self.status is not None:
            document["status"] = self.status
        if self.executor is not None:
            document["carriedOutBy"] = self.executor
        return document


def template_of(
    injections: Sequence[Injection], *, role: str | None, cluster: str | None, as_text: bool
) -> dict[str, Any]:
    """Return the FIS template that runs them once, side by side."""
    names = ", ".join(one.name for one in injections)
    kinds = ", ".join(dict.fromkeys(one.kind for one in injections))
    template: dict[str, Any] = {
        "description": f"{kinds} {names}"[:512],
        "actions": {one.action_name: one.action(as_text=as_text) for one in injections},
        "stopConditions": [{"source": "none"}],
        "roleArn": role,
        "tags": {"Name": names[:256]},
    }
    if cluster is not None:
        template["targets"] = {
            _CLUSTER: {
                "resourceType": "aws:eks:cluster",
                "resourceArns": [cluster],
                "selectionMode": "ALL",
            }
        }
        for action in template["actions"].values():
            action["targets"] = {_CLUSTER: _CLUSTER}
    return template


def kubernetes_name(name: str) -> str:
    """Return a name as a cluster takes it: ``SlowCarts`` is ``slow-carts``."""
    parted = _HUMP.sub("-", name).lower()
    return _UNFIT.sub("-", parted).strip("-.")[:253].rstrip("-.") or "chaos"


def _braces_kept(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _braces_kept(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_braces_kept(item) for item in value]
    return value.replace("{{", _BRACES) if isinstance(value, str) else value
