"""What is granted today: compared, and put in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bridge.catalog.grants import About, chosen
from bridge.catalog.needs import Need
from bridge.cli.app import app
from bridge.cli.connection import load_settings
from bridge.cli.exits import CommandError
from bridge.cli.granting import Grantor
from bridge.cli.grants import worked_out
from bridge.sandbox.world import World
from providers.contract import ProviderError

BRIDGE = "arn:aws:iam::123456789012:role/bridge"
AUTH = ("", "configmaps", "kube-system", "aws-auth")
FIS_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "fis.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
}
CARTS = Path(__file__).parents[2] / "examples/fis/carts-latency.json"


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World(transition_seconds=0.1) as found:
        for name, value in found.environment().items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(found.kubeconfig()), encoding="utf-8")
        monkeypatch.setenv("FAULTBRIDGE_KUBECONFIG", str(path))
        yield found


def _grantor(world: World, needs: tuple[Need, ...], about: About) -> Grantor:
    return Grantor(load_settings(), needs, about, world.kubeconfig()["current-context"])


def _carts() -> tuple[tuple[Need, ...], About]:
    return worked_out(json.loads(CARTS.read_text("utf-8")), str(CARTS))


def _unmap(world: World) -> None:
    """Take the role out of the cluster's aws-auth."""
    found = world.cluster.store.get(AUTH)
    assert found is not None
    found["data"]["mapRoles"] = yaml.safe_dump(yaml.safe_load(found["data"]["mapRoles"])[:1])
    world.cluster.store.update(AUTH, found)


def _inline(world: World, role: str) -> list[str]:
    with closing(world.client("iam")) as client:
        return list(client.list_role_policies(RoleName=role)["PolicyNames"])


async def test_what_is_missing_and_what_is_too_much_is_told(world: World) -> None:
    needs, about = _carts()
    async with _grantor(world, needs, about) as grantor:
        found = await grantor.check(chosen(needs), None)
    # The walk-through's policies grant all but KMS, on all instances, and much besides.
    assert [one for one in found.missing if "kms:CreateGrant" not in one] == []
    assert len(found.missing) == 1
    excess = "\n".join(found.excess)
    assert "ec2:TerminateInstances is not needed" in excess
    assert "ec2:StopInstances on arn:aws:ec2:*:*:instance/* is wider" in excess
    assert "clusterrolebinding chaosmesh-manager-binding: create *.chaos-mesh.org" in excess
    assert any("FAULTBRIDGE_PRINCIPAL" in one for one in found.unread)
    await _another_user(world, needs, about)


async def _another_user(world: World, needs: tuple[Need, ...], about: About) -> None:
    """The role is a user of the cluster already: it stays that one, or is refused."""
    async with _grantor(world, needs, replace(about, username="least")) as grantor:
        found = await grantor.check(chosen(needs), "kubernetes")
        assert "the user chaosmesh-manager, not least" in "\n".join(found.missing)
        with pytest.raises(ProviderError, match="chaosmesh-manager already; leave out --user"):
            await grantor.changes(chosen(needs), "kubernetes")
    async with _grantor(world, needs, about) as grantor:
        changes, _ = await grantor.changes(chosen(needs), "kubernetes")
    bindings = [one.after for one in changes if "Binding" in one.what]
    assert bindings
    assert {one["subjects"][0]["name"] for one in bindings} == {"chaosmesh-manager"}


def _changed_by_others(world: World) -> None:
    """Change the trust policy, an inline policy and aws-auth, without an effect on rights."""
    with closing(world.client("iam")) as client:
        named = {"RoleName": "my-fis-role", "PolicyName": "faultbridge-carts-latency"}
        client.put_role_policy(**named, PolicyDocument=json.dumps(NOTHING))
        trust = json.dumps({**FIS_ONLY, "Id": "theirs"})
        client.update_assume_role_policy(RoleName="my-fis-role", PolicyDocument=trust)
    found = world.cluster.store.get(AUTH)
    assert found is not None
    world.cluster.store.update(
        AUTH, {**found, "metadata": {**found["metadata"], "labels": {"by": "them"}}}
    )


