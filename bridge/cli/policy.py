"""`faultbridge policy`: what callers may do, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.connection import connect
from bridge.cli.exits import EPILOG, CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.client.policies import (
        AttachmentRequest,
        PolicyDetail,
        Simulation,
        SimulationRequest,
    )

app = typer.Typer(
    name="policy",
    help="Say what callers may do, and explain what is decided.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the policy.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Principals = Annotated[
    list[str] | None,
    typer.Option(
        "--principal", metavar="PATTERN", help="Pattern of principals' names; repeatable."
    ),
]
_Groups = Annotated[
    list[str] | None, typer.Option("--group", metavar="NAME", help="Group; repeatable.")
]


@app.command(epilog=EPILOG)
def put(
    name: _Name,
    file: Annotated[str, typer.Argument(help="IAM policy document; - is standard input.")],
    *,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: _Json = False,
) -> None:
    """Store a policy, in place of the one of that name; its attachments stay."""
    from bridge.client.policies import PolicyRequest

    request = PolicyRequest(document=_checked(name, file), description=description)
    with connect() as client:
        stored = client.put_policy(name, request)
    for warning in stored.warnings:
        tell(f"faultbridge: {clean(warning)}")
    _shown(stored, as_json=as_json, line=f"{stored.name} is stored")


@app.command("list")
def list_(as_json: _Json = False) -> None:
    """List the policies: built-in ones, those of the policy file, and stored ones."""
    with connect() as client:
        page = client.policies()
    if as_json:
        show_json(page.wire())
        return
    for one in page.policies:
        whom = ", ".join((*one.principals, *(f"group {group}" for group in one.groups)))
        show(clean(f"{one.name:<26}  {one.origin:<8}  {whom or '-'}"))


@app.command("show", epilog=EPILOG)
def show_(name: _Name, as_json: _Json = False) -> None:
    """Show a policy's document, and whom it is attached to."""
    with connect() as client:
        found = client.policy(name)
    if as_json:
        show_json(found.wire())
        return
    tell(f"faultbridge: {clean(found.name)} ({found.origin}): {clean(found.description) or '-'}")
    _tell_whom(found)
    show_json(found.document)


@app.command(epilog=EPILOG)
def delete(name: _Name, as_json: _Json = False) -> None:
    """Delete a policy and its attachments."""
    with connect() as client:
        gone = client.delete_policy(name)
    _shown(gone, as_json=as_json, line=f"{gone.name} is deleted")


@app.command(epilog=EPILOG)
def attach(
    name: _Name, principal: _Principals = None, group: _Groups = None, *, as_json: _Json = False
) -> None:
    """Attach a policy to principals, by patterns of their names, and to groups."""
    request = _attachment(principal, group)
    with connect() as client:
        found = client.attach_policy(name, request)
    _shown(found, as_json=as_json, line=f"{found.name} is attached")


@app.command(epilog=EPILOG)
def detach(
    name: _Name, principal: _Principals = None, group: _Groups = None, *, as_json: _Json = False
) -> None:
    """Detach a policy from principals and groups, each written as it was attached."""
    request = _attachment(principal, group)
    with connect() as client:
        found = client.detach_policy(name, request)
    _shown(found, as_json=as_json, line=f"{found.name} is detached")


