"""Whom an attachment is for: groups to the letter, principals by pattern."""

from __future__ import annotations

import pytest

from iam.policy import Attachment
from iam.principal import oidc_subject


@pytest.mark.parametrize(
    ("group", "meets"),
    [
        ("sre", True),
        ("sre-readers", False),
        ("SRE", False),
        ("sr", False),
        (" sre", False),
        ("oidc:https://issuer.example#sre", False),
        ("", False),
    ],
)
def test_a_group_is_a_name_and_neither_a_part_nor_a_beginning_of_one(
    group: str, meets: bool
) -> None:
    somebody = oidc_subject("https://issuer.example", "somebody", groups=(group,))
    assert Attachment(groups=("sre", "dba")).meets(somebody) is meets


def test_who_is_in_no_group_and_has_another_name_is_not_meant() -> None:
    nobody = oidc_subject("https://issuer.example", "somebody")
    assert not Attachment(principals=("oidc:https://issuer.example#some",)).meets(nobody)
    assert not Attachment().meets(nobody)
    assert Attachment(principals=("oidc:https://issuer.example#*",)).meets(nobody)
