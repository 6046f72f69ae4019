"""`faultbridge grants`: the least that has to be granted for a template to run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.connection import configured_url, connect, load_settings, scope_of
from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, show_json
from bridge.cli.preflight import is_stored
from bridge.cli.validate import Cluster, Role, checked

if TYPE_CHECKING:
    from bridge.catalog.grants import About
    from bridge.catalog.needs import Need
    from bridge.cli.granting import Grantor


class Cloud(StrEnum):
    """For whom documents are printed."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    KUBERNETES = "kubernetes"


class Form(StrEnum):
    """How they are printed."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def grants(
    template: Annotated[
        str,
        typer.Argument(
            metavar="TEMPLATE",
            help="Template, or custom resource of a chaos kind: YAML or JSON, - is standard input; "
            "or the id of a stored template.",
        ),
    ],
    *,
    role: Role = None,
    cluster: Cluster = None,
    cloud: Annotated[
        Cloud | None, typer.Option("--for", help="Only what this cloud, or the clusters, want.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.TEXT,
    include_optional: Annotated[
        bool,
        typer.Option("--include-optional", help="Grant too what a run can do without."),
    ] = False,
    required_only: Annotated[
        bool,
        typer.Option(
            "--required-only", help="Leave out what clouds check in some set-ups only (KMS keys …)."
        ),
    ] = False,
    principal: Annotated[
        str,
        typer.Option(metavar="ARN", help="As whom the bridge calls AWS; else the setting's."),
    ] = "",
    external_id: Annotated[
        str,
        typer.Option(metavar="ID", help="External id of the trust policy; else the setting's."),
    ] = "",
    google_account: Annotated[
        str,
        typer.Option(
            "--google-account", metavar="ADDRESS", help="As whom the bridge calls Google Cloud."
        ),
    ] = "",
    azure_object_id: Annotated[
        str,
        typer.Option("--azure-object-id", metavar="ID", help="Object id of the identity in Azure."),
    ] = "",
    user: Annotated[
        str,
        typer.Option(metavar="NAME", help="The role's user in clusters; else the role's name."),
    ] = "",
    context: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Kubeconfig context for --check and --apply; else the one named as the cluster.",
        ),
    ] = "",
    check: Annotated[
        bool,
        typer.Option("--check", help="Say what is granted today too little, and too much."),
    ] = False,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="Show a diff, ask, and write what would be printed, where it can."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --apply writes.")] = False,
) -> None:
    """Print exactly what a template needs, as policies, roles and bindings, and nothing else.

    Without --check and --apply nothing is changed or asked of a cloud, and the output is always
    the same for the same template. Those two act with your own credentials, as the AWS CLI and
    kubectl would. With FAULTBRIDGE_URL the bridge there judges the template, with its settings
    and action templates.
    """
    from bridge.api.native.granting import answer
    from bridge.catalog.grants import as_text, chosen, documents

    if include_optional and required_only:
        msg = "--include-optional and --required-only contradict each other; give one of them"
        raise CommandError(Exit.INVALID, msg)
    if check and apply:
        raise CommandError(Exit.INVALID, "--check and --apply are two commands; give one of them")
    needs, about = needs_of(template, role, cluster)
    about = replace(
        about,
        principal=principal or about.principal,
        google=google_account,
        azure=azure_object_id,
        username=user,
    )
    if external_id:
        agreed = {**about.acting.external_ids, about.identity: external_id}
        about = replace(about, acting=replace(about.acting, external_ids=agreed))
    if check or apply:
        _today(
            needs,
            chosen(needs, include_optional=include_optional, required_only=required_only),
            about,
            _Wanted(cloud, context, apply=apply, yes=yes),
        )
        return
    found = answer(
        needs,
        about,
        cloud=cloud,
        include_optional=include_optional,
        required_only=required_only,
    )
    if form is Form.JSON:
        show_json(found.wire())
    elif form is Form.YAML:
        import yaml

        show(yaml.safe_dump(found.wire(), sort_keys=False, allow_unicode=True, width=100).rstrip())
    else:
        mine = [one for one in needs if cloud in (None, one.place.cloud)]
        granted = chosen(mine, include_optional=include_optional, required_only=required_only)
        left_out = [one for one in mine if one not in granted]
        show(clean(as_text(documents(granted, about, cloud), left_out)))


@dataclass(frozen=True)
class _Wanted:
    """What is to be done about what is granted today."""

    cloud: Cloud | None
    context: str
    apply: bool
    yes: bool


def _today(needs: tuple[Need, ...], granted: list[Need], about: About, wanted: _Wanted) -> None:
    """Compare, or apply. Raises CommandError, and typer's Exit with the verdict."""
    import asyncio

    from bridge.cli.granting import Grantor
    from providers.contract import ProviderError

    async def act() -> Exit:
        async with Grantor(load_settings(), needs, about, wanted.context) as grantor:
            if wanted.apply:
                return await _apply(grantor, granted, wanted)
            found = await grantor.check(granted, wanted.cloud)
        for line in found.lines():
            show(clean(line))
        if found.missing or found.excess:
            return Exit.FAILED
        return Exit.UNSEARCHED if found.unread else Exit.COMPLETED

    try:
        code = asyncio.run(act())
    except ProviderError as error:
        raise CommandError(Exit.INVALID, f"--apply: {error}") from None
    if code is not Exit.COMPLETED:
        raise typer.Exit(code)


