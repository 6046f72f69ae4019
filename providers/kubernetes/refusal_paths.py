"""What an API server refuses, as problems at JSON paths.

The schema's refusals name JSON paths. Chaos Mesh's webhooks name the fields of their Go structs
(``Spec.ContainerSelector.PodSelector.value``), say everything once for each embedded struct, and
print whole structs as the value: of that the field and the reason are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.api import ApiError

_FIELD: Final = re.compile(
    r"(?:(?<=[\[ ,(])|^)(?P<path>(?:[Ss]pec|metadata)(?:\.[A-Za-z_][\w-]*|\[[^\]\s]{1,64}\])*): "
    r"(?P<what>Invalid value|Required value|Unsupported value|Forbidden|Duplicate value|"
    r"Not found|Too many|Too long|Internal error)(?:: )?"
)
_UNKNOWN: Final = re.compile(r'unknown field "((?:[^"\\]|\\.)+)"')
_WEBHOOK: Final = re.compile(r'admission webhook "([^"]+)" denied the request: ', re.DOTALL)
_UNMARSHAL: Final = re.compile(
    r"(cannot unmarshal .{1,100}) into Go struct field \w+\.(spec[\w.]*)"
)
_STEP: Final = re.compile(r"[^.\[\]]+|\[[^\]]+\]")
_DUMP: Final = re.compile(r'^(?P<value>"(?:[^"\\]|\\.)*"|[\w.+-]+)(?:: |$)')
_LONGEST: Final = 300


def refusal_problems(error: ApiError, schema: Mapping[str, Any]) -> list[Problem]:
    """Return what was refused, each at its path in the resource; the whole where none is named.

    ``schema`` is the structural schema of the whole resource, or empty.
    """
    message = str(error.body.get("message") or error)
    webhook = _WEBHOOK.search(message)
    found = list(_of_causes(error.body)) if webhook is None else []
    found = found or [*_of_reader(message), *_of_text(message, schema)]
    if not found:
        said = message[webhook.end() :] if webhook else message
        found = [Problem("", _short(said))]
    who = f"webhook {webhook[1]}" if webhook else "the API server"
    unique = dict.fromkeys((problem.path, problem.message) for problem in found)
    return [Problem(path, f"{who} refuses it: {said}") for path, said in unique]


def json_path(written: str, schema: Mapping[str, Any]) -> str:
    """Return the JSON path that a path of Go fields means.

    Embedded structs have no name in JSON: what the schema does not know is left out.
    """
    path, level = "", schema
    for step in _STEP.findall(written):
        if step.startswith("["):
            key = step[1:-1]
            path = child(path, int(key) if key.isdigit() else key)
            level = level.get("items") or level.get("additionalProperties") or {}
            continue
        properties = level.get("properties") or {}
        name = next((name for name in properties if name.lower() == step.lower()), None)
        if name is None and properties and step[:1].isupper():
            continue
        name = name or step[:1].lower() + step[1:]
        path = child(path, name)
        inner = properties.get(name) or level.get("additionalProperties")
        level = inner if isinstance(inner, dict) else {}
    return path


def _of_causes(body: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what the API server lists by itself."""
    causes = (body.get("details") or {}).get("causes")
    for cause in causes if isinstance(causes, list) else ():
        field = cause.get("field") if isinstance(cause, dict) else None
        if field and field != "<nil>":
            yield Problem(str(field), _short(str(cause.get("message") or cause.get("reason"))))


def _of_reader(message: str) -> Iterator[Problem]:
    """Yield what could not even be read: fields without a schema, values of another type."""
    for match in _UNKNOWN.finditer(message):
        yield Problem(match[1], "is a field that it does not know")
    for match in _UNMARSHAL.finditer(message):
        yield Problem(match[2], match[1])


def _of_text(message: str, schema: Mapping[str, Any]) -> Iterator[Problem]:
    matches = list(_FIELD.finditer(message))
    ends = [match.start() for match in matches[1:]]
    for match, end in zip(matches, [*ends, len(message)][: len(matches)], strict=True):
        said = message[match.end() : end].strip().rstrip(",").strip()
        yield Problem(json_path(match["path"], schema), _reason(match["what"], said))


def _reason(what: str, said: str) -> str:
    """Return the words for a refusal; a printed struct is left out."""
    if what in ("Invalid value", "Duplicate value", "Unsupported value"):
        value = _DUMP.match(said)
        if value is not None:
            rest = said[value.end() :]
            what = f"{what} {_short(value['value'], 64)}"
        else:
            # A struct's dump ends with the last brace or bracket before ": reason".
            cut = max(said.rfind("}: "), said.rfind("]: "), said.rfind("): "))
            rest = said[cut + 3 :] if cut >= 0 else said
        said = rest
    said = said.removesuffix("]") if said.count("]") > said.count("[") else said
    return _short(f"{what}: {said}" if said else what)


def _short(text: str, longest: int = _LONGEST) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
