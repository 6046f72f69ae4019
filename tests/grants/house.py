"""A sandbox in which nobody may do anything but what was granted, and a bridge with a role."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.catalog.grants import About, cluster, iam, understood
from bridge.catalog.needs import BECOMING, Need, Who
from bridge.cli.connection import load_settings
from bridge.cli.listening import bridge_on
from bridge.cli.resources import ResourceFile
from bridge.client import AsyncClient, StartRequest
from bridge.client.documents import ExperimentDetail
from bridge.client.grants import GrantsRequest
from bridge.client.preflight import PreflightRequest
from bridge.model.action_template import Reference
from bridge.sandbox.world import World
from bridge.settings import Settings
from iam.acting import Acting

BRIDGE = "faultbridge-bridge"
USER = "least"
_PAUSE = 0.1
_LOOKS = 300


@dataclass
class House:
    """The world, the bridge, and what is granted."""

    world: World
    settings: Settings
    url: str
    _manifests: list[dict[str, Any]] = field(default_factory=list)
    _stored: list[dict[str, Any]] = field(default_factory=list)
    _fresh: int = 0

    async def needs(self, document: Mapping[str, Any]) -> tuple[tuple[Need, ...], About]:
        """Return what a document needs, as the bridge says."""
        asked = GrantsRequest(template=dict(document), include_optional=True)
        async with AsyncClient(self.url) as client:
            found = await client.grants(asked)
        needs = tuple(understood(one.wire()) for one in (*found.grants, *found.not_granted))
        told = About(
            found.name,
            found.identity,
            principal=self.settings.principal,
            username=USER,
            acting=Acting(
                found.others,
                found.through,
                found.external_ids,
                found.source_identity,
                found.clusters,
            ),
        )
        return needs, told

    async def store(self, template: dict[str, Any]) -> str:
        """Store an action template; return the id of the action."""
        async with AsyncClient(self.url) as client:
            await client.create_action_template(template)
        self._stored.append(template)
        return Reference(template["name"]).alias

    async def grant(self, needs: Sequence[Need], told: About) -> None:
        """Let everybody have these rights, and no others."""
        await asyncio.to_thread(self._grant_clouds, needs, told)
        kubernetes = [one for one in needs if one.place.cloud == "kubernetes"]
        self._grant_cluster(cluster.manifests(kubernetes, told))

    def _grant_clouds(self, needs: Sequence[Need], told: About) -> None:
        with closing(self.world.client("iam")) as client:
            self._grant_roles(client, needs, told)
        becoming = [one for one in needs if one.place.cloud == "gcp" and one.permission in BECOMING]
        account = self.world.gcp_estate.service_account
        for step in (*told.acting.through.get("gcp", ()), account):
            users = [one for one in becoming if step in one.resources]
            mine = [one for one in needs if one.who is Who.EXPERIMENT and step == account]
            self.world.gcp.create_service_account(
                step,
                permissions=[one.permission for one in mine if one.place.cloud == "gcp"],
                usable_by_owner=any(one.who is Who.READER for one in users),
                usable_by=[one.holder for one in users if one.holder],
            )
        self.world.azure.create_identity(
            self.world.azure_estate.client_id,
            actions=[
                one.permission
                for one in needs
                if one.place.cloud == "azure" and one.who is Who.EXPERIMENT
            ],
        )

    def _grant_roles(self, client: Any, needs: Sequence[Need], told: About) -> None:
        between = told.acting.through.get("aws", ())
        holders = [(Who.EXPERIMENT, "", told.role), (Who.READER, "", BRIDGE)]
        holders += [(Who.BETWEEN, role, iam.name_of(role)) for role in between]
        there = {one["RoleName"] for one in client.list_roles()["Roles"]}
        for role, trusted in iam.pairwise_trust(told):
            trust = json.dumps(iam.trust_policy(told, role, trusted))
            name = iam.name_of(role)
            if name in there:
                client.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
            else:
                client.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        for who, holder, role in holders:
            for name in client.list_role_policies(RoleName=role)["PolicyNames"]:
                client.delete_role_policy(RoleName=role, PolicyName=name)
            mine = [
                one
                for one in needs
                if (one.who, one.holder, one.place.cloud) == (who, holder, "aws")
            ]
            for number, (policy, _) in enumerate(iam.policies(mine)):
                client.put_role_policy(
                    RoleName=role, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy)
                )

    def _grant_cluster(self, manifests: list[dict[str, Any]]) -> None:
        store, emulator = self.world.cluster.store, self.world.cluster.emulator
        for one in self._manifests:
            meta = one["metadata"]
            kind = one["kind"].lower() + "s"
            key = ("rbac.authorization.k8s.io", kind, meta.get("namespace", ""), meta["name"])
            store.delete(key)
        emulator.install(*manifests)
        self._manifests = manifests

    async def verdict(self, document: Mapping[str, Any], right: str) -> str:
        """Return what a preflight says of a right: the worst that it says."""
        async with AsyncClient(self.url) as client:
            found = await client.preflight(PreflightRequest(template=dict(document)))
        said = {one.verdict for one in found.findings if one.what == right}
        return next((one for one in ("missing", "cannot-check", "ok") if one in said), "nothing")

    async def run_afresh(self, document: Mapping[str, Any]) -> ExperimentDetail:
        """Run a document in a bridge that has just started: one remembers where clusters are."""
        self._fresh += 1
        data = self.settings.data / f"fresh-{self._fresh}"
        fresh = self.settings.model_copy(update={"data": data})
        async with bridge_on(fresh, "127.0.0.1", 0) as url:
            async with AsyncClient(url) as client:
                for template in self._stored:
                    await client.create_action_template(template)
            return await self.run(document, url)

    async def run(self, document: Mapping[str, Any], url: str = "") -> ExperimentDetail:
        """Run a document to its end."""
        async with AsyncClient(url or self.url) as client:
            started = await client.start(StartRequest(template=dict(document)))
            looks = 0
            while True:
                found = await client.experiment(started.id)
                looks += 1
                if found.status.ended or looks == _LOOKS:
                    return found
                await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **variables: str
) -> AsyncIterator[House]:
    """Open a sandbox, and a bridge that acts as a role of its own, with further settings."""
    async with World(transition_seconds=0.1) as world:
        environment = world.environment()
        role = await asyncio.to_thread(_bridge_role, world)
        environment |= role | variables
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        _map_role(world)
        quick = {"poll_shortest": timedelta(seconds=0.05), "retry_first": timedelta(seconds=0.05)}
        settings = load_settings(tmp_path).model_copy(update=quick)
        async with bridge_on(settings, "127.0.0.1", 0) as url:
            yield House(world, settings, url)


def _bridge_role(world: World) -> dict[str, str]:
    """Make the bridge's own role and become it; the sandbox's own user may do everything."""
    caller = {"AWS": world.aws.caller_arn}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": caller, "Action": "sts:AssumeRole"}],
    }
    with closing(world.client("iam")) as iam_client, closing(world.client("sts")) as sts:
        made = iam_client.create_role(RoleName=BRIDGE, AssumeRolePolicyDocument=json.dumps(trust))
        arn = made["Role"]["Arn"]
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="bridge")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "FAULTBRIDGE_PRINCIPAL": arn,
    }


def _map_role(world: World) -> None:
    """Make the experiment's role a user without groups, and so without rights."""
    store = world.cluster.store
    key = ("", "configmaps", "kube-system", "aws-auth")
    found = store.get(key)
    assert found is not None
    entries = [{"rolearn": world.estate.role_arn, "username": USER, "groups": []}]
    found["data"]["mapRoles"] = yaml.safe_dump(entries)
    store.update(key, found)


def from_manifest(manifest: dict[str, Any], role: str) -> dict[str, Any]:
    """Return the template that a custom resource becomes."""
    read = ResourceFile(manifest, role=role, cluster=None)
    template: dict[str, Any] = read.template
    return template
