"""`faultbridge rbac map`: what is to be written, where, and doing it once it is confirmed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import yaml

from bridge.cli.exits import CommandError, Exit
from bridge.cli.rbac_access import opened
from bridge.model.problem import InvalidDocumentError
from providers.contract import ProviderError
from providers.kubernetes.impersonation import ClusterIdentity, impersonator
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX
from rbac.access_entries import auth_mode, create_access_entry, read_access_entries, request
from rbac.aws_auth_text import EditError, Wanted, merge, traps
from rbac.aws_auth_writing import ChangedMeanwhileError, plan, write
from rbac.mapping import Entry
from rbac.mapping_file_writing import plan_entry
from rbac.principals import canonical

if TYPE_CHECKING:
    from bridge.settings import Settings
    from providers.kubernetes.cluster import Cluster
    from rbac.showing import Eks

IMPERSONATION: Final = "impersonation"
"""The way that is only printed: a file of the bridge's that is not known here."""
FILE: Final = "mapping-file"
"""The file of FAULTBRIDGE_CLUSTER_IDENTITIES."""


class Confirm(Protocol):
    """Shows a difference, and says whether to write it."""

    def __call__(self, difference: str, *, writable: bool = True) -> bool:
        """Ask, unless it is not ``writable``: then it is only shown."""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    principal: str
    user: str
    groups: tuple[str, ...]
    aws_auth: bool = False

    def wanted(self) -> Wanted:
        """Return it as an entry of aws-auth."""
        return Wanted(self.principal, self.user, self.groups)


