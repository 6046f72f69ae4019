"""Clusters that are not of EKS, named by a context, as targets of the fault for clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.api.native.judging import read
from bridge.catalog import Catalog
from bridge.catalog.needs import Who, needs_of
from bridge.cli.injection import template_of
from bridge.model.problem import Severity
from bridge.model.scope import Scope
from bridge.settings import Settings

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
CARTS = Path(__file__).parents[2] / "examples/fis/carts-latency.json"


def document(target: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CARTS.read_text("utf-8"))
    slow = found["actions"]["SlowCarts"]
    slow.pop("startAfter", None)
    return {
        **found,
        "actions": {"SlowCarts": slow},
        "targets": {"Cluster": {"selectionMode": "ALL", **target}},
    }


def errors(target: dict[str, Any]) -> str:
    parsed = read(Catalog(Settings()), SCOPE, document(target))
    return "\n".join(f"{one}" for one in parsed.problems if one.severity is Severity.ERROR)


def test_a_context_is_a_target_and_needs_nothing_of_a_cloud() -> None:
    target = {"resourceType": "k8s:cluster", "parameters": {"context": "gke_p_zone_shop"}}
    assert errors(target) == ""
    catalog = Catalog(Settings())
    template = read(catalog, SCOPE, document(target)).template
    assert template is not None
    needs = [one for one in needs_of(template, catalog) if one.wanted_by != ("stopConditions",)]
    assert {one.place.cloud for one in needs} == {"kubernetes"}
    assert {one.place.account for one in needs} == {"k8s:context/gke_p_zone_shop"}
    assert all(one.who is Who.EXPERIMENT for one in needs)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"resourceType": "k8s:cluster"}, "context"),
        ({"resourceType": "k8s:cluster", "parameters": {"context": "a b"}}, "get-contexts"),
        ({"resourceType": "k8s:cluster", "parameters": {"name": "a"}}, "is not a parameter of"),
        ({"resourceType": "k8s:cluster", "resourceTags": {"a": "b"}}, "does not support tags"),
        (
            {"resourceType": "aws:ec2:instance", "resourceTags": {"a": "b"}},
            'acts on "aws:eks:cluster" or "k8s:cluster"',
        ),
    ],
)
def test_what_is_wrong_with_one_is_told(target: dict[str, Any], said: str) -> None:
    assert said in errors(target)


def test_a_custom_resource_can_be_run_in_one() -> None:
    made = template_of([], role="r", cluster="k8s:context/shop", as_text=True)
    (target,) = made["targets"].values()
    assert (target["resourceType"], target["parameters"]) == ("k8s:cluster", {"context": "shop"})
