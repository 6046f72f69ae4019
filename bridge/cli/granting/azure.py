"""Azure: role definitions and role assignments, read, compared and written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fnmatch import translate
from re import IGNORECASE, fullmatch

from bridge.catalog.grants import About, Document
from bridge.catalog.grants.azure import CLIENT, scope_of
from bridge.catalog.needs import Need, Who
from bridge.cli.granting.comparing import Change, Checked, Left, changed_meanwhile
from bridge.model.scope import Scope
from bridge.settings import Settings
from iam.azure import (
    Assigned,
    assigned,
    assignment,
    assignment_of,
    definition_named,
    identifier,
    put_assignment,
    put_definition,
)
from providers.azure.provider import AzureProvider
from providers.azure.review import allowed
from providers.azure.session import AzureSession
from providers.contract import Caller, ProviderError


class AzureGrants:
    """Scopes of Azure, with the credentials of whoever runs the command."""

    def __init__(self, settings: Settings, about: About) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._about = about
        self._provider = AzureProvider(settings)
        self._client = about.acting.others.get("azure", "")

    async def close(self) -> None:
        """Let go of connections."""
        await self._provider.close()

    @property
    def _unknown(self) -> str:
        if not self._client:
            return "no managed identity stands for the role: set FAULTBRIDGE_AZURE_IDENTITIES"
        return (
            f"the object id of the identity {self._client} is not known; give "
            f'--azure-object-id "$(az ad sp show --id {self._client} --query id -o tsv)"'
        )

    async def check(self, granted: Sequence[Need], known: Sequence[Need], found: Checked) -> None:
        """Compare what the identity may do at each scope."""
        by_scope: dict[str, list[Need]] = defaultdict(list)
        for one in granted:
            if one.who is Who.EXPERIMENT:
                by_scope[scope_of(one.place)].append(one)
        if by_scope and not self._about.azure:
            found.unread.append(f"azure: {self._unknown}")
            return
        seen: dict[str, Assigned] = {}
        for scope, needed in by_scope.items():
            try:
                session = await self._session(scope)
                roles = await assigned(session, scope, self._about.azure)
            except ProviderError as error:
                found.unread.append(f"{scope}: {error}")
                continue
            seen |= {one.id: one for one in roles}
            permissions = [each for one in roles for each in one.permissions]
            found.missing += [
                f"identity {self._client}, {scope}: {name}"
                for name in sorted({one.permission for one in needed})
                if not allowed(permissions, name)
            ]
        for role in seen.values():
            found.excess += [f"identity {self._client}: {words}" for words in _beyond(role, known)]

    async def changes(self, made: Sequence[Document], left: list[Left]) -> list[Change]:
        """Return each role definition, then its assignments. Raises ProviderError."""
        found: list[Change] = []
        for document in made:
            if document.kind != "role-definition":
                left.append(Left(document))
            elif not self._about.azure or self._client in ("", CLIENT):
                left.append(Left(document, self._unknown))
            else:
                found += await self._role(document)
        return found

    async def _role(self, document: Document) -> list[Change]:
        body = document.body
        name, scopes = body["Name"], body["AssignableScopes"]
        session = await self._session(scopes[0])
        there = await definition_named(session, scopes[0], name)
        guid, before = there or (identifier(scopes[0].split("/")[2], name), None)
        wanted = {
            "roleName": name,
            "description": body["Description"],
            "actions": body["Actions"],
            "assignableScopes": scopes,
        }
        what = f"role definition {name}"

        async def write() -> None:
            if await definition_named(session, scopes[0], name) != there:
                raise changed_meanwhile(what)
            await put_definition(session, scopes[0], guid, wanted)

        assignments = [await self._assignment(name, scope, guid) for scope in scopes]
        return [Change(what, before, wanted, write), *assignments]

    async def _assignment(self, name: str, scope: str, guid: str) -> Change:
        session, object_id = await self._session(scope), self._about.azure
        before = await assignment_of(session, scope, guid, object_id)

        async def write() -> None:
            await put_assignment(session, scope, guid, object_id)

        what = f"assignment of role {name} at {scope}"
        return Change(what, before, assignment(scope, guid, object_id), write)

    async def _session(self, scope: str) -> AzureSession:
        where = Scope(cloud="azure", account=scope.split("/")[2], region="")
        return await self._provider.session(Caller(where, None, "grants", ""), None)


def _beyond(one: Assigned, known: Sequence[Need]) -> Iterator[str]:
    """Yield in words what a role assignment gives beyond the needs at its scope or below."""
    below = [
        need
        for need in known
        if f"{scope_of(need.place)}/".lower().startswith(f"{one.scope.rstrip('/')}/".lower())
    ]
    names = {need.permission for need in below}
    where = f"role {one.role} at {one.scope or '/'}"
    useful = [action for action in one.actions if any(_like(action, name) for name in names)]
    if not useful:
        yield f"{where} is not needed"
        return
    if not any(scope_of(need.place).lower() == one.scope.lower() for need in below):
        yield f"{where} is assigned wider than what is needed"
    for action in one.actions:
        if action not in useful:
            yield f"{where}: {action} is not needed"
        elif "*" in action:
            matched = sorted(name for name in names if _like(action, name))
            yield f"{where}: {action} is wider than {', '.join(matched)}"


def _like(pattern: str, name: str) -> bool:
    return fullmatch(translate(pattern), name, IGNORECASE) is not None
