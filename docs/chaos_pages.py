"""The generated parts of the pages of chaos kinds: facts, example, fields, and what is told.

What a page says of a mistake is what the check says of the kind's own example with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import yaml

from docs.markdown import fenced, table
from providers.kubernetes import specs
from providers.kubernetes.access import needed_rights
from providers.kubernetes.resource import CustomResource
from providers.kubernetes.specs.crd import annotated_schema
from providers.kubernetes.specs.selector import PodSelectorSpec

FOLDER: Final = Path(__file__).parent / "chaos"
_SELECTORS: Final = "selectors.md"
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
}
_ENDS: Final[Mapping[str, str]] = {
    "Schedule": "never by itself: what it has created goes when it is deleted. There is no timer "
    "that could end it if no bridge is left",
    "Workflow": "when its entry has ended; each template ends with its `deadline` at the latest. "
    "Where the entry has none, a run of Faultbridge sets `maxDuration` and 60 s as its deadline",
    "StatusCheck": "with its verdict, or when `duration` has passed since it began",
    "RemoteCluster": "when it is deleted; it breaks nothing by itself",
    "PhysicalMachine": "when it is deleted; it breaks nothing by itself",
    "ChaosEngine": "with its experiments, each of which lasts `TOTAL_CHAOS_DURATION` seconds; "
    "`engineState: stop` aborts them",
}
_SHORT: Final = {"Workflow": "wf"}


def parts() -> dict[str, Callable[[], str]]:
    """Return every part of these pages, by name."""
    kinds = {f"chaos:{kind}": partial(_page, kind) for kind in sorted(specs.SPECS)}
    return {**kinds, "chaos-list": _list, "pod-selector": _pod_selector}


@cache
def examples() -> Mapping[str, dict[str, Any]]:
    """Return the example of each kind."""
    text = (FOLDER / "examples.yaml").read_text("utf-8")
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


@cache
def traps() -> Mapping[str, list[dict[str, Any]]]:
    """Return the mistakes of each kind: `what` it is, and how the example comes to it."""
    read: dict[str, list[dict[str, Any]]] = yaml.safe_load(
        (FOLDER / "traps.yaml").read_text("utf-8")
    )
    return read


def mistaken(kind: str, trap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of a kind's example with a mistake in it."""
    spec = {**examples()[kind]["spec"], **trap.get("set", {})}
    dropped = {*trap.get("drop", ()), *(name for name, value in spec.items() if value is None)}
    return {name: value for name, value in spec.items() if name not in dropped}


def told(kind: str, spec: Mapping[str, Any]) -> list[specs.Problem]:
    """Return what the check says of a spec, as it is said of a manifest."""
    return specs.check(specs.KINDS[kind].api_version, kind, "sock-shop", spec)


def _list() -> str:
    rows = (
        (f"[{kind}](chaos/{kind.lower()}.md)", specs.summary(kind)) for kind in sorted(specs.SPECS)
    )
    return table(("kind", "what it does"), rows)


def _page(kind: str) -> str:
    return "\n".join(
        (
            f"{specs.summary(kind)}\n",
            _facts(kind),
            "## Example\n",
            _example(kind),
            "## Fields\n",
            table(("field", "type", "required", "default", "what it is"), fields(kind)),
            "## What goes wrong\n",
            "Refused: by the cluster. Warning: the cluster takes it, though it cannot work.\n",
            table(("mistake", "verdict", "what you are told"), _mistakes(kind)),
        )
    )


def _facts(kind: str) -> str:
    known = specs.KINDS[kind]
    short = f", `{_SHORT[kind]}` for short" if kind in _SHORT else ""
    rows = [
        ("API version", f"`{known.api_version}`"),
        ("resource", f"`{known.plural}`{short}, {_scope(known)}"),
        ("ends", _ending(kind, known)),
    ]
    if known.one_shot:
        once = " and ".join(f"`{action}`" for action in sorted(known.one_shot))
        rows.append(("happens once", f"{once}: `duration` is ignored, and nothing is undone"))
    rows.append(("rights of the run's identity", _rights(kind, known)))
    rows.append(("JSON Schema", f"`GET {specs.SCHEMA_PATH}/{known.api_version}/{kind}`"))
    return table(("", ""), rows)


def _rights(kind: str, known: specs.Kind) -> str:
    resource = CustomResource(
        cluster="", group=known.group, version=specs.VERSION, kind=kind, plural=known.plural,
        namespace="own", name="", installation="", experiment="", action="",
    )  # fmt: skip
    needed = needed_rights(resource, {"selector": {"namespaces": ["elsewhere"]}})
    verbs = ", ".join(f"`{right.verb}`" for right in needed if right.namespace == "own")
    where = "in the resource's namespace" if known.namespaced else "in the cluster"
    rights = f"{verbs} on `{known.plural}` {where}"
    for right in needed:
        if right.namespace != "own":
            rights += f"; `{right.verb}` on `{right.resource}` in every namespace that is selected"
    return rights