@app.command(epilog=EPILOG)
def simulate(
    *,
    principal: Annotated[
        str, typer.Option(metavar="NAME", help="Who asks, such as arn:aws:iam::…:user/alice.")
    ],
    action: Annotated[str, typer.Option(metavar="ACTION", help="Such as fis:StartExperiment.")],
    resource: Annotated[str, typer.Option(metavar="ARN", help="On what; else *.")] = "*",
    group: _Groups = None,
    context: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Condition key; several values, several times."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Policy file, in place of a bridge's policies; asks no bridge."
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say what would be decided about a request, by which statement, and which nearly did.

    Exit code 0 where it is allowed, 1 where it is denied. Against a bridge the tags and the
    contents of a stored template or run are filled in.
    """
    request = _simulation(principal, action, resource, group or [], context or [])
    found = _against_bridge(request) if file is None else _offline(file, request)
    if as_json:
        show_json(found.wire())
    else:
        _explain(found)
    if found.decision != "allowed":
        raise typer.Exit(Exit.FAILED)


def _simulation(
    principal: str, action: str, resource: str, groups: list[str], context: list[str]
) -> SimulationRequest:
    from bridge.client.policies import SimulationRequest

    keys: dict[str, tuple[str, ...]] = {}
    for pair in context:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise CommandError(Exit.INVALID, f'--context "{pair}" is no pair; write KEY=VALUE')
        keys[key] = (*keys.get(key, ()), value)
    return SimulationRequest(
        principal=principal, action=action, resource=resource, groups=tuple(groups), context=keys
    )


def _checked(name: str, file: str) -> dict[str, Any]:
    """Return the document of a file without errors; what is wrong is told by line and column."""
    from bridge.cli.files import read_template
    from bridge.model.problem import InvalidDocumentError
    from iam.policy import read_policy

    try:
        read = read_template(file)
    except OSError as error:
        msg = f"{file}: {error.strerror}; give the file of a policy, or - for standard input"
        raise CommandError(Exit.INVALID, msg) from None
    lines = [clean(read.line_of(problem, place)) for place, problem in read.problems]
    if not lines:
        try:
            read_policy(read.document, name=name)
        except InvalidDocumentError as error:
            lines = [clean(read.line_of(problem)) for problem in error.problems]
    if lines:
        raise CommandError(Exit.INVALID, "\n".join([*lines, f"{read.name}: invalid"]))
    document: dict[str, Any] = read.document
    return document


def _against_bridge(request: SimulationRequest) -> Simulation:
    with connect() as client:
        return client.simulate_policy(request)


def _offline(file: Path, request: SimulationRequest) -> Simulation:
    from bridge.api.authorization.attached import effective
    from bridge.api.authorization.context import common_context
    from bridge.api.authorization.file import read_policy_file
    from bridge.api.native.simulating import check, named_principal, other_names, simulate
    from bridge.cli.connection import load_settings, scope_of
    from bridge.model.problem import InvalidDocumentError
    from bridge.store import system_clock

    try:
        check(request)
        policies = read_policy_file(file)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise CommandError(Exit.INVALID, f"{file} cannot be read ({reason})") from None
    except InvalidDocumentError as error:
        raise CommandError(Exit.INVALID, "\n".join(map(str, error.problems))) from None
    settings = load_settings()
    scope = scope_of(settings)
    principal = named_principal(request.principal, request.groups)
    context = common_context(principal, scope, system_clock(), "")
    also = other_names(scope, request.resource)
    return simulate(effective(policies, ()), request, context, also=also)


def _explain(found: Simulation) -> None:
    show(clean(f"{found.decision}: {found.explanation}"))
    for one in found.near:
        how = "would allow it" if one.effect == "Allow" else "would deny it"
        line = f"  {one.policy}/{one.statement} {how}, but {one.reason}"
        show(clean(line))
    if found.policies:
        show(clean(f"  policies: {', '.join(found.policies)}"))
    for key, values in found.context.items():
        show(clean(f"  {key} = {', '.join(values)}"))


def _attachment(principals: list[str] | None, groups: list[str] | None) -> AttachmentRequest:
    from bridge.client.policies import AttachmentRequest

    if not principals and not groups:
        raise CommandError(Exit.INVALID, "say whom: give --principal or --group, or both")
    return AttachmentRequest(principals=tuple(principals or ()), groups=tuple(groups or ()))


def _shown(found: PolicyDetail, *, as_json: bool, line: str) -> None:
    if as_json:
        show_json(found.wire())
        return
    show(clean(line))
    _tell_whom(found)


def _tell_whom(found: PolicyDetail) -> None:
    for name in found.principals:
        tell(clean(f"faultbridge: attached to {name}"))
    for name in found.groups:
        tell(clean(f"faultbridge: attached to group {name}"))
    if not found.principals and not found.groups:
        tell("faultbridge: attached to nobody; `faultbridge policy attach` says whom it is for")
