"""Bring the generated parts of the documentation up to date: `python -m docs.generate`.

What code declares (actions, settings, commands, routes) is written by it into the pages, between
two comments that name the part. A test fails where a page is behind.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import yaml
from fastapi import APIRouter
from pydantic_core import PydanticUndefined
from typer.main import get_command

from bridge.api.bridge import Bridge
from bridge.api.fis.router import HANDLERS
from bridge.api.native import router
from bridge.authentication_settings import AuthenticationSettings
from bridge.catalog import ActionEntry, Catalog
from bridge.catalog.action_templates import BuiltIn, built_ins
from bridge.catalog.fis_actions import FIS_ACTIONS
from bridge.cli.app import app
from bridge.cli.exits import MEANINGS
from bridge.cli.linting.findings import MEANINGS as RULES
from bridge.cli.sandbox import SDK_LINES
from bridge.cloud_settings import CloudSettings
from bridge.dialects.fis.operations import OPERATIONS
from bridge.guardrail_settings import GuardrailSettings
from bridge.model.action_template import TemplateParameter
from bridge.model.moment import format_duration
from bridge.settings import Settings
from docs import chaos_pages, policy_tables
from docs.markdown import fenced, table
from providers import registry
from providers.contract import Fault, Permission, Resolver

FOLDER: Final = Path(__file__).parent
PART: Final = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[^ ]+) -->\n)(?P<text>.*?)(?P<end><!-- end -->)", re.DOTALL
)
GUARDRAILS: Final = tuple(GuardrailSettings.model_fields)
AUTHENTICATION: Final = tuple(AuthenticationSettings.model_fields)
CLOUDS: Final = tuple(CloudSettings.model_fields)
OTHERS: Final = tuple(
    name for name in Settings.model_fields if name not in {*GUARDRAILS, *AUTHENTICATION, *CLOUDS}
)
_TYPES: Final[Mapping[Any, str]] = {
    bool: '`"true"` or `"false"`',
    dict: "object",
    int: "whole number",
    str: "string",
    timedelta: "duration",
    tuple: "names parted by commas",
}


def main() -> int:
    """Rewrite the pages that are behind and say which; return the exit code."""
    for page in pages():
        text = page.read_text("utf-8")
        new = renewed(text)
        if new != text:
            page.write_text(new, "utf-8")
            sys.stdout.write(f"docs/{page.relative_to(FOLDER)}\n")
    return 0


def pages() -> list[Path]:
    """Return the pages of the documentation."""
    return sorted(FOLDER.rglob("*.md"))


def renewed(text: str) -> str:
    """Return a page with its generated parts as they should be. KeyError for an unknown part."""
    parts = generated()
    return PART.sub(lambda part: part["begin"] + parts[part["name"]]() + part["end"], text)


def generated() -> dict[str, Callable[[], str]]:
    """Return every part that can be generated, by name."""
    catalog = Catalog(_settings())
    actions = {f"action:{entry.id}": partial(_action, entry) for entry in catalog.actions}
    return {
        **actions,
        **chaos_pages.parts(),
        **policy_tables.parts(),
        "action-list": lambda: _action_list(catalog),
        "action-inputs": _action_inputs,
        "authentication": lambda: _setting_table(AUTHENTICATION),
        "built-in-action-templates": _built_in_action_templates,
        "commands": _commands,
        "exit-codes": _exit_codes,
        "fis-operations": _fis_operations,
        "clouds": lambda: _setting_table(CLOUDS),
        "guardrails": lambda: _setting_table(GUARDRAILS),
        "lint-rules": _lint_rules,
        "native-routes": _native_routes,
        "rights:aws": _aws_policy,
        "rights:azure": _azure_role,
        "rights:gcp": _gcp_role,
        "sdk-lines": lambda: fenced("text", "\n".join(SDK_LINES)),
        "settings": lambda: _setting_table(OTHERS),
        "targets": _targets,
    }


# --- actions ------------------------------------------------------------------------------


def _action_list(catalog: Catalog) -> str:
    rows = (
        (
            f"[`{entry.id}`]({page_of(entry.id)}#{anchor(entry.id)})",
            entry.description,
            _also_in_fis(entry),
        )
        for entry in sorted(catalog.actions, key=lambda one: one.id)
    )
    return table(("action", "what it does", "in AWS FIS"), rows)


def _built_in_action_templates() -> str:
    names = ((f"[`{name}`](#{anchor(name)})", one.newest.template) for name, one in _built_ins())
    rows = ((link, template.kind, template.description) for link, template in names)
    sections = (_built_in(name, one) for name, one in _built_ins())
    return "\n".join([table(("action template", "kind", "what it does"), rows), *sections])


def _built_ins() -> list[tuple[str, BuiltIn]]:
    return list(built_ins().items())


def _built_in(name: str, one: BuiltIn) -> str:
    version = one.newest
    template = version.template
    names = f"`{version.reference.action_id}`, a {template.kind}"
    lines = [
        f"### {name}",
        "",
        f"{template.description} {names}; the limit is {template.max_duration}.",
        "",
        f"What it shows: {' '.join(one.shows.split())}",
        "",
        f"When not to use it: {' '.join(one.avoid.split())}",
        "",
        f"What it needs: {' '.join(one.needs.split())}",
        "",
    ]
    rows = (
        (
            f"`{parameter}`",
            declared.type.value,
            _default(declared.required, declared.default),
            _bounds(declared),
            declared.description,
        )
        for parameter, declared in template.parameters.items()
    )
    lines.append(table(("parameter", "type", "default", "bounds", "meaning"), rows))
    return "\n".join(lines)


def _bounds(declared: TemplateParameter) -> str:
    if declared.values:
        return ", ".join(f"`{value}`" for value in declared.values)
    if declared.pattern is not None:
        return f"`{declared.pattern}`"
    ends = (declared.minimum, declared.maximum)
    named = zip(("from", "to"), ends, strict=True)
    return " ".join(f"{word} {end}" for word, end in named if end is not None)


def page_of(action_id: str) -> str:
    """Return the page that an action's section is in: one for each cloud."""
    return f"faults-{action_id.partition(':')[0]}.md"


