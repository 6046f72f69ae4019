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

from bridge.catalog.grants import About, chosen
from bridge.catalog.needs import Need, Who
from bridge.cli.connection import load_settings
from bridge.cli.granting import Grantor
from bridge.cli.grants import worked_out
from bridge.sandbox.world import World

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


async def test_applied_it_is_exactly_what_is_needed(world: World) -> None:
    needs, about = _carts()
    about = replace(about, username="least")
    granted = chosen(needs)
    with closing(world.client("iam")) as client:
        for name in _inline(world, about.role):
            client.delete_role_policy(RoleName=about.role, PolicyName=name)
    mine = [one for one in needs if one.who is Who.EXPERIMENT]
    async with _grantor(world, tuple(mine), about) as grantor:
        mine = [one for one in granted if one.who is Who.EXPERIMENT]
        before = await grantor.check(mine, None)
        assert len(before.missing) == len(mine)
        changes = await grantor.changes(mine, None)
        shown = "\n".join(line for change in changes for line in change.diff())
        assert '+        "ec2:StopInstances"' in shown
        assert "+  namespace: sock-shop" in shown
        assert _inline(world, about.role) == []
        for change in changes:
            await grantor.apply(change)
        assert _inline(world, about.role) == ["faultbridge-carts-latency"]
        after = await grantor.check(mine, None)
        assert after.lines() == ["granted: exactly what is needed"]
        assert await grantor.changes(mine, None) == []


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