async def test_applied_it_is_exactly_what_is_needed(world: World) -> None:
    needs, about = _carts()
    about = replace(about, username="least", principal=BRIDGE)
    granted = chosen(needs)
    _unmap(world)

    def bare() -> None:
        with closing(world.client("iam")) as client:
            for name in _inline(world, about.role):
                client.delete_role_policy(RoleName=about.role, PolicyName=name)
            trust = json.dumps(FIS_ONLY)
            client.update_assume_role_policy(RoleName=about.role, PolicyDocument=trust)
            client.create_role(RoleName="bridge", AssumeRolePolicyDocument=trust)

    await asyncio.to_thread(bare)
    async with _grantor(world, needs, about) as grantor:
        stale, _ = await grantor.changes(granted, None)
        await asyncio.to_thread(_changed_by_others, world)
        for change in stale:
            if "my-fis-role" in change.what or "aws-auth" in change.what:
                with pytest.raises(ProviderError, match="run the command again"):
                    await change.write()
        before = await grantor.check(granted, None)
        # Each right, whom the role trusts, and who it is in the cluster.
        assert len(before.missing) == len(granted) + 2
        changes, left = await grantor.changes(granted, None)
        assert left == []
        shown = "\n".join(line for change in changes for line in change.diff())
        assert '+        "ec2:StopInstances"' in shown
        assert "+  namespace: sock-shop" in shown
        assert "+  username: least" in shown
        assert f'+        "AWS": "{BRIDGE}"' in shown
        for change in changes:
            await change.write()
        assert _inline(world, about.role) == ["faultbridge-carts-latency"]
        after = await grantor.check(granted, None)
        # What was trusted before stays so, and is told.
        assert after.missing == after.unread == []
        (excess,) = after.excess
        assert "trust policy, Statement[0]: Service fis.amazonaws.com may assume it too" in excess
        assert await grantor.changes(granted, None) == ([], [])


async def test_a_missing_condition_is_told_and_a_role_that_is_not_there(world: World) -> None:
    needs, about = _carts()
    wide = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "ec2:StopInstances",
                "Resource": "arn:aws:ec2:us-east-1:123456789012:instance/*",
            },
            {"Effect": "Allow", "Action": "ec2:St*", "Resource": "*"},
        ],
    }

    def put() -> None:
        with closing(world.client("iam")) as client:
            for name in _inline(world, about.role):
                client.delete_role_policy(RoleName=about.role, PolicyName=name)
            client.put_role_policy(
                RoleName=about.role, PolicyName="wide", PolicyDocument=json.dumps(wide)
            )

    await asyncio.to_thread(put)
    async with _grantor(world, needs, about) as grantor:
        found = await grantor.check(chosen(needs), "aws")
    excess: Any = "\n".join(found.excess)
    assert "could be narrowed by a condition on aws:ResourceTag/chaos" in excess
    assert "ec2:St* is wider than ec2:StartInstances, ec2:StopInstances" in excess
    missing = "\n".join(found.missing)
    assert "ec2:DescribeInstances" in missing
    assert "ec2:StopInstances" not in missing
    nobody = replace(about, identity="arn:aws:iam::123456789012:role/nobody")
    async with _grantor(world, needs, nobody) as grantor:
        unread = (await grantor.check(chosen(needs), "aws")).unread
    assert any(one.startswith("role nobody: ") for one in unread)


async def test_the_command_writes_after_the_difference_and_says_what_it_leaves(
    world: World,
) -> None:
    name = "faultbridge-carts-latency"

    def run(*more: str) -> Any:
        context = world.kubeconfig()["current-context"]
        asked = ["grants", str(CARTS), "--context", context, "--required-only", *more]
        return CliRunner().invoke(app, asked)

    refused = await asyncio.to_thread(run, "--apply")
    assert isinstance(refused.exception, CommandError)
    assert f"+++ inline policy {name} of role my-fis-role" in refused.output
    assert _inline(world, "my-fis-role").count(name) == 0
    done = await asyncio.to_thread(run, "--apply", "--yes")
    assert done.exit_code == 0, done.output
    assert f"written: inline policy {name} of role my-fis-role" in done.output
    assert "not applied here: Trust policy of role my-fis-role" in done.output
    assert "(the bridge's own role is not known; give --principal" in done.output
    assert _inline(world, "my-fis-role").count(name) == 1
    checked = await asyncio.to_thread(run, "--check", "--for", "kubernetes")
    assert checked.exit_code == 1  # the walk-through's role may do more
    assert "missing:" not in checked.output
