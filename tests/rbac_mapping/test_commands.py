"""`faultbridge rbac` over HTTPS against the cluster emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bridge.model.scope import Scope
from bridge.settings import Settings
from providers.contract import Caller
from providers.kubernetes.provider import KubernetesProvider
from rbac.aws_auth import PATH
from rbac.aws_auth_text import Wanted
from rbac.aws_auth_writing import ChangedMeanwhileError, plan, write
from tests.rbac_mapping.conftest import CONTEXT, Command

ROLE = "arn:aws:iam::123456789012:role/shop-chaos"
MERGE = {"content-type": "application/merge-patch+json"}


async def text_of(admin: httpx.AsyncClient, section: str = "mapRoles") -> str:
    found = (await admin.get(PATH)).json()["data"]
    return str(found.get(section, ""))


async def test_show_says_who_can_inject_what_where(command: Command) -> None:
    code, output, errors = await command("rbac", "show", CONTEXT)
    assert (code, errors) == (0, "")
    (principal, rights, *_) = output.splitlines()[1:]
    assert principal.endswith(
        "= user chaosmesh-manager, groups chaosmesh:manager (aws-auth mapRoles[1])"
    )
    assert rights.startswith("  in all namespaces: ")
    assert "create" in rights


async def test_show_as_json(command: Command) -> None:
    code, output, _ = await command("rbac", "show", CONTEXT, "--json")
    found = json.loads(output)
    assert (code, found["complete"], found["cluster"]) == (0, True, f"k8s:context/{CONTEXT}")
    mapped = next(line for line in found["lines"] if line["who"].endswith("my-fis-role"))
    assert mapped["injects"]
    assert mapped["grants"][0]["clusterWide"]


async def test_show_says_what_cannot_be_read(command: Command, as_somebody: str) -> None:
    code, _, errors = await command("rbac", "show", CONTEXT)
    assert code == 7
    for what in ("roles", "clusterroles", "rolebindings", "clusterrolebindings", "aws-auth"):
        assert what in errors
    assert "name some by --namespace" in errors


async def test_map_shows_the_difference_first(command: Command, admin: httpx.AsyncClient) -> None:
    before = await text_of(admin)
    asked = ("rbac", "map", ROLE, "--user", "shop-chaos", "--group", "chaos", "--aws-auth")
    code, output, errors = await command(*asked, "--cluster", CONTEXT)
    assert code == 0
    assert f"+- rolearn: {ROLE}" in output
    assert not any(line.startswith("-") for line in output.splitlines()[2:])
    assert "nothing was written; --apply writes it" in errors
    assert await text_of(admin) == before

    code, _, errors = await command(*asked, "--cluster", CONTEXT, "--apply", "--yes")
    assert (code, errors) == (0, "faultbridge: written\n")
    after = await text_of(admin)
    assert after.startswith(before)
    assert yaml.safe_load(after)[-1] == {
        "rolearn": ROLE,
        "username": "shop-chaos",
        "groups": ["chaos"],
    }
    code, _, errors = await command(*asked, "--cluster", CONTEXT, "--apply", "--yes")
    assert (code, errors) == (0, "faultbridge: it is mapped so already\n")
    assert await text_of(admin) == after


async def test_the_section_is_made_where_there_is_no_config_map(
    command: Command, admin: httpx.AsyncClient
) -> None:
    assert (await admin.delete(PATH)).is_success
    user = "arn:aws:iam::123456789012:user/alice"
    asked = ("rbac", "map", user, "--user", "alice", "--aws-auth", "--cluster", CONTEXT)
    code, _, _ = await command(*asked, "--apply", "--yes")
    assert code == 0
    assert yaml.safe_load(await text_of(admin, "mapUsers")) == [
        {"userarn": user, "username": "alice"}
    ]


async def test_a_change_of_somebody_else_is_not_written_over(
    kubeconfig: Path, admin: httpx.AsyncClient
) -> None:
    provider = KubernetesProvider(Settings(installation="here", kubeconfig=kubeconfig))
    scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
    session = await provider.session(Caller(scope, None, "rbac", "here"), None)
    cluster = await session.cluster(f"k8s:context/{CONTEXT}")
    change = await plan(cluster, Wanted(ROLE, "u"))
    theirs = {"data": {"mapUsers": "[]"}}
    assert (await admin.patch(PATH, json=theirs, headers=MERGE)).is_success
    before = await text_of(admin)
    with pytest.raises(ChangedMeanwhileError, match="nothing was written"):
        await write(cluster, change)
    assert await text_of(admin) == before
    await provider.close()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--user", "system:masters"), "is refused"),
        (("--user", "u", "--group", "SYSTEM:masters"), "is refused"),
        (("--user", "{{SessionName}}"), "begins with a placeholder"),
        (("--user", "u", "--apply"), "--apply needs --cluster"),
        (("--group", "system:nodes"), "is refused"),
    ],
)
async def test_what_is_never_mapped(command: Command, asked: Any, said: str) -> None:
    code, _, errors = await command("rbac", "map", ROLE, *asked)
    assert code == 2
    assert said in errors


async def test_what_is_printed_without_a_cluster(command: Command) -> None:
    role = "arn:aws:iam::123456789012:role/team/fis"
    code, output, errors = await command("rbac", "map", role, "--user", "fis", "--group", "g")
    assert code == 0
    assert f"--principal-arn {role} --username fis --kubernetes-groups g" in output
    assert "- rolearn: arn:aws:iam::123456789012:role/fis\n" in output
    assert "without their path" in errors


async def test_the_subjects_of_other_clouds(command: Command) -> None:
    account = "sa@p.iam.gserviceaccount.com"
    code, output, _ = await command("rbac", "subjects", "gke", account)
    assert code == 0
    assert yaml.safe_load(output)["subjects"][0]["name"] == account
    code, _, errors = await command("rbac", "subjects", "aks", "team", "--group")
    assert code == 2
    assert "by id, not by name" in errors