async def _apply(grantor: Grantor, granted: list[Need], wanted: _Wanted) -> Exit:
    changes, left = await grantor.changes(granted, wanted.cloud)
    for change in changes:
        for line in change.diff():
            show(clean(line))
    if changes and not wanted.yes:
        if not sys.stdin.isatty():
            msg = "--apply asks before it writes; give --yes where nobody can answer"
            raise CommandError(Exit.INVALID, msg)
        if not typer.confirm(f"Write these {len(changes)} changes?"):
            return Exit.CANCELLED
    for change in changes:
        await change.write()
        show(clean(f"written: {change.what}"))
    if not changes:
        show("Nothing to change.")
    for one in left:
        reason = f" ({one.reason})" if one.reason else ""
        show(clean(f"not applied here: {one.document.title}{reason}"))
        for command in one.document.commands:
            show(clean(f"    {command}"))
    return Exit.COMPLETED


def needs_of(name: str, role: str | None, cluster: str | None) -> tuple[tuple[Need, ...], About]:
    """Return what a file's or a stored template needs. Raises CommandError."""
    if is_stored(name):
        return _asked({"template_id": name}, name)
    return needs_of_document(checked(name, role, cluster), name)


def needs_of_document(document: Any, name: str) -> tuple[tuple[Need, ...], About]:
    """Return what a document without errors needs. Raises CommandError."""
    if configured_url() is not None:
        return _asked({"template": document}, name)
    return worked_out(document, name)


def _asked(what: dict[str, Any], name: str) -> tuple[tuple[Need, ...], About]:
    from bridge.catalog.grants import About, understood
    from bridge.catalog.grants.document import BRIDGE
    from bridge.client.grants import GrantsRequest
    from iam.acting import Acting

    request = GrantsRequest(**what, include_optional=True)
    with connect() as client:
        found = client.grants(request)
    needs = tuple(understood(one.wire()) for one in (*found.grants, *found.not_granted))
    called = found.name if "template_id" in what else _stem(name)
    about = About(
        called,
        found.identity,
        principal=found.principal or BRIDGE,
        acting=Acting(
            found.others,
            found.through,
            found.external_ids,
            found.source_identity,
            found.clusters,
        ),
    )
    return needs, about


def worked_out(document: Any, name: str) -> tuple[tuple[Need, ...], About]:
    """Return what a document without errors needs, by the settings of this command."""
    from bridge.api.native.granting import about, needed
    from bridge.api.native.judging import read
    from bridge.catalog import Catalog

    settings = load_settings()
    catalog = Catalog(settings)
    scope = scope_of(settings)
    template = read(catalog, scope, document).template
    if template is None:
        raise CommandError(Exit.INVALID, f"{name}: is no template")
    return needed(settings, catalog, template), about(settings, template, _stem(name))


def _stem(name: str) -> str:
    return "template" if name == "-" else Path(name).stem
