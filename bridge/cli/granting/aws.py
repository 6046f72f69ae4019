"""AWS: the policies and trust policies of roles, read, compared and written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import iam.granted as aws
from bridge.catalog.grants import About, Document
from bridge.catalog.grants.document import BRIDGE
from bridge.catalog.grants.iam import name_of, pairwise_trust
from bridge.catalog.needs import ASSUMING, SETTING, Need, Who
from bridge.cli.granting.comparing import Change, Checked, Left, changed_meanwhile
from bridge.model.scope import Scope
from bridge.settings import Settings
from iam.trust import admitted_besides, merged, not_admitted, put_trust, trust_of
from providers.aws.provider import AwsProvider
from providers.aws.session import AwsSession
from providers.contract import Caller, ProviderError

_UNKNOWN: Final = (
    "the bridge's own role is not known; give --principal, or set FAULTBRIDGE_PRINCIPAL"
)


class AwsGrants:
    """Roles in IAM, with the credentials of whoever runs the command."""

    def __init__(self, settings: Settings, about: About) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._about = about
        self._provider = AwsProvider(settings)

    async def close(self) -> None:
        """Let go of connections."""
        await self._provider.close()

    async def check(self, granted: Sequence[Need], known: Sequence[Need], found: Checked) -> None:
        """Compare the policies of each identity, and whom the roles trust."""
        by_holder: dict[str, list[Need]] = defaultdict(list)
        for one in granted:
            if one.place.cloud == "aws":
                by_holder[self._holder(one)].append(one)
        for arn, wanted in by_holder.items():
            if not arn:
                found.unread.append(f"aws: {_UNKNOWN}")
                continue
            mine = [one for one in known if self._holder(one) == arn]
            await self._check_policies(arn, wanted, mine, found)
        if any(one.permission == ASSUMING for one in granted):
            for role, principal in pairwise_trust(self._about):
                await self._check_trust(role, principal, found)

    async def _check_policies(
        self, arn: str, granted: Sequence[Need], known: Sequence[Need], found: Checked
    ) -> None:
        role = name_of(arn)
        try:
            today = await aws.granted_to(await self.session(arn), role)
        except ProviderError as error:
            found.unread.append(f"role {role}: {error}")
            return
        found.unread += [f"role {role}: {one}" for one in today.unread]
        found.missing += [
            f"role {role}: {right.action} {why}"
            for right, why in aws.missing(today.policies, _rights(granted))
        ]
        beyond = aws.too_much(today.policies, _rights(known))
        found.excess += [f"role {role}: {one}" for one in beyond]

    async def _check_trust(self, role: str, principal: str, found: Checked) -> None:
        name = name_of(role)
        if principal == self._about.principal and not self._reader:
            found.unread.append(f"trust policy of role {name}: {_UNKNOWN}")
            return
        try:
            document = await trust_of(await self.session(role), name)
        except ProviderError as error:
            found.unread.append(f"trust policy of role {name}: {error}")
            return
        if document is None:
            found.missing.append(f"role {name} does not exist")
            return
        acting = self._about.acting
        actions = (ASSUMING, SETTING) if acting.source_identity else (ASSUMING,)
        external_id = acting.external_ids.get(role, "")
        if why := not_admitted(document, principal, actions, external_id):
            found.missing.append(f"role {name}: {why}")
        found.excess += [f"role {name}: {one}" for one in admitted_besides(document, principal)]

    async def changes(self, made: Sequence[Document], left: list[Left]) -> list[Change]:
        """Return the trust policies, then the inline policies. Raises ProviderError."""
        found = []
        trusted = {name_of(role): who for role, who in pairwise_trust(self._about)}
        for document in sorted(made, key=lambda one: one.kind != "trust-policy"):
            arn = self._owner(document)
            principal = trusted.get(name_of(arn), "") if document.kind == "trust-policy" else arn
            known = ":role/" in arn and principal not in ("", BRIDGE)
            if not known:
                left.append(Left(document, _UNKNOWN))
            elif document.kind == "trust-policy":
                found.append(await self._trust(arn, document))
            else:
                found.append(await self._inline(arn, document))
        return found

    async def _trust(self, arn: str, document: Document) -> Change:
        session, role = await self.session(arn), name_of(arn)
        before = await trust_of(session, role)
        what, after = f"trust policy of role {role}", merged(before, document.body)

        async def write() -> None:
            if await trust_of(session, role) != before:
                raise changed_meanwhile(what)
            await put_trust(session, role, after, new=before is None)

        return Change(what, before, after, write)

    async def _inline(self, arn: str, document: Document) -> Change:
        session, role, name = await self.session(arn), name_of(arn), document.title.split()[2]
        before = await aws.inline_policy(session, role, name)
        what = f"inline policy {name} of role {role}"

        async def write() -> None:
            if await aws.inline_policy(session, role, name) != before:
                raise changed_meanwhile(what)
            await aws.put_inline_policy(session, role, name, document.body)

        return Change(what, before, document.body, write)

    async def session(self, arn: str, region: str = "") -> AwsSession:
        """Return a session in the account of an ARN. Raises ProviderError."""
        account = arn.split(":")[4]
        scope = Scope(cloud="aws", account=account, region=region or self._settings.region)
        return await self._provider.session(Caller(scope, None, "grants", ""), None)

    @property
    def _reader(self) -> str:
        return "" if self._about.principal == BRIDGE else self._about.principal

    def _holder(self, need: Need) -> str:
        return {Who.EXPERIMENT: self._about.identity, Who.READER: self._reader}.get(
            need.who, need.holder
        )

    def _owner(self, document: Document) -> str:
        """Return the ARN of the role whose document it is; empty where it is not known."""
        return {Who.EXPERIMENT: self._about.identity, Who.READER: self._reader}.get(
            document.who, document.holder
        )


def _rights(needs: Sequence[Need]) -> list[aws.Right]:
    return [
        aws.Right(one.permission, one.resources, one.conditions)
        for one in needs
        if one.place.cloud == "aws"
    ]