@dataclass(frozen=True)
class Done:
    """What came of it."""

    way: str
    difference: str
    written: bool = False
    notes: tuple[str, ...] = ()
    manifests: str = ""
    """What is to be applied besides."""

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that the command prints."""
        return {
            "way": self.way,
            "difference": self.difference,
            "written": self.written,
            "notes": list(self.notes),
            "manifests": self.manifests,
        }


async def map_principal(
    settings: Settings, asked: Asked, named: str | None, role: str | None, confirmed: Confirm
) -> Done:
    """Map a principal in a cluster, or print how. Raises CommandError for what is refused."""
    entry = Entry(asked.principal, asked.user, asked.groups)
    problems = entry.problems()
    if problems:
        raise CommandError(Exit.INVALID, "\n".join(problems))
    try:
        if named is None:
            return _printed(settings, asked, confirmed)
        async with opened(settings, named, role) as (cluster, eks):
            if eks is None:
                if asked.aws_auth:
                    return await _in_aws_auth(cluster, asked, confirmed)
                return _impersonation(settings, asked, cluster.id, confirmed)
            mode = await auth_mode(eks.calls, eks.name)
            if mode.entries and not asked.aws_auth:
                return await _access_entry(eks, asked, confirmed)
            if not mode.config_map:
                msg = "the cluster obeys access entries only: leave out --aws-auth"
                raise CommandError(Exit.INVALID, msg)
            return await _in_aws_auth(cluster, asked, confirmed)
    except (EditError, ChangedMeanwhileError) as error:
        raise CommandError(Exit.FAILED, str(error)) from None


async def _in_aws_auth(cluster: Cluster, asked: Asked, confirmed: Confirm) -> Done:
    wanted = asked.wanted()
    notes = tuple(traps(wanted))
    change = await plan(cluster, wanted)
    if change.empty:
        return Done("aws-auth", "", notes=(*notes, "it is mapped so already"))
    await write(cluster, change, dry_run=True)  # before anybody says yes to what is refused
    difference = change.diff()
    if not confirmed(difference):
        return Done("aws-auth", difference, notes=notes)
    await write(cluster, change)
    return Done("aws-auth", difference, written=True, notes=notes)


async def _access_entry(eks: Eks, asked: Asked, confirmed: Confirm) -> Done:
    made = request(eks.name, arn=asked.principal, user=asked.user, groups=asked.groups)
    there = await read_access_entries(eks.calls, eks.name)
    wanted = canonical(made["principalArn"]).lower()
    for one in there.found:
        if one.entry.principal.lower() == wanted:
            if one.entry.user == asked.user and set(one.entry.groups) >= set(asked.groups):
                return Done("access-entry", "", notes=("it is mapped so already",))
            known = ClusterIdentity(one.entry.user, one.entry.groups)
            msg = (
                f"there is an access entry for it already, with {known}; change that by "
                f"`aws eks update-access-entry --cluster-name {eks.name} --principal-arn "
                f"{made['principalArn']}`"
            )
            raise CommandError(Exit.FAILED, msg)
    difference = "\n".join(f"+ {line}" for line in json.dumps(made, indent=2).splitlines())
    if not confirmed(difference):
        return Done("access-entry", difference, notes=there.unread)
    await create_access_entry(
        eks.calls, eks.name, arn=asked.principal, user=asked.user, groups=asked.groups
    )
    return Done("access-entry", difference, written=True, notes=there.unread)


def _impersonation(settings: Settings, asked: Asked, cluster: str, confirmed: Confirm) -> Done:
    """Add the entry to the file of the settings; the ClusterRole is for kubectl to apply."""
    path = settings.cluster_identities
    entry = Entry(asked.principal, asked.user, asked.groups, cluster)
    if path is None:
        text = yaml.safe_dump({"identities": [_written(entry)]}, sort_keys=False)
        place = "# in the file of FAULTBRIDGE_CLUSTER_IDENTITIES, which is not set here\n"
        lines = f"{place}{text}---\n{_manifests(asked)}"
        confirmed(lines.rstrip(), writable=False)
        return Done(IMPERSONATION, lines)
    try:
        change = plan_entry(path, entry)
        difference = change.diff()
        if not difference:
            notes: tuple[str, ...] = (f"{path} says so already",)
            return Done(FILE, "", notes=notes, manifests=_manifests(asked))
        done = Done(FILE, difference, manifests=_manifests(asked))
        if not confirmed(difference):
            return done
        change.write()
    except InvalidDocumentError as error:
        told = "\n".join(f"{path}: {problem}" for problem in error.problems)
        raise CommandError(Exit.INVALID, told) from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise CommandError(Exit.FAILED, f"{path} cannot be read and written ({why})") from None
    return replace(done, written=True)


def _written(entry: Entry) -> dict[str, Any]:
    groups = {"groups": list(entry.groups)} if entry.groups else {}
    return {
        "principal": entry.principal,
        "cluster": entry.cluster,
        "user": entry.user,
        **groups,
    }


def _manifests(asked: Asked) -> str:
    subject = {
        "kind": "User",
        "name": "USER-OF-THE-CONTEXT",
        "apiGroup": "rbac.authorization.k8s.io",
    }
    identity = ClusterIdentity(asked.user, asked.groups)
    manifests = impersonator("faultbridge", [identity], [subject])
    return "# kubectl apply -f -: the context's user may become this one, and nobody else\n" + str(
        yaml.safe_dump_all(manifests, sort_keys=False)
    )


def _printed(settings: Settings, asked: Asked, confirmed: Confirm) -> Done:
    if not asked.principal.startswith("arn:"):
        return _impersonation(settings, asked, CONTEXT_PREFIX + "*", confirmed)
    wanted = asked.wanted()
    try:
        made = request("CLUSTER", arn=asked.principal, user=asked.user, groups=asked.groups)
    except ProviderError as error:
        raise CommandError(Exit.INVALID, str(error)) from None
    command = (
        "aws eks create-access-entry --cluster-name CLUSTER "
        f"--principal-arn {made['principalArn']} --username {asked.user}"
    )
    if asked.groups:
        command += f" --kubernetes-groups {' '.join(asked.groups)}"
    lines = (
        f"# with access entries\n{command}\n"
        f"# else under {wanted.section} in ConfigMap kube-system/aws-auth\n{merge('', wanted)}"
    )
    confirmed(lines.rstrip(), writable=False)
    return Done("print", lines, notes=tuple(traps(wanted)))
