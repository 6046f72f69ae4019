"""Policies: listed, shown, stored, deleted, attached, simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from fastapi import APIRouter
from starlette.requests import Request

from bridge.api.authorization import Access, Ask, Asking, resources
from bridge.api.authorization.attached import effective
from bridge.api.authorization.context import common_context
from bridge.api.authorization.templates import digest
from bridge.api.bridge import Bridge
from bridge.api.native.bodies import described, read_document
from bridge.api.native.policy_documents import (
    Origin,
    changed_attachment,
    new_policy,
    render_policy,
    summaries,
)
from bridge.api.native.problems import conflict, invalid, not_found
from bridge.api.native.simulating import check, named_principal, other_names, simulate
from bridge.client.policies import (
    AttachmentRequest,
    PolicyDetail,
    PolicyPage,
    PolicyRequest,
    Simulation,
    SimulationRequest,
)
from bridge.dialects.fis import names
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.wording import quote
from bridge.store import TooManyError
from iam.policy import DIGEST, MANAGED, StoredPolicy
from iam.policy.naming import name_problem


class Policies:
    """The operations on the policies of one bridge."""

    def __init__(self, bridge: Bridge) -> None:
        """Work on a bridge."""
        self._bridge = bridge

    def add_to(self, routes: APIRouter) -> None:
        """Add the routes."""
        one = "/v1/policies/{name}"
        routes.add_api_route("/v1/policies", self.listed, methods=["GET"])
        routes.add_api_route(one, self.show, methods=["GET"])
        routes.add_api_route(one, self.put, methods=["PUT"], openapi_extra=described(PolicyRequest))
        routes.add_api_route(one, self.delete, methods=["DELETE"])
        body = described(AttachmentRequest)
        routes.add_api_route(f"{one}/attach", self.attach, methods=["POST"], openapi_extra=body)
        routes.add_api_route(f"{one}/detach", self.detach, methods=["POST"], openapi_extra=body)
        body = described(SimulationRequest)
        routes.add_api_route(
            "/v1/policy-simulation", self.simulation, methods=["POST"], openapi_extra=body
        )

    async def listed(self, access: Asking) -> PolicyPage:
        """List every policy, built-in ones and those of the policy file too."""
        await access.require(Ask("faultbridge:ListPolicies"))
        return PolicyPage(policies=summaries(self._bridge.policies, await self._stored()))

    async def show(self, name: str, access: Asking) -> PolicyDetail:
        """Show a policy and whom it is attached to."""
        wanted = await self._allowed(access, "GetPolicy", name)
        return self._shown(wanted, (await self._stored()).get(wanted))

    async def put(self, name: str, request: Request, access: Asking) -> PolicyDetail:
        """Store a policy under a name, in place of what was there; its attachments stay."""
        wanted = await self._allowed(access, "PutPolicy", name)
        asked = await read_document(request, PolicyRequest)
        self._refuse_fixed(wanted)
        now = self._bridge.store.now()
        try:
            policy, warnings = new_policy(wanted, asked, now)
        except InvalidDocumentError as error:
            raise invalid(error.problems) from None

        def change(before: StoredPolicy | None) -> StoredPolicy:
            if before is None:
                return policy
            created = before.created_at
            return replace(policy, attachment=before.attachment, created_at=created)

        stored = await self._change(wanted, change)
        return render_policy(wanted, self._bridge.policies, stored, warnings)

    async def delete(self, name: str, access: Asking) -> PolicyDetail:
        """Delete a policy and its attachments; return it as it was."""
        wanted = await self._allowed(access, "DeletePolicy", name)
        self._refuse_fixed(wanted)
        gone: list[StoredPolicy] = []

        def change(before: StoredPolicy | None) -> None:
            gone.extend([before] if before else [])

        await self._change(wanted, change)
        if not gone:
            raise self._absent(wanted)
        return render_policy(wanted, self._bridge.policies, gone[0])

    async def attach(self, name: str, request: Request, access: Asking) -> PolicyDetail:
        """Attach a policy to principals, by patterns of their names, and to groups."""
        return await self._attachment(name, request, access, "AttachPolicy")

    async def detach(self, name: str, request: Request, access: Asking) -> PolicyDetail:
        """Detach a policy from principals and groups; what it was not attached to is no error."""
        return await self._attachment(name, request, access, "DetachPolicy")

    async def _attachment(
        self, name: str, request: Request, access: Access, action: str
    ) -> PolicyDetail:
        wanted = await self._allowed(access, action, name)
        asked = await read_document(request, AttachmentRequest)
        if wanted in self._bridge.policies and wanted not in MANAGED:
            self._refuse_fixed(wanted)
        now, attaches = self._bridge.store.now(), action == "AttachPolicy"
        try:
            stored = await self._change(
                wanted, changed_attachment(wanted, asked, attaches=attaches, now=now)
            )
        except LookupError:
            raise self._absent(wanted) from None
        except InvalidDocumentError as error:
            raise invalid(error.problems) from None
        return self._shown(wanted, stored)

    async def simulation(self, request: Request, access: Asking) -> Simulation:
        """Say what would be decided about a principal's request, and why; nothing is done."""
        await access.require(Ask("faultbridge:SimulatePolicy"))
        asked = await read_document(request, SimulationRequest)
        try:
            check(asked)
        except InvalidDocumentError as error:
            raise invalid(error.problems) from None
        bridge = self._bridge
        principal = named_principal(asked.principal, asked.groups)
        common = common_context(principal, bridge.scope, bridge.store.now(), "")
        known = (await self._known_of(asked)).request(common)
        stored = await bridge.store.policies(bridge.scope)
        return simulate(effective(bridge.policies, stored), asked, known.context, also=known.also)

    async def _known_of(self, asked: SimulationRequest) -> Ask:
        """Return what is asked, with what is known of a stored template or run."""
        scope, store = self._bridge.scope, self._bridge.store
        name = names.parse_arn(scope, asked.resource)
        ask = Ask(asked.action, asked.resource, other_names(scope, asked.resource))
        if name is not None and name.id.isalnum() and name.kind == names.TEMPLATE:
            template = await store.template(scope, name.id)
            if template is not None:
                found = {DIGEST.lower(): (digest(template),)}
                return replace(ask, tags=template.tags, context=found)
        elif name is not None and name.id.isalnum() and name.kind == names.EXPERIMENT:
            run = await store.experiment(scope, name.id)
            if run is not None:
                return replace(ask, tags=run.tags)
        return ask

    async def _stored(self) -> dict[str, StoredPolicy]:
        found = await self._bridge.store.policies(self._bridge.scope)
        return {one.name: one for one in found}

    async def _change(
        self, name: str, change: Callable[[StoredPolicy | None], StoredPolicy | None]
    ) -> StoredPolicy | None:
        try:
            return await self._bridge.store.change_policy(self._bridge.scope, name, change)
        except TooManyError as error:
            raise conflict(str(error)) from None

    async def _allowed(self, access: Access, action: str, segment: str) -> str:
        name = unquote(segment)
        arn = resources.ours(self._bridge.scope, resources.POLICY, name)
        await access.require(Ask(f"faultbridge:{action}", arn))
        if complaint := name_problem(name):
            raise invalid([Problem("name", complaint)])
        return name

    def _shown(self, name: str, stored: StoredPolicy | None) -> PolicyDetail:
        if stored is None and name not in MANAGED and name not in self._bridge.policies:
            raise self._absent(name)
        return render_policy(name, self._bridge.policies, stored)

    def _refuse_fixed(self, name: str) -> None:
        if name in MANAGED:
            raise conflict(f"{name} is built in, and nobody can change it; choose another name")
        if name in self._bridge.policies:
            raise conflict(
                f"{name} is in the policy file of the bridge ({Origin.FILE}: "
                "FAULTBRIDGE_POLICIES); change it there, and start the bridge again"
            )

    def _absent(self, name: str) -> Exception:
        return not_found(
            f"there is no policy {quote(name)}; `faultbridge policy list` lists those that there "
            "are"
        )
