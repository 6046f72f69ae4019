"""serverless.yml and what it includes, read as the framework reads it, but for its variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
INCLUDED = re.compile(r"\$\{file\((?P<path>[^)]+)\)\}")


def read(path: Path) -> Any:
    """Return a file as YAML, with what it includes in place."""
    return _included(yaml.safe_load(path.read_text("utf-8")))


def _included(value: Any) -> Any:
    if isinstance(value, str) and (found := INCLUDED.fullmatch(value)):
        return read(ROOT / found["path"])
    if isinstance(value, dict):
        return {key: _included(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_included(one) for one in value]
    return value


SERVICE: dict[str, Any] = read(ROOT / "serverless.yml")
FUNCTIONS: dict[str, dict[str, Any]] = SERVICE["functions"]
RESOURCES: dict[str, dict[str, Any]] = {
    name: one for part in SERVICE["resources"] for name, one in part.get("Resources", {}).items()
}
EXTENSIONS: dict[str, dict[str, Any]] = {
    name: one for part in SERVICE["resources"] for name, one in part.get("extensions", {}).items()
}
PARAMETERS: dict[str, dict[str, Any]] = {
    name: one for part in SERVICE["resources"] for name, one in part.get("Parameters", {}).items()
}


def environment(function: str) -> dict[str, Any]:
    """Return the variables of a function."""
    return {**SERVICE["provider"]["environment"], **FUNCTIONS[function].get("environment", {})}


def references(value: Any) -> set[str]:
    """Return what a part of a template refers to by name."""
    if isinstance(value, list):
        return {name for one in value for name in references(one)}
    if not isinstance(value, dict):
        return set()
    found = {name for one in value.values() for name in references(one)}
    if set(value) == {"Ref"}:
        found.add(value["Ref"])
    if set(value) == {"Fn::GetAtt"}:
        found.add(value["Fn::GetAtt"][0])
    if set(value) == {"Fn::Sub"}:
        found |= set(re.findall(r"\$\{(\w+)\}", value["Fn::Sub"]))
    if set(value) == {"Fn::If"}:
        found.add(value["Fn::If"][0])
    return found