def _scope(known: specs.Kind) -> str:
    return "in a namespace" if known.namespaced else "of the whole cluster"


def _ending(kind: str, known: specs.Kind) -> str:
    if not known.chaos:
        return _ENDS[kind]
    return (
        "when `duration` has passed since the resource was created, not since the fault began; "
        "without it, when the resource is deleted. Where it is missing, a run of Faultbridge sets "
        "`maxDuration` and 60 s"
    )


def _example(kind: str) -> str:
    text = (FOLDER / "examples.yaml").read_text("utf-8")
    documents = text.split("---\n")
    written = next(each for each in documents if f"\nkind: {kind}\n" in each)
    lines = [line for line in written.splitlines() if not line.startswith("#")]
    return fenced("yaml", "\n".join(lines))


def _mistakes(kind: str) -> Iterator[tuple[str, str, str]]:
    for trap in traps()[kind]:
        problems = told(kind, mistaken(kind, trap))
        refused = any(problem.severity == "error" for problem in problems)
        said = "<br>".join(f"`{problem.path}`: {problem.message}" for problem in problems)
        yield trap["what"], "refused" if refused else "warning", said


def _pod_selector() -> str:
    schema = annotated_schema(PodSelectorSpec)
    return table(("field", "type", "required", "default", "what it is"), _rows(schema, "", kind=""))


def fields(kind: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a kind's table of fields."""
    yield from _rows(annotated_schema(specs.SPECS[kind]), "", kind=kind)


def _rows(schema: Mapping[str, Any], path: str, *, kind: str) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        where = f"{path}.{name}" if path else name
        link = _elsewhere(name, where, member, kind)
        yield (
            f"`{where}`",
            link or _type(member),
            "yes" if name in required else "",
            _default(member),
            _words(member),
        )
        if link:
            continue
        inner = member.get("items", member)
        yield from _rows(inner, f"{where}[]" if "items" in member else where, kind=kind)


def _elsewhere(name: str, where: str, member: Mapping[str, Any], kind: str) -> str:
    """A link, where another page describes what is in a field."""
    embedded = {field: other for other, field in specs.EMBEDDED_FIELDS.items()}
    pages = {
        ("Schedule", "workflow"): "Workflow",
        ("Workflow", "templates[].schedule"): "Schedule",
        ("Workflow", "templates[].statusCheck"): "StatusCheck",
    }
    inside = member.get("properties", {})
    if name == "selector" and "podPhaseSelectors" in inside:
        return f"[selector]({_SELECTORS})"
    if kind in ("Schedule", "Workflow") and name in embedded:
        pages[kind, where] = embedded[name]
    if (kind, where) in pages:
        other = pages[kind, where]
        return f"[{other}]({other.lower()}.md)"
    of_pods = kind in ("Workflow", "ChaosEngine") and name in ("container", "volumes", "valueFrom")
    return "as in a pod of Kubernetes" if of_pods else ""


def _type(member: Mapping[str, Any]) -> str:
    if "anyOf" in member:
        return "whole number or text"
    words = member.get("choices") or member.get("enum")
    if words:
        return ", ".join(f"`{word}`" for word in words if word != "")
    inner = member.get("items") or member.get("additionalProperties")
    word = _TYPES.get(member.get("type", ""), "anything")
    if "items" in member:
        return f"list of {_plural(inner)}"
    if isinstance(inner, dict):
        return f"object of {_plural(inner)}"
    bounds = [f"{side} {member[key]}" for key, side in _BOUNDS if key in member]
    return " ".join([word, *bounds])


_BOUNDS: Final = (("minimum", "from"), ("maximum", "to"))


def _plural(member: Any) -> str:
    if not isinstance(member, dict) or "anyOf" in member:
        return "values"
    words = {"string": "texts", "integer": "whole numbers", "object": "objects", "array": "lists"}
    return words.get(member.get("type", ""), "values")


def _default(member: Mapping[str, Any]) -> str:
    found = member.get("default", member.get("webhookDefault"))
    return "" if found is None else f"`{json.dumps(found)}`"


def _words(member: Mapping[str, Any]) -> str:
    description = str(member.get("description", ""))
    example = member.get("example")
    if example is None:
        return description
    return f"{description} Like `{json.dumps(example, ensure_ascii=False)}`.".strip()
