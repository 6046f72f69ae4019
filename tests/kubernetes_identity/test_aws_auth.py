"""Mapping of IAM principals by the aws-auth ConfigMap."""

from __future__ import annotations

import pytest

from bridge.sandbox.kubernetes.aws_auth import CONFIG_MAP, Caller, map_caller
from bridge.sandbox.kubernetes.identity import Identity
from bridge.sandbox.kubernetes.objects import ObjectStore

ACCOUNT = "123456789012"


def role_session(role: str, session: str) -> Caller:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
    return Caller(arn, ACCOUNT, f"AROAEXAMPLE:{session}", "ASIAEXAMPLE")


def mapped(caller: Caller, *, roles: str = "", users: str = "") -> Identity | None:
    store = ObjectStore()
    store.create(CONFIG_MAP, {"data": {"mapRoles": roles, "mapUsers": users}})
    return map_caller(store, caller, {"i-0abc": "ip-10-0-0-7.ec2.internal"}.get)


def entry(arn: str, username: str = "user", *groups: str, key: str = "rolearn") -> str:
    return f"- {key}: {arn}\n  username: {username}\n  groups: {list(groups)}\n"


def test_assumed_role_is_its_role() -> None:
    identity = mapped(
        role_session("fis", "EXP1"),
        roles=entry(f"arn:aws:iam::{ACCOUNT}:role/fis", "fis", "chaos", "readers"),
    )
    assert identity == Identity(
        "fis",
        uid=f"aws-iam-authenticator:{ACCOUNT}:AROAEXAMPLE",
        groups=("chaos", "readers", "system:authenticated"),
        extra={
            "accessKeyId": ("ASIAEXAMPLE",),
            "arn": (f"arn:aws:sts::{ACCOUNT}:assumed-role/fis/EXP1",),
            "canonicalArn": (f"arn:aws:iam::{ACCOUNT}:role/fis",),
            "principalId": ("AROAEXAMPLE",),
            "sessionName": ("EXP1",),
        },
    )


@pytest.mark.parametrize(
    ("arn", "found"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/fis", True),
        (f"arn:aws:iam::{ACCOUNT}:role/FIS", True),
        (f"arn:aws:iam::{ACCOUNT}:role/team/fis", False),
        (f"arn:aws:iam::{ACCOUNT}:role/fis2", False),
        ("arn:aws:iam::999999999999:role/fis", False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/fis/EXP1", False),
    ],
)
def test_which_arn_matches(arn: str, *, found: bool) -> None:
    identity = mapped(role_session("fis", "EXP1"), roles=entry(arn))
    assert (identity is not None) is found


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("fis-{{SessionName}}", "fis-ann-example.com"),
        ("{{SessionNameRaw}}", "ann@example.com"),
        ("{{AccountID}}:x", f"{ACCOUNT}:x"),
        ("{{ AccessKeyID }}", "ASIAEXAMPLE"),
    ],
)
def test_templates(template: str, name: str) -> None:
    identity = mapped(
        role_session("fis", "ann@example.com"),
        roles=entry(f"arn:aws:iam::{ACCOUNT}:role/fis", f'"{template}"', template),
    )
    assert identity is not None
    assert identity.username == name
    assert identity.groups == (name, "system:authenticated")


@pytest.mark.parametrize(
    ("session", "name"),
    [("i-0abc", "system:node:ip-10-0-0-7.ec2.internal"), ("i-0dead", None), ("EXP1", None)],
)
def test_node_names_come_from_their_instances(session: str, name: str | None) -> None:
    template = '"system:node:{{EC2PrivateDNSName}}"'
    identity = mapped(
        role_session("node", session),
        roles=entry(f"arn:aws:iam::{ACCOUNT}:role/node", template),
    )
    assert (identity.username if identity else None) == name


def test_unknown_template_refuses() -> None:
    roles = entry(f"arn:aws:iam::{ACCOUNT}:role/fis", '"{{Nonsense}}"')
    assert mapped(role_session("fis", "x"), roles=roles) is None


def test_users() -> None:
    caller = Caller(f"arn:aws:iam::{ACCOUNT}:user/ann", ACCOUNT, "AIDAX", "AKIAX")
    users = entry(caller.arn, "ann", "system:masters", key="userarn")
    identity = mapped(caller, users=users)
    assert identity is not None
    assert identity.groups == ("system:masters", "system:authenticated")
    assert mapped(caller, roles=users) is None


@pytest.mark.parametrize("text", ["- rolearn: [", "just text", "{a: b}", "- 1\n- null", ""])
def test_a_broken_section_maps_nobody(text: str) -> None:
    assert mapped(role_session("fis", "x"), roles=text) is None


def test_without_the_config_map_nobody_is_mapped() -> None:
    assert map_caller(ObjectStore(), role_session("fis", "x")) is None
