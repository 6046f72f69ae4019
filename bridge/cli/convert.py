"""`faultbridge convert`: one chaos resource, written another way."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.cli.conversion import Source
    from bridge.cli.injection import Injection

_COMMENT: Final = re.compile(r"^\s*#|\s#\s", re.MULTILINE)


class Target(StrEnum):
    """What a document is made into."""

    ACTION = "fis-action"
    TEMPLATE = "fis-template"
    ACTION_TEMPLATE = "action-template"
    MANIFEST = "manifest"


class Notation(StrEnum):
    """How it is written."""

    JSON = "json"
    YAML = "yaml"


def convert(  # noqa: PLR0917 - each is an option of the command
    file: Annotated[
        str,
        typer.Argument(
            help="Chaos manifests, FIS template, actions or action template: YAML or JSON; "
            "- is standard input."
        ),
    ],
    to: Annotated[
        Target | None,
        typer.Option(
            help="What to make of it. Default: fis-action of a manifest, manifest of all else."
        ),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="ARN", help="The role of a fis-template."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ARN", help="The EKS cluster of a fis-template."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Value of an action template's parameter; its default stands otherwise.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the action or resource that is made.")
    ] = None,
    notation: Annotated[
        Notation | None,
        typer.Option(
            "--format", help="How it is written. Default: json for FIS, yaml for all else."
        ),
    ] = None,
) -> None:
    """Turn a chaos manifest into a FIS action or template, or an action template, and back.

    So nobody writes escaped JSON by hand. What cannot be carried over, such as comments, is said on
    standard error.
    """
    source = _read(file, _given(values or []), name)
    target = to or (Target.ACTION if source.kind == "manifest" else Target.MANIFEST)
    _require_names(source, target)
    made = list(_made(source, target, role, cluster))
    for line in _notes(source, target):
        tell(clean(f"faultbridge: {line}"))
    default = Notation.JSON if target in (Target.ACTION, Target.TEMPLATE) else Notation.YAML
    show(_written(made, notation or default).rstrip("\n"))


def _read(file: str, given: dict[str, str], name: str | None) -> Source:
    from dataclasses import replace

    from bridge.cli.conversion import read_source
    from bridge.cli.files import read_documents

    try:
        documents = read_documents(file)
    except OSError as error:
        msg = f"{file}: {error.strerror}; name a file, or - for standard input"
        raise CommandError(Exit.INVALID, msg) from None
    lines = [one.line_of(problem, place) for one in documents for place, problem in one.problems]
    if any(one.broken for one in documents):
        raise CommandError(Exit.INVALID, clean("\n".join(lines)))
    for line in lines:
        tell(clean(line))
    source = read_source([one.document for one in documents], given)
    if any(not one.written.is_json and _COMMENT.search(one.written.text) for one in documents):
        source.lost.append("comments: they are not carried over")
    if name is not None:
        if len(source.injections) != 1:
            msg = f"--name: there are {len(source.injections)} resources, which keep their names"
            raise CommandError(Exit.INVALID, msg)
        source.injections = [replace(source.injections[0], name=name)]
    return source


def _require_names(source: Source, target: Target) -> None:
    """Raise CommandError where two would be called the same: one would take the other's place."""
    seen = set()
    for one in source.injections:
        name = _name_in(one, target)
        if name in seen:
            msg = (
                f'two resources have the same name, "{clean(name)}"; rename one, or convert them '
                "by themselves"
            )
            raise CommandError(Exit.INVALID, msg)
        seen.add(name)


def _name_in(one: Injection, target: Target) -> str:
    from bridge.cli.injection import kubernetes_name

    if target is Target.MANIFEST:
        return kubernetes_name(one.name)
    return one.template_name if target is Target.ACTION_TEMPLATE else one.action_name


def _given(values: list[str]) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            msg = f'--set: "{clean(value)}" is no value; write NAME=VALUE'
            raise CommandError(Exit.INVALID, msg)
        found[name] = text
    return found


def _made(source: Source, target: Target, role: str | None, cluster: str | None) -> Iterator[Any]:
    from bridge.cli.injection import template_of

    injections = source.injections
    if target is not Target.TEMPLATE and (role is not None or cluster is not None):
        msg = "--role and --cluster are for --to fis-template; leave them out"
        raise CommandError(Exit.INVALID, msg)
    if target is Target.MANIFEST:
        yield from (one.manifest() for one in injections)
    elif target is Target.ACTION_TEMPLATE:
        yield from (one.action_template() for one in injections)
    elif target is Target.ACTION:
        yield {one.action_name: one.action(as_text=True) for one in injections}
    else:
        ours = all(one.native for one in injections)
        if role is None or (cluster is None and not ours):
            needed = "--role ARN" if ours else "--role ARN and --cluster ARN"
            raise CommandError(Exit.INVALID, f"a fis-template needs {needed}")
        yield template_of(injections, role=role, cluster=cluster, as_text=True)


def _notes(source: Source, target: Target) -> Iterator[str]:
    """Yield what is lost, and what the result still needs."""
    from bridge.cli.injection import kubernetes_name

    yield from source.lost
    of_fis = target in (Target.ACTION, Target.TEMPLATE)
    for one in source.injections:
        if of_fis:
            yield from _notes_for_fis(one)
        elif target is Target.MANIFEST:
            yield from _notes_for_manifest(one)
        renamed = kubernetes_name(one.name)
        if not of_fis and renamed != one.name:
            yield f"{one.name}: is named {renamed}"
    if target is Target.TEMPLATE:
        yield "stopConditions: nothing stops it but its end; add an alarm"


def _notes_for_fis(one: Injection) -> Iterator[str]:
    from bridge.dialects.fis.requests import LONGEST_PARAMETER
    from bridge.model.notation.writing import as_json_text

    length = len(as_json_text(dict(one.spec)))
    if length > LONGEST_PARAMETER:
        yield (
            f"{one.name}: kubernetesSpec has {length} characters: AWS FIS itself takes "
            f"{LONGEST_PARAMETER}"
        )
    if one.max_duration is None and "duration" not in one.spec:
        yield f"{one.name}: maxDuration is {one.limit}; write what you mean"


def _notes_for_manifest(one: Injection) -> Iterator[str]:
    if one.max_duration is not None and "duration" not in one.spec:
        yield (
            f"{one.name}: maxDuration {one.max_duration} is not carried over, and spec.duration is "
            "not written: see that something ends it"
        )
    if one.status is not None:
        yield f"{one.name}: kubernetesStatus has no place in a manifest"


def _written(made: list[Any], notation: Notation) -> str:
    import json

    from bridge.model.notation.writing import as_yaml

    if notation is Notation.YAML:
        return "---\n".join(as_yaml(one) for one in made)
    # Several manifests are a List, as kubectl prints them; of templates JSON has no such thing.
    several = {"apiVersion": "v1", "kind": "List", "items": made}
    document = made[0] if len(made) == 1 else several if "metadata" in made[0] else made
    return json.dumps(document, indent=2, ensure_ascii=False)
