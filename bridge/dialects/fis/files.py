"""Template files, which may be written more freely than the wire allows.

The wire's parameters are strings only: a chaos spec is JSON within JSON. In a file, and in our own
API, ``kubernetesSpec`` may be an object, and another parameter a number or a boolean; a label
selector that an action template takes may be an object of labels.
"""

from __future__ import annotations

import json
from typing import Any, Final

from bridge.model.action_template import ALIAS_PREFIX, ID_PREFIX
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.wording import child

_SPEC: Final = "kubernetesSpec"


def wire_document(document: Any) -> Any:
    """Return a template document as it would be sent on the wire.

    What is not a template document at all comes back as it is, for `parse_template` to refuse.
    Raises InvalidDocumentError where a value cannot be brought into the wire's form.
    """
    if not isinstance(document, dict) or not isinstance(document.get("actions"), dict):
        return document
    problems: list[Problem] = []
    actions = {
        name: _action(action, child("actions", str(name)), problems)
        for name, action in document["actions"].items()
    }
    if problems:
        raise InvalidDocumentError(problems)
    return {**document, "actions": actions}


def _action(action: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(action, dict) or not isinstance(action.get("parameters"), dict):
        return action
    parameters = {}
    for name, value in action["parameters"].items():
        try:
            if name == _SPEC:
                parameters[name] = _spec(value)
            elif isinstance(value, dict) and _of_action_template(action):
                parameters[name] = _labels(value)
            else:
                parameters[name] = _scalar(value)
        except ValueError as error:
            where = child(child(path, "parameters"), str(name))
            problems.append(Problem(path=where, message=str(error)))
    return {**action, "parameters": parameters}


def _of_action_template(action: dict[str, Any]) -> bool:
    return str(action.get("actionId")).startswith((ID_PREFIX, ALIAS_PREFIX))


def _labels(value: dict[Any, Any]) -> str:
    for text in (*value.keys(), *value.values()):
        if not isinstance(text, str) or "," in text or "=" in text:
            msg = 'is no label selector; write labels and their values, such as {"app": "checkout"}'
            raise ValueError(msg)
    return ",".join(f"{key}={text}" for key, text in value.items())


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _spec(value: Any) -> Any:
    if not isinstance(value, dict):
        return value  # a text stays as it is, JSON or YAML: the fault reads both
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        msg = "holds a value that JSON does not have (a date, NaN, itself); put it in quotes"
        raise ValueError(msg) from None
