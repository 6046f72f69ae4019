"""Trust policies: whom they admit, who else is in them, and one more that is let in."""

from __future__ import annotations

from typing import Any

import pytest

from iam.trust import ASSUMING, admitted_besides, merged, not_admitted

BRIDGE = "arn:aws:iam::111111111111:role/bridge"
SETTING = "sts:SetSourceIdentity"


def trust(**members: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": BRIDGE},
        "Action": ASSUMING,
        **members,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": BRIDGE},
        {"AWS": ["arn:aws:iam::222222222222:role/x", BRIDGE]},
        {"AWS": "111111111111"},
        {"AWS": "arn:aws:iam::111111111111:root"},
        "*",
    ],
)
def test_a_principal_is_named_by_itself_or_its_account(principal: Any) -> None:
    assert not_admitted(trust(Principal=principal), BRIDGE, [ASSUMING]) == ""


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"Principal": {"Service": "fis.amazonaws.com"}}, "does not name"),
        ({"Principal": {"AWS": "222222222222"}}, "does not name"),
        ({"Effect": "Deny"}, "does not allow sts:AssumeRole"),
        ({"Condition": {"StringEquals": {"sts:ExternalId": "other"}}}, "sts:ExternalId"),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}, "aws:SourceAccount"),
        ({"Action": "sts:TagSession"}, "does not allow sts:AssumeRole"),
    ],
)
def test_who_is_not_admitted_is_told_why(members: dict[str, Any], why: str) -> None:
    assert why in not_admitted(trust(**members), BRIDGE, [ASSUMING], "agreed")


def test_the_agreed_external_id_and_the_source_identity_count() -> None:
    agreed = trust(Condition={"StringEquals": {"sts:ExternalId": "agreed"}})
    assert not_admitted(agreed, BRIDGE, [ASSUMING], "agreed") == ""
    assert SETTING in not_admitted(agreed, BRIDGE, [ASSUMING, SETTING], "agreed")
    both = trust(Action=[ASSUMING, SETTING])
    assert not_admitted(both, BRIDGE, [ASSUMING, SETTING]) == ""


def test_a_deny_that_excepts_others_is_about_everybody() -> None:
    document = trust()
    deny = {"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::1:role/x"}, "Action": "sts:*"}
    document["Statement"].append(deny)
    assert not_admitted(document, BRIDGE, [ASSUMING])


def test_who_else_is_admitted_is_told_and_stays() -> None:
    before = trust(Principal={"AWS": [BRIDGE, "222222222222"], "Service": "fis.amazonaws.com"})
    told = "\n".join(admitted_besides(before, BRIDGE))
    assert "AWS 222222222222" in told
    assert "Service fis.amazonaws.com" in told
    assert BRIDGE not in told
    wanted = trust(Sid="Faultbridge")
    after = merged(before, wanted)
    assert after["Statement"] == [*before["Statement"], *wanted["Statement"]]
    assert merged(after, wanted) == after
    assert merged(None, wanted) == wanted
