"""Whether a field of a chaos spec holds text, by the schema of its kind.

Chaos Mesh writes ``loss: "25"`` as text and ``load: 25`` as a number: who fills in a percentage
must not have to know which.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from bridge.catalog.action_templates.placeholders import Steps
from bridge.model.action_template import ActionTemplate
from providers.kubernetes.specs import KINDS, NATIVE, SPECS, is_native
from providers.kubernetes.specs.crd import structural_schema


def text_fields(template: ActionTemplate) -> Callable[[Steps], bool]:
    """Return what tells whether the field of the spec that some steps lead to holds text.

    Where no schema says so, values keep the type of their parameter.
    """
    group = template.api_version.rpartition("/")[0]
    native = is_native(template.api_version, template.kind, template.carried_out_by)
    if template.kind not in SPECS or KINDS[template.kind].group != group:
        return lambda _: False
    schema = _schema(template.kind, native=native)
    return lambda steps: _at(schema, steps).get("type") == "string"


@cache
def _schema(kind: str, *, native: bool) -> dict[str, Any]:
    return structural_schema(NATIVE[kind] if native else SPECS[kind])


def _at(schema: dict[str, Any], steps: Steps) -> dict[str, Any]:
    for step in steps:
        below = (
            schema.get("items")
            if isinstance(step, int)
            else schema.get("properties", {}).get(step, schema.get("additionalProperties"))
        )
        if not isinstance(below, dict):
            return {}
        schema = below
    return schema
