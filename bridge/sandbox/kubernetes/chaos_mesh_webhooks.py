"""Chaos Mesh's admission webhooks: defaults, refusals, and who may hit which namespace.

The generic rules are worded as upstream words them, Go field names included, because that is
what a bridge has to turn into something readable. What is left of the kinds that are known in
full is judged by their typed specs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import schema
from bridge.sandbox.kubernetes.chaos_mesh_crds import spec_schema
from bridge.sandbox.kubernetes.chaos_mesh_flow_webhooks import (
    FLOW_KINDS,
    PANIC,
    flow_default,
    flow_refusals,
    panics,
)
from bridge.sandbox.kubernetes.chaos_mesh_kinds import CHAOS_KINDS, GROUP
from bridge.sandbox.kubernetes.go_duration import parse_go_duration
from bridge.sandbox.kubernetes.identity import AdmissionDeniedError, Attributes
from providers.kubernetes.specs import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bridge.sandbox.kubernetes.identity import Authorize, Identity

    Spec = Mapping[str, Any]

_HUNDRED_PERCENT = 100
_OTHERS = (*FLOW_KINDS, "PhysicalMachine")
_NOT_AUTHORIZED = ("AWSChaos", "GCPChaos", "PhysicalMachine", "StatusCheck")
"""Kinds whose callers the authorization webhook lets through unasked."""


class ChaosMeshWebhooks:
    """Admission hook for the API server: `webhooks(identity, verb, old, new)`.

    `authorize` is the cluster's authorizer: a chaos resource may only be created by whoever may
    create its kind in every namespace that its selectors name, wherever the resource itself is.
    """

    def __init__(self, authorize: Authorize) -> None:
        self._authorize = authorize

    def __call__(
        self,
        identity: Identity,
        verb: str,
        old: dict[str, Any] | None,
        new: dict[str, Any] | None,
    ) -> list[str] | None:
        """Default and judge a chaos resource; other objects pass. Raises AdmissionDeniedError."""
        if new is None or verb not in ("create", "update") or not _is_judged(new):
            return None
        kind, spec = new["kind"], new["spec"]
        if schema.validate(spec, spec_schema(kind)):
            # The API server checks the schema after this hook, and refuses in its own words.
            return None
        own = new["metadata"].get("namespace", "")
        webhook = f"v{kind.lower()}.kb.io"
        if kind in CHAOS_KINDS:
            _default(kind, spec, own)
            if old is not None and old.get("spec") != spec:
                raise _denied(webhook, "Cannot update chaos spec")
            refusals = list(_refusals(kind, spec))
        else:
            flow_default(kind, spec)
            if panics(kind, spec):
                message = f'failed calling webhook "{webhook}": {PANIC}'
                raise AdmissionDeniedError(message, code=500, reason="InternalError")
            refusals = list(flow_refusals(kind, spec))
        if refusals:
            text = refusals[0] if len(refusals) == 1 else f"[{', '.join(refusals)}]"
            raise _denied(webhook, text)
        problems = check(new["apiVersion"], kind, own, spec)
        errors = [str(problem) for problem in problems if problem.severity == "error"]
        if errors:
            raise _denied(webhook, ", ".join(errors))
        if kind not in _NOT_AUTHORIZED:
            self._check_namespaces(identity, kind, spec, own)
        return None

    def _check_namespaces(self, identity: Identity, kind: str, spec: Spec, own: str) -> None:
        asked: set[str] = set()
        for selector in _selectors(spec):
            touched = [*(selector.get("namespaces") or ()), *(selector.get("pods") or ())]
            for namespace in touched or [own]:
                if namespace in asked:
                    continue
                asked.add(namespace)
                wanted = Attributes("create", GROUP, "v1alpha1", kind.lower(), namespace=namespace)
                answer = self._authorize(identity, wanted)
                if not (answer if isinstance(answer, bool) else answer.allowed):
                    place = f"namespace {namespace}" if namespace else "cluster"
                    raise _denied("vauth.kb.io", f"{identity.username} is forbidden on {place}")


def _selectors(value: object) -> Iterator[Mapping[str, Any]]:
    """All selectors of pods, however deep in a Schedule or in the templates of a Workflow."""
    if isinstance(value, dict):
        if isinstance(value.get("selector"), dict):
            yield value["selector"]
        for key, inner in value.items():
            # A container's own volumes have selectors too, of volumes.
            if key not in ("selector", "task"):
                yield from _selectors(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _selectors(inner)


def _is_judged(obj: Mapping[str, Any]) -> bool:
    return (
        str(obj.get("apiVersion", "")).startswith(f"{GROUP}/")
        and (obj.get("kind") in CHAOS_KINDS or obj.get("kind") in _OTHERS)
        and isinstance(obj.get("spec"), dict)
    )


def _denied(webhook: str, reason: str) -> AdmissionDeniedError:
    message = f'admission webhook "{webhook}" denied the request: {reason}'
    return AdmissionDeniedError(message, reason="Forbidden")


def _default(kind: str, spec: dict[str, Any], namespace: str) -> None:
    for holder in (spec, spec.get("target")):
        selector = holder.get("selector") if isinstance(holder, dict) else None
        # Selectors of physical machines stay as they are, and an empty one is then refused.
        of_pods = CHAOS_KINDS[kind].targets in ("pods", "containers")
        if of_pods and isinstance(selector, dict) and not selector.get("namespaces"):
            selector["namespaces"] = [namespace]
    if kind not in ("NetworkChaos", "BlockChaos"):
        return
    # What is read back is therefore more than what was written.
    for field in ("delay", "loss", "duplicate", "corrupt"):
        part = spec.get(field)
        if isinstance(part, dict):
            part["correlation"] = part.get("correlation") or "0"
            if field == "delay":
                part["jitter"] = part.get("jitter") or "0ms"


def _refusals(kind: str, spec: Spec) -> Iterator[str]:
    if kind != "TimeChaos" and spec.get("duration"):
        try:
            parse_go_duration(str(spec["duration"]))
        except ValueError as error:
            shown = spec["duration"]
            yield f'Spec.Duration: Invalid value: "{shown}": parse duration field error: {error}'
    if CHAOS_KINDS[kind].targets in ("pods", "containers"):
        of_containers = kind == "PodChaos" or CHAOS_KINDS[kind].targets == "containers"
        holder = "ContainerSelector.PodSelector" if of_containers else "PodSelector"
        yield from _mode_refusals(spec, f"Spec.{holder}")
    if spec.get("action") == "container-kill" and not spec.get("containerNames"):
        yield (
            "Spec.containerNames: Invalid value: null: the name of container is required on "
            "container-kill action: invalid value"
        )
    if kind == "NetworkChaos" and spec.get("action") != "partition":
        yield from _direction_refusals(spec)


def _mode_refusals(spec: Spec, path: str) -> Iterator[str]:
    mode, value = spec.get("mode"), str(spec.get("value", ""))
    if mode not in ("fixed", "fixed-percent", "random-max-percent"):
        return
    start = f'{path}.value: Invalid value: "{value}":'
    digits = value[1:] if value[:1] in ("+", "-") else value
    if not (digits.isascii() and digits.isdigit()):
        yield f'{start} parse value field error:strconv.Atoi: parsing "{value}": invalid syntax'
    elif mode == "fixed" and int(value) <= 0:
        yield f"{start} value must be greater than 0 with mode:fixed"
    elif mode != "fixed" and not 0 < int(value) <= _HUNDRED_PERCENT:
        yield f"{start} value of {value} is invalid, Must be (0,100] with mode:{mode}"


def _direction_refusals(spec: Spec) -> Iterator[str]:
    direction = spec.get("direction")
    if direction not in ("from", "both"):
        return
    start = f'Spec.direction: Invalid value: "{direction}":'
    if spec.get("externalTargets"):
        yield (
            f"{start} external targets cannot be used with `from` and `both` direction in netem "
            "action yet"
        )
    if not spec.get("target"):
        yield (
            f"{start} `from` and `both` direction cannot be used when targets is empty in netem "
            "action"
        )
