"""What the webhooks of Schedule, Workflow and StatusCheck refuse, in upstream's words.

Only the refusals that people meet: the typed specs judge what is left. Upstream walks these kinds
by hand, so their paths are those of JSON, other than the Go names of the chaos kinds.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from providers.kubernetes.specs import EMBEDDED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Spec = Mapping[str, Any]

FLOW_KINDS = ("Schedule", "Workflow", "StatusCheck")
PANIC = "panic: runtime error: invalid memory address or nil pointer dereference [recovered]"
"""Upstream follows the pointer of a chaos that is not there; its server answers 500."""

_FIELDS_OF_CRON = (5, 6)
_GROUPS = ("Serial", "Parallel")
_TYPES = (*_GROUPS, "Suspend", "Task", "StatusCheck", "Schedule", *EMBEDDED_FIELDS)


def flow_default(kind: str, spec: dict[str, Any]) -> None:
    """Set what the webhooks set at the top of these kinds; what is embedded stays as it is."""
    if kind == "Schedule":
        spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Forbid"
    elif kind == "StatusCheck":
        spec["mode"] = spec.get("mode") or "Synchronous"


def panics(kind: str, spec: Spec) -> bool:
    """Whether upstream's webhook falls over a chaos that its type promises and that is not there.

    It does so in the order of its checks: a template before it may have been judged already, but
    what it has found is lost.
    """
    if kind == "Schedule":
        return _lacks_chaos(spec, str(spec.get("type")))
    templates = spec.get("templates") or () if kind == "Workflow" else ()
    return any(_lacks_chaos(each, str(each.get("templateType"))) for each in templates)


def flow_refusals(kind: str, spec: Spec) -> Iterator[str]:
    """Yield upstream's refusals of a spec that keeps to the schema."""
    if kind == "Schedule":
        yield from _schedule(spec)
    elif kind == "Workflow":
        yield from _workflow(spec)


def _lacks_chaos(holder: Spec, kind: str) -> bool:
    return kind in EMBEDDED_FIELDS and holder.get(EMBEDDED_FIELDS[kind]) is None


def _schedule(spec: Spec) -> Iterator[str]:
    text = str(spec.get("schedule", ""))
    start = f'spec.schedule: Invalid value: "{text}": parse schedule field error:'
    if not text:
        yield f"{start}empty spec string"
    elif not text.startswith(("@", "TZ=", "CRON_TZ=")) and len(text.split()) not in _FIELDS_OF_CRON:
        fields = text.split()
        yield f"{start}expected 5 to 6 fields, found {len(fields)}: [{' '.join(fields)}]"
    kind = str(spec.get("type"))
    if kind != "Workflow" and kind not in EMBEDDED_FIELDS:
        held = {field: spec[field] for field in EMBEDDED_FIELDS.values() if field in spec}
        shown = json.dumps(held, separators=(",", ":"), ensure_ascii=False)
        yield f"spec: Invalid value: {shown}: unknown template type {kind}: invalid value"


def _workflow(spec: Spec) -> Iterator[str]:
    templates: list[dict[str, Any]] = spec.get("templates") or []
    counts = Counter(str(template.get("name")) for template in templates)
    entry = str(spec.get("entry", ""))
    if entry not in counts:
        yield _unknown("spec.entry", entry)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        yield (
            'spec.templates: Invalid value: "": template name must be unique, duplicated names: '
            f"[{' '.join(twice)}]"
        )
    for number, template in enumerate(templates):
        yield from _template(template, f"spec.templates[{number}]", counts)


def _template(template: Spec, path: str, names: Counter[str]) -> Iterator[str]:
    kind, children = template.get("templateType"), template.get("children") or []
    if kind not in _TYPES:
        yield f'{path}.templateType: Invalid value: "{kind}": unrecognized template type: {kind}'
    elif kind in _GROUPS:
        for place, name in enumerate(children):
            if name not in names:
                yield _unknown(f"{path}.children[{place}]", name)
    elif children:
        yield (
            f"{path}: Invalid value: {json.dumps(children, separators=(',', ':'))}: this template "
            "should not contain Children"
        )
    if kind == "Suspend" and not template.get("deadline"):
        yield (
            f"{path}.deadline: Invalid value: null: deadline in template with type Suspend could "
            "not be empty"
        )
    chaos = template.get(EMBEDDED_FIELDS.get(str(kind), ""))
    if isinstance(chaos, dict) and chaos.get("duration"):
        yield (
            f'{path}: Invalid value: "{chaos["duration"]}": should not define duration in chaos '
            "when using Workflow, use Template#Deadline instead."
        )


def _unknown(path: str, name: str) -> str:
    return f'{path}: Invalid value: "{name}": can not find a template with name {name}'
