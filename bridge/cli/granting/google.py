"""Google Cloud: custom roles and bindings, read, compared and written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from bridge.catalog.grants import About, Document
from bridge.catalog.grants.google import ACCOUNT
from bridge.catalog.needs import Need, Who
from bridge.cli.granting.comparing import Change, Checked, Left, changed_meanwhile
from bridge.model.scope import Scope
from bridge.settings import Settings
from iam.google import (
    SHOWN,
    TOKEN_CREATOR,
    Held,
    Where,
    binding_of,
    bound,
    followed_by_nobody,
    held_by,
    home_of,
    policy_of,
    put_policy,
    put_role,
    role_of,
)
from providers.contract import Caller, ProviderError
from providers.gcp.errors import EXISTS
from providers.gcp.provider import GcpProvider
from providers.gcp.session import GcpSession

_NAMED: Final = 3
_UNKNOWN: Final = "the bridge's own service account is not known; give --google-account"
_NO_ACCOUNT: Final = "no service account stands for the role: set FAULTBRIDGE_GCP_IDENTITIES"


class GoogleGrants:
    """Projects and service accounts, with the credentials of whoever runs the command."""

    def __init__(self, settings: Settings, about: About) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._about = about
        self._provider = GcpProvider(settings)
        self._account = about.acting.others.get("gcp", "")

    async def close(self) -> None:
        """Let go of connections."""
        await self._provider.close()

    async def check(self, granted: Sequence[Need], known: Sequence[Need], found: Checked) -> None:
        """Compare what the account holds in each project, and who may act as it."""
        by_project: dict[str, list[Need]] = defaultdict(list)
        for one in granted:
            if one.who is Who.EXPERIMENT:
                by_project[one.place.account].append(one)
        if by_project and not self._account:
            found.unread.append(f"gcp: {_NO_ACCOUNT}")
            return
        for project, needed in by_project.items():
            names = {one.permission for one in known if one.place.account == project}
            try:
                await self._in_project(project, needed, names, found)
            except ProviderError as error:
                found.unread.append(f"project {project}: {error}")
        for one in granted:
            if one.who is not Who.EXPERIMENT:
                try:
                    await self._becoming(one, found)
                except ProviderError as error:
                    found.unread.append(f"service account {one.resources[0]}: {error}")

    async def _in_project(
        self, project: str, needed: Sequence[Need], known: set[str], found: Checked
    ) -> None:
        session = await self._session(project)
        policy = await policy_of(session, Where(project))
        held, unread = await held_by(session, project, policy, f"serviceAccount:{self._account}")
        where = f"service account {self._account}, project {project}"
        found.unread += [f"{where}: {one}" for one in unread]
        always = {name for one in held if not one.condition for name in one.permissions}
        lacking = []
        for name in sorted({one.permission for one in needed} - always):
            under = [one for one in held if name in one.permissions]
            if under:
                found.unread.append(
                    f"{where}: {name} is granted under a condition only: {under[0].condition}"
                )
            else:
                lacking.append(name)
        found.missing += [f"{where}: {name}" for name in lacking]
        if lacking and (groups := followed_by_nobody(policy)):
            found.unread.append(f"{where}: who is in {', '.join(groups)}")
        found.excess += [f"{where}: {words}" for one in held for words in _beyond(one, known)]

    async def _becoming(self, need: Need, found: Checked) -> None:
        (step,) = need.resources
        holder = need.holder or self._about.google
        where = home_of(step)
        if not holder:
            found.unread.append(f"{where}: {_UNKNOWN}")
            return
        session = await self._session(where.project)
        policy = await policy_of(session, where)
        member = f"serviceAccount:{holder}"
        held, unread = await held_by(session, where.project, policy, member)
        found.unread += [f"{where}: {one}" for one in unread]
        if not any(need.permission in one.permissions for one in held if not one.condition):
            found.missing.append(
                f"{where}: {holder} may not act as it ({need.permission}, {TOKEN_CREATOR})"
            )
        creators = (binding_of(policy, TOKEN_CREATOR) or {}).get("members", ())
        found.excess += [f"{where}: {one} may act as it too" for one in creators if one != member]

    async def changes(self, made: Sequence[Document], left: list[Left]) -> list[Change]:
        """Return the custom role of each project, then its binding, then who may act as whom.

        Raises ProviderError.
        """
        found: list[Change] = []
        for document in made:
            if document.kind == "custom-role":
                if not self._account:
                    left.append(Left(document, _NO_ACCOUNT))
                    continue
                project = document.grants[0].place.account
                role_id = self._about.slug.replace("-", "_")
                found.append(await self._role(project, role_id, document))
                name = f"projects/{project}/roles/{role_id}"
                found.append(await self._binding(Where(project), name, self._account))
                continue
            (need,) = document.grants
            holder = need.holder or self._about.google
            if not holder or ACCOUNT in need.resources:
                left.append(Left(document, _UNKNOWN))
                continue
            found.append(await self._binding(home_of(need.resources[0]), TOKEN_CREATOR, holder))
        return found

    async def _role(self, project: str, role_id: str, document: Document) -> Change:
        session = await self._session(project)
        name = f"projects/{project}/roles/{role_id}"
        there = await role_of(session, project, name)
        if there is not None and there.get("deleted"):
            raise ProviderError(
                f"the custom role {name} has been deleted, and its id is not free: "
                f"gcloud iam roles undelete {role_id} --project={project}",
                code="Deleted",
            )
        before = None if there is None else {key: there.get(key) for key in SHOWN}
        etag = "" if there is None else str(there["etag"])
        what = f"custom role {name}"

        async def write() -> None:
            try:
                await put_role(session, project, role_id, document.body, etag)
            except ProviderError as error:
                raise (changed_meanwhile(what) if error.code == EXISTS else error) from None

        return Change(what, before, document.body, write)

    async def _binding(self, where: Where, role: str, account: str) -> Change:
        session = await self._session(where.project)
        policy = await policy_of(session, where)
        after = bound(policy, role, f"serviceAccount:{account}")
        what = f"binding of {role} in the policy of {where}"

        async def write() -> None:
            try:
                await put_policy(session, where, after)
            except ProviderError as error:
                raise (changed_meanwhile(what) if error.code == EXISTS else error) from None

        return Change(what, binding_of(policy, role), binding_of(after, role), write)

    async def _session(self, project: str) -> GcpSession:
        scope = Scope(cloud="gcp", account=project, region="global")
        return await self._provider.session(Caller(scope, None, "grants", ""), None)


def _beyond(one: Held, known: set[str]) -> list[str]:
    beyond = sorted(one.permissions - known)
    if not beyond:
        return []
    if not one.permissions & known:
        return [f"{one.role} is not needed"]
    more = f" and {len(beyond) - _NAMED} more" if len(beyond) > _NAMED else ""
    return [f"{one.role}: {', '.join(beyond[:_NAMED])}{more} not needed"]
