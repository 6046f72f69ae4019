"""An action template in lines, for a reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.client.action_templates import ActionTemplateDetail


def described(one: ActionTemplateDetail) -> Iterator[str]:
    """Yield the lines: what it is, its parameters, what it creates, and what to know of it."""
    document = one.document
    whose = "built in" if one.built_in else "own"
    yield f"{one.name}@{one.version}  ({whose}; versions {', '.join(map(str, one.versions))})"
    if one.description:
        yield f"    {one.description}"
    yield f"    actionId {one.action_id}, also written {one.alias}"
    yield f"    {one.kind} of {one.api_version}, in namespace {document['namespace']}"
    yield f"    maxDuration {document['maxDuration']}"
    for title, text in (("Shows", one.shows), ("Avoid", one.avoid), ("Needs", one.needs)):
        if text:
            yield ""
            yield title
            yield f"    {' '.join(text.split())}"
    parameters = document.get("parameters", {})
    if parameters:
        yield ""
        yield "Parameters"
        for name, declared in parameters.items():
            yield f"    {_parameter(name, declared)}"
    yield ""
    yield "Spec"
    for line in json.dumps(document["spec"], indent=2, ensure_ascii=False).splitlines():
        yield f"    {line}"


def _parameter(name: str, declared: dict[str, Any]) -> str:
    facts = [str(declared["type"])]
    if "values" in declared:
        facts.append(" | ".join(declared["values"]))
    facts += [f"{word} {declared[word]}" for word in ("minimum", "maximum") if word in declared]
    default = declared.get("default")
    if isinstance(default, dict):
        default = ",".join(f"{key}={value}" for key, value in default.items())
    facts.append("required" if default is None else f"default {default}")
    description = declared.get("description", "")
    return f"{name} ({', '.join(facts)})" + (f": {description}" if description else "")
