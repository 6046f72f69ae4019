"""The document of an action template, read strictly: whatever does not fit is told by its path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from bridge.catalog.action_templates.declarations import declaration_problems
from bridge.catalog.action_templates.placeholders import (
    names_in,
    placeholder_problems,
    sole_name,
    texts,
)
from bridge.dialects.fis.shapes import Anything, Entries, Structure, Text, Whole, problems
from bridge.model.action_template import (
    LONGEST_NAME,
    NAME,
    ActionTemplate,
    ParameterType,
    TemplateParameter,
)
from bridge.model.moment import format_duration, parse_duration
from bridge.model.notation import DEEPEST, deeper_than
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.wording import quote
from providers.contract import LONGEST_ACTION
from providers.kubernetes.specs.document import document_problems

LARGEST: Final = 64 * 1024
"""Bytes of a document as compact JSON."""
MOST_PARAMETERS: Final = 40
MOST_CHOICES: Final = 100
"""Values of all enums together: the resource is judged with each of them."""
MOST_PLACEHOLDERS: Final = 500
"""Each may be replaced by a long text."""
MOST_PROBLEMS: Final = 50
_SHORTEST: Final = timedelta(seconds=1)
_PLACEHOLDER_OPENS: Final = "{{"

_PARAMETER: Final = Structure(
    {
        "type": Text(choices=tuple(ParameterType)),
        "description": Text(512),
        "default": Anything(),
        "minimum": Anything(),
        "maximum": Anything(),
        "minLength": Whole(0, 4096),
        "maxLength": Whole(1, 4096),
        "pattern": Text(256, least=1, example="[a-z]+"),
        "values": Anything(),
        "example": Anything(),
    },
    frozenset({"type"}),
)
_DOCUMENT: Final = Structure(
    {
        "name": Text(LONGEST_NAME, least=1, example="slow-checkout"),
        "description": Text(2048),
        "maxDuration": Text(64, example="PT10M"),
        "apiVersion": Text(253, least=1, example="chaos-mesh.org/v1alpha1"),
        "kind": Text(63, least=1, example="NetworkChaos"),
        "namespace": Text(128, least=1, example="default"),
        "spec": Anything(),
        "parameters": Entries(Text(64), _PARAMETER, most=MOST_PARAMETERS),
        "status": Anything(),
        "carriedOutBy": Text(choices=("cluster", "faultbridge")),
    },
    frozenset({"name", "maxDuration", "apiVersion", "kind", "namespace", "spec"}),
)


def is_action_template(document: object) -> bool:
    """Whether a document is meant as an action template: a resource would have ``metadata``."""
    return (
        isinstance(document, dict)
        and "metadata" not in document
        and "spec" in document
        and bool({"parameters", "maxDuration"} & document.keys())
    )


def read_action_template(document: object) -> ActionTemplate:
    """Read a document. Raises InvalidDocumentError with at most fifty problems, in order.

    The placeholders fit their parameters then; what becomes of the spec is for `judged` to say.
    """
    found = list(islice(_problems(document), MOST_PROBLEMS))
    if found:
        raise InvalidDocumentError(found)
    return ActionTemplate.model_validate(_without_nulls(document))


def _problems(document: object) -> Iterator[Problem]:
    unfit = _unfit(document)
    if unfit is not None:
        yield unfit
        return
    misfits = list(islice(problems(_DOCUMENT, document, ""), MOST_PROBLEMS))
    yield from misfits
    if misfits or not isinstance(document, dict):
        return
    yield from _own_rules(document)
    declared = {
        name: one for name, one in (document.get("parameters") or {}).items() if one is not None
    }
    wrong = list(islice(declaration_problems(declared, "parameters"), MOST_PROBLEMS))
    yield from wrong
    if not wrong:
        yield from _uses(document, declared)


def _unfit(document: object) -> Problem | None:
    """Return why a document is not even looked into, or None."""
    malformed = document_problems(document, "")
    if malformed:
        return malformed[0]
    if deeper_than(document, DEEPEST):
        return Problem("", f"is nested deeper than {DEEPEST} levels; flatten it")
    for where, text, _ in texts(document, ""):
        if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
            message = f"{quote(text)}: NUL and lone surrogates cannot be stored; remove them"
            return Problem(where, message)
    try:
        size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
    except ValueError:  # Python writes no number of more than some thousand digits
        size = LARGEST + 1
    if size > LARGEST:
        return Problem("", f"is larger than {LARGEST // 1024} KiB; write less")
    return None


def _own_rules(document: Mapping[str, Any]) -> Iterator[Problem]:
    if not NAME.fullmatch(document["name"]):
        message = (
            f"{quote(document['name'])} is not a name; write lower-case letters, digits and "
            'inner hyphens, such as "slow-checkout"'
        )
        yield Problem("name", message)
    try:
        length = parse_duration(document["maxDuration"])
    except ValueError as error:
        yield Problem("maxDuration", str(error))
    else:
        if not _SHORTEST <= length <= LONGEST_ACTION:
            message = (
                f"is not between {format_duration(_SHORTEST)} and "
                f"{format_duration(LONGEST_ACTION)}, the longest action there is; change it"
            )
            yield Problem("maxDuration", message)
    for part in ("spec", "status"):
        if document.get(part) is not None and not isinstance(document[part], dict):
            yield Problem(part, "is not an object; write { name: value }")
    for part in ("apiVersion", "kind", "status"):
        for where, text, _ in texts(document.get(part), part):
            if _PLACEHOLDER_OPENS in text:
                message = "takes no placeholder; write it out: placeholders stand in spec and "
                yield Problem(where, f"{message}namespace")


def _uses(document: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with how the parameters are used, and which are not."""
    types = {name: ParameterType(one["type"]) for name, one in declared.items()}
    objects = [name for name, kind in types.items() if kind is ParameterType.LABEL_SELECTOR]
    scalars = [name for name in types if name not in objects]
    namespace = document["namespace"]
    sole = sole_name(namespace)
    if sole is None and _PLACEHOLDER_OPENS in namespace:
        message = 'holds more than a placeholder; write a name, or "{{ namespace }}" alone'
        yield Problem("namespace", message)
    elif sole in types and types[sole] is not ParameterType.NAMESPACE:
        message = f'{quote(sole)} is of type {types[sole]}; give it the type "namespace"'
        yield Problem("namespace", message)
    else:
        yield from placeholder_problems(namespace, "namespace", scalars, objects)
    yield from placeholder_problems(document["spec"], "spec", scalars, objects)
    named = [
        name
        for _, text, is_key in texts(document["spec"], "spec")
        if not is_key
        for name in names_in(text)
    ]
    if len(named) > MOST_PLACEHOLDERS:
        message = f"holds {len(named)} placeholders; write at most {MOST_PLACEHOLDERS}"
        yield Problem("spec", message)
    choices = sum(len(one.get("values") or ()) for one in declared.values())
    if choices > MOST_CHOICES:
        message = f"list {choices} values of enums together; list at most {MOST_CHOICES}"
        yield Problem("parameters", message)
    used = {sole, *named}
    for name in types:
        if name not in used:
            message = (
                "is used nowhere; remove it, or write "
                f"{quote('{{ ' + name + ' }}')} where its value belongs"
            )
            yield Problem(f"parameters.{name}", message)


def _without_nulls(document: Any) -> dict[str, Any]:
    """Return the members that are given; null counts as absent, but not inside of a spec."""
    kept = {key: member for key, member in document.items() if member is not None}
    kept["parameters"] = {
        name: TemplateParameter.model_validate(
            {key: member for key, member in one.items() if member is not None}
        )
        for name, one in kept.get("parameters", {}).items()
        if one is not None
    }
    return kept