def _also_in_fis(entry: ActionEntry) -> str:
    return "yes" if entry.id in FIS_ACTIONS else "no, ours"


def _action(entry: ActionEntry) -> str:
    lines = [entry.description, ""]
    for key, kind in entry.targets.items():
        lines += [f"Target: key `{key}`, of type `{kind}`.", ""]
    if not entry.targets:
        lines += ["Target: none.", ""]
    fields = entry.fault.Parameters.model_fields
    if fields:
        rows = (
            (
                f"`{field.alias or name}`",
                _type(field.annotation),
                _default(field.is_required(), field.default),
                field.description or "",
            )
            for name, field in fields.items()
        )
        lines.append(table(("parameter", "type", "default", "meaning"), rows))
    else:
        lines += ["Parameters: none.", ""]
    permissions = entry.fault.permissions
    if permissions:
        rights = ((f"`{one.name}`", one.need, one.note) for one in permissions)
        lines.append(table(("right of the experiment's role", "need", "note"), rights))
    else:
        lines += ["Rights of the experiment's role: none.", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        kinds = [one for one in get_args(annotation) if one is not type(None)]
        return " or ".join(_type(one) for one in kinds)
    if get_origin(annotation) is Literal:
        return " or ".join(f'`"{one}"`' for one in get_args(annotation))
    plain = get_origin(annotation) or annotation
    return _TYPES[plain]


def _default(required: bool, default: object) -> str:
    if required:
        return "required"
    if isinstance(default, bool):
        return f'`"{str(default).lower()}"`'
    if isinstance(default, tuple):
        return ", ".join(f"`{one}`" for one in default)
    return "absent" if default is None else f"`{default}`"


def _targets() -> str:
    return table(
        ("resource type", "what it is", "chosen by", "parameters", "right needed"),
        (_target(registry.resolver(name)) for name in sorted(registry.RESOLVERS)),
    )


def _target(resolver: Resolver) -> tuple[str, ...]:
    ways = {
        "`resourceArns`": resolver.by_ids,
        "`resourceTags`": resolver.by_tags,
        "`filters`": resolver.by_filters,
    }
    return (
        f"`{resolver.resource_type}`",
        resolver.description,
        ", ".join(way for way, taken in ways.items() if taken),
        "; ".join(f"`{name}`: {one.description}" for name, one in resolver.parameters.items())
        or "none",
        ", ".join(f"`{one.name}`" for one in resolver.permissions),
    )


# --- what an experiment's identity is granted -----------------------------------------------


def rights_in(cloud: str) -> dict[str, Permission]:
    """Return every right that a cloud's faults and target types declare, by name and sorted.

    One that somebody requires is required, whatever others say of it.
    """
    declared: list[Fault | Resolver] = [registry.fault(name) for name in registry.FAULTS]
    declared += [registry.resolver(name) for name in registry.RESOLVERS]
    found: dict[str, Permission] = {}
    for one in declared:
        for right in one.permissions if one.provider == cloud else ():
            if right.name not in found or right.need == "required":
                found[right.name] = right
    return dict(sorted(found.items()))


def _aws_policy() -> str:
    statement = {"Effect": "Allow", "Action": list(rights_in("aws")), "Resource": "*"}
    return fenced("json", _json({"Version": "2012-10-17", "Statement": [statement]}))


def _azure_role() -> str:
    role = {
        "Name": "Faultbridge experiments",
        "Description": "What Faultbridge's faults in Azure ask for",
        "Actions": list(rights_in("azure")),
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION"],
    }
    return fenced("json", _json(role))


def _gcp_role() -> str:
    lines = ["title: Faultbridge experiments", "stage: GA", "includedPermissions:"]
    for name, right in rights_in("gcp").items():
        lines.append(f"- {name}" if right.need == "required" else f"- {name}  # {right.need}")
    return fenced("yaml", "\n".join(lines))


def _json(document: object) -> str:
    return json.dumps(document, indent=2)


# --- settings and commands ----------------------------------------------------------------


def _setting_table(names: Iterable[str]) -> str:
    fields = ((name, Settings.model_fields[name]) for name in names)
    rows = (
        (f"`FAULTBRIDGE_{name.upper()}`", _setting(field.default), field.description or "")
        for name, field in fields
    )
    return table(("variable", "default", "meaning"), rows)


def _setting(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, timedelta):
        return f"`{format_duration(default)}`"
    if default and isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return "empty" if default in ("", None, ()) else f"`{default}`"


def _commands() -> str:
    lines: list[str] = []
    for name, command in commands():
        arguments = [_argument(one) for one in command.params if one.param_type_name == "argument"]
        lines += [f"### `{' '.join(['faultbridge', name, *arguments])}`", "", *_help(command.help)]
        rows = [
            (f"`{', '.join(one.opts)}`", _option_default(one), one.help or "")
            for one in command.params
            if one.param_type_name == "option"
        ]
        lines.append(table(("option", "default", "meaning"), rows) if rows else "No options.\n")
    return "\n".join(lines)


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command with its name; one of a group is named ``group command``."""
    root: Any = get_command(app)
    for name, command in root.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())
        else:
            yield name, command


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper()
    return name if parameter.required else f"[{name}]"


def _help(text: str) -> list[str]:
    paragraphs = text.split("\n\n")
    return [line for one in paragraphs for line in (" ".join(one.split()), "")]


def _option_default(parameter: Any) -> str:
    if parameter.is_flag:
        return "off"
    if parameter.multiple:
        return "none"
    return "" if parameter.default is None else f"`{parameter.default}`"


def _action_inputs() -> str:
    action = yaml.safe_load((FOLDER.parent / "action.yml").read_text("utf-8"))
    rows = (
        (
            f"`{name}`",
            f"`{one['default']}`" if one["default"] else "empty",
            " ".join(one["description"].split()),
        )
        for name, one in action["inputs"].items()
    )
    return table(("input", "default", "meaning"), rows)


def _lint_rules() -> str:
    rows = ((f"`{rule.value}`", meaning) for rule, meaning in RULES.items())
    return table(("rule", "meaning"), rows)


def _exit_codes() -> str:
    rows = ((f"`{code.value}`", meaning) for code, meaning in MEANINGS.items())
    return table(("exit code", "meaning"), rows)


# --- routes -------------------------------------------------------------------------------


def native_operations() -> Iterator[tuple[str, str, str]]:
    """Yield method, path and description of each route of the native API."""
    for route in _native().routes:
        if getattr(route, "include_in_schema", False):
            for method in sorted(route.methods):  # type: ignore[attr-defined] # API routes only
                path = route.path.replace(":path}", "}")  # type: ignore[attr-defined] # as above
                yield method, path, route.endpoint.__doc__ or ""  # type: ignore[attr-defined] # as above


def _native() -> APIRouter:
    # Routes are built around a bridge, and not one of them asks it anything here.
    bridge: Any = Bridge.__new__(Bridge)
    return router(bridge)


def _native_routes() -> str:
    rows = ((f"`{method} {path}`", text) for method, path, text in native_operations())
    return table(("route", "what it does"), rows)


def _fis_operations() -> str:
    rows = (
        (
            f"`{name}`",
            f"`{operation.method} {operation.path}`",
            "yes" if name in HANDLERS else "not yet: 501",
        )
        for name, operation in OPERATIONS.items()
    )
    return table(("operation", "route", "supported"), rows)


# --- Markdown -----------------------------------------------------------------------------


def anchor(heading: str) -> str:
    """Return the fragment by which a heading is linked to, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _settings() -> Settings:
    return Settings.model_construct()


if __name__ == "__main__":
    sys.exit(main())
