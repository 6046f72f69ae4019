"""`faultbridge rbac`: who is who in a cluster, and what he may inject there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.connection import load_settings
from bridge.cli.exits import EPILOG, CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.cli.rbac_mapping import Done
    from rbac.report import Report

app = typer.Typer(
    name="rbac",
    help="Say who can inject what in a cluster, and map cloud identities into it.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Role = Annotated[
    str | None, typer.Option("--as", metavar="ROLE-ARN", help="Ask EKS and its cluster as this.")
]
_Groups = Annotated[
    list[str] | None, typer.Option("--group", metavar="NAME", help="Group; repeatable.")
]


@app.command("show", epilog=EPILOG)
def show_(
    cluster: Annotated[
        str, typer.Argument(metavar="CLUSTER", help="Context of the kubeconfig, or EKS ARN.")
    ],
    *,
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="Look into this one where not all may be listed; repeatable."),
    ] = None,
    system: Annotated[
        bool, typer.Option("--system", help="Show Kubernetes' own subjects too.")
    ] = False,
    role: _Role = None,
    as_json: _Json = False,
) -> None:
    """Say who can inject what, where: mapped cloud principals, and subjects of RBAC.

    Reads with your own rights. Exits with 7 where something could not be read, so that the
    answer may be incomplete.
    """
    found = asyncio.run(_report(cluster, namespace or [], role, system=system))
    if as_json:
        show_json(found.wire())
    else:
        show(clean(f"{found.cluster} ({found.about})"))
        for line in found.lines:
            for text in line.text():
                show(clean(text))
    for problem in found.problems:
        tell(clean(f"faultbridge: {problem}"))
    for unread in found.unread:
        tell(clean(f"faultbridge: cannot read {unread}"))
    if found.unread:
        raise typer.Exit(Exit.UNSEARCHED)


@app.command("map", epilog=EPILOG)
def map_(
    principal: Annotated[
        str, typer.Argument(metavar="PRINCIPAL", help="Role or user by ARN; an identity's name.")
    ],
    *,
    user: Annotated[
        str, typer.Option(metavar="NAME", help="User in the cluster; else a role's own name.")
    ] = "",
    group: _Groups = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="CLUSTER", help="Context, or EKS ARN; else only print.")
    ] = None,
    aws_auth: Annotated[
        bool,
        typer.Option("--aws-auth", help="Use ConfigMap aws-auth also where access entries count."),
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write it, after a question.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    role: _Role = None,
    as_json: _Json = False,
) -> None:
    """Map a cloud principal to a user and groups; the difference is shown first.

    On EKS an access entry is made where the cluster obeys them, else an entry in aws-auth, in
    which nothing else is changed. For another cluster the entry goes into the file of
    FAULTBRIDGE_CLUSTER_IDENTITIES, and the ClusterRole for impersonation is printed.
    """
    from bridge.cli.rbac_mapping import Asked, map_principal

    if apply and cluster is None:
        raise CommandError(Exit.INVALID, "--apply needs --cluster: say which cluster to write to")
    if not user and not principal.startswith("arn:"):
        raise CommandError(Exit.INVALID, "say as which user: --user NAME")
    user = user or principal.rpartition("/")[2]
    asked = Asked(principal, user, tuple(dict.fromkeys(group or ())), aws_auth=aws_auth)

    def confirmed(difference: str, *, writable: bool = True) -> bool:
        if not as_json:
            show(clean(difference))
        if not (apply and writable):
            return False
        return yes or typer.confirm("Write this?", err=True)

    done = asyncio.run(map_principal(load_settings(), asked, cluster, role, confirmed))
    _told(done, applied=apply, printed=cluster is None, as_json=as_json)
    if apply and done.difference and not done.written:
        raise typer.Exit(Exit.FAILED)


@app.command(epilog=EPILOG)
def subjects(
    cloud: Annotated[str, typer.Argument(metavar="CLOUD", help="Whose cluster: gke or aks.")],
    identity: Annotated[
        str, typer.Argument(metavar="IDENTITY", help="Address, object id or unique id.")
    ],
    *,
    group: Annotated[bool, typer.Option("--group", help="It is a group.")] = False,
    unique_id: Annotated[
        str, typer.Option(metavar="NUMBER", help="Numeric id of a Google service account.")
    ] = "",
    azure_rbac: Annotated[
        bool, typer.Option("--azure-rbac", help="The AKS cluster has Azure RBAC on.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Print the subjects by which a binding on GKE or AKS names a cloud identity."""
    import yaml

    from rbac.subjects import SubjectError, aks_subjects, gke_subjects

    try:
        if cloud == "gke":
            found = gke_subjects(identity, unique_id=unique_id, group=group)
        elif cloud == "aks":
            found = aks_subjects(identity, group=group, azure_rbac=azure_rbac)
        else:
            msg = f'"{cloud}" is not known; write gke or aks'
            raise CommandError(Exit.INVALID, msg)
    except SubjectError as error:
        raise CommandError(Exit.INVALID, str(error)) from None
    manifests = [subject.manifest() for subject in found.subjects]
    if as_json:
        show_json({"subjects": manifests, "notes": list(found.notes)})
        return
    show(clean(yaml.safe_dump({"subjects": manifests}, sort_keys=False).rstrip()))
    for note in found.notes:
        tell(clean(f"faultbridge: {note}"))


async def _report(cluster: str, namespaces: list[str], role: str | None, *, system: bool) -> Report:
    from bridge.cli.rbac_access import opened, own_mapping
    from rbac.showing import show as shown

    settings = load_settings()
    mapping = own_mapping(settings)
    async with opened(settings, cluster, role) as (reached, eks):
        return await shown(reached, eks, mapping=mapping, namespaces=namespaces, system=system)


def _told(done: Done, *, applied: bool, printed: bool, as_json: bool) -> None:
    from bridge.cli.rbac_mapping import IMPERSONATION

    for note in done.notes:
        tell(clean(f"faultbridge: {note}"))
    if as_json:
        show_json(done.wire())
    elif done.way == IMPERSONATION:
        tell("faultbridge: nothing is written here: put the lines where they say")
    elif done.difference and not done.written and not printed:
        tell("faultbridge: nothing was written" + ("" if applied else "; --apply writes it"))
    elif done.written:
        tell("faultbridge: written")
    if done.manifests and not as_json:
        show(clean(done.manifests.rstrip()))
