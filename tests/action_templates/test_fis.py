"""Action templates as FIS actions, through boto3; each answer fits botocore's service model."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.catalog.action_templates import built_ins
from bridge.client import Client, RefusedError
from tests.action_templates.conftest import Served, experiment
from tests.action_templates.documents import DELAY, document

ALIAS = "aws:faultbridge:template/slow-checkout"
STRICT = re.compile(r"^aws:[0-9a-z-]+:[0-9A-Za-z/-]+$")
"""What Terraform's AWS provider takes for an action id."""


def every_action(fis: Any, size: int = 100) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = fis.list_actions(maxResults=size, **token)
        found += page["actions"]
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


def spec_of(served: Served, template_id: str) -> dict[str, Any]:
    stored = asyncio.run(served.store.template(served.bridge.scope, template_id))
    assert stored is not None
    spec: dict[str, Any] = json.loads(stored.actions["slow"].parameters["kubernetesSpec"])
    return spec


def create(fis: Any, **action: Any) -> dict[str, Any]:
    action_id = action.pop("actionId", f"{ALIAS}/1")
    parameters = action.pop("parameters", {"labels": "app=checkout", "percentage": "25"})
    made = fis.create_experiment_template(**experiment(action_id, parameters, **action))
    shown: dict[str, Any] = made["experimentTemplate"]
    return shown


def test_they_are_listed_as_strict_tooling_wants_them(fis: Any, client: Client) -> None:
    client.create_action_template(DELAY)
    client.add_action_template_version(document(description="another"))
    listed = every_action(fis)
    ids = [one["id"] for one in listed]
    assert ids == sorted(ids)
    assert every_action(fis, size=7) == listed
    assert f"{ALIAS}/2" in ids
    assert f"{ALIAS}/1" not in ids
    assert {one.newest.reference.alias for one in built_ins().values()} <= set(ids)
    assert all(STRICT.fullmatch(one) for one in ids)
    (own,) = (one for one in listed if one["id"] == f"{ALIAS}/2")
    assert own["description"] == "another"
    assert own["targets"] == {"Cluster": {"resourceType": "aws:eks:cluster"}}
    assert own["arn"].endswith(f":action/{ALIAS}/2")


@pytest.mark.parametrize(
    "action_id",
    [f"{ALIAS}/1", "k8s:action-template/slow-checkout@1", "k8s:action-template/slow-checkout"],
)
def test_one_is_shown_with_its_parameters(fis: Any, client: Client, action_id: str) -> None:
    client.create_action_template(DELAY)
    found = fis.get_action(id=action_id)["action"]
    assert found["id"] == f"{ALIAS}/1"
    assert found["parameters"]["labels"] == {
        "description": "Labels of the pods. Type: labelSelector.",
        "required": True,
    }
    assert found["parameters"]["latency"] == {
        "description": "A duration from 1ms to 60s. Default: 90ms.",
        "required": False,
    }
    assert found["targets"] == {"Cluster": {"resourceType": "aws:eks:cluster"}}


@pytest.mark.parametrize("name", built_ins())
def test_every_built_in_one_is_shown(fis: Any, name: str) -> None:
    found = fis.get_action(id=built_ins()[name].newest.reference.alias)["action"]
    declared = built_ins()[name].newest.template.parameters
    assert set(found["parameters"]) == {*declared, "maxDuration"}


@pytest.mark.parametrize("action_id", [f"{ALIAS}/2", f"{ALIAS}/x", "k8s:action-template/@1"])
def test_one_that_does_not_exist(fis: Any, client: Client, action_id: str) -> None:
    client.create_action_template(DELAY)
    with pytest.raises(ClientError) as refused:
        fis.get_action(id=action_id)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_template_reads_back_as_it_was_written(fis: Any, client: Client, served: Served) -> None:
    client.create_action_template(DELAY)
    made = create(fis, description="slow it")
    written = {
        "actionId": f"{ALIAS}/1",
        "description": "slow it",
        "parameters": {"labels": "app=checkout", "percentage": "25"},
        "targets": {"Cluster": "shop"},
    }
    assert made["actions"]["slow"] == written
    shown = fis.get_experiment_template(id=made["id"])["experimentTemplate"]
    assert shown["actions"]["slow"] == written
    assert spec_of(served, made["id"])["value"] == "25"
    started = fis.start_experiment(experimentTemplateId=made["id"])["experiment"]
    started["actions"]["slow"].pop("state")
    assert started["actions"]["slow"] == written


def test_the_newest_is_pinned_when_the_template_is_created(
    fis: Any, client: Client, served: Served
) -> None:
    client.create_action_template(DELAY)
    made = create(fis, actionId=ALIAS)
    newer = document()
    newer["parameters"]["latency"]["default"] = "2s"
    client.add_action_template_version(newer)
    assert spec_of(served, made["id"])["delay"] == {"latency": "90ms"}
    # A change of something else, or of a parameter, stays with that version …
    fis.update_experiment_template(id=made["id"], description="changed")
    assert spec_of(served, made["id"])["delay"] == {"latency": "90ms"}
    action = dict(made["actions"]["slow"], parameters={"labels": "app=other"})
    fis.update_experiment_template(id=made["id"], actions={"slow": action})
    spec = spec_of(served, made["id"])
    assert spec["delay"] == {"latency": "90ms"}
    assert spec["selector"]["labelSelectors"] == {"app": "other"}
    # … until another one is named; a template that is created now gets the newest.
    action["actionId"] = f"{ALIAS}/2"
    fis.update_experiment_template(id=made["id"], actions={"slow": action})
    assert spec_of(served, made["id"])["delay"] == {"latency": "2s"}
    assert spec_of(served, create(fis, actionId=ALIAS)["id"])["delay"] == {"latency": "2s"}


def test_another_name_is_another_template(fis: Any, client: Client, served: Served) -> None:
    client.create_action_template(DELAY)
    other = document(name="slower-checkout")
    other["parameters"]["latency"]["default"] = "3s"
    client.create_action_template(other)
    made = create(fis, actionId=ALIAS)
    action = dict(made["actions"]["slow"], actionId="aws:faultbridge:template/slower-checkout")
    fis.update_experiment_template(id=made["id"], actions={"slow": action})
    assert spec_of(served, made["id"])["delay"] == {"latency": "3s"}


def test_a_refused_parameter_is_named(fis: Any, client: Client) -> None:
    client.create_action_template(DELAY)
    with pytest.raises(ClientError) as refused:
        create(fis, parameters={"labels": "app=a", "latency": "1s1ms"})
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert "actions.slow.parameters.latency: " in error["Message"]


def test_a_template_that_uses_one_keeps_it_from_deletion(fis: Any, client: Client) -> None:
    client.create_action_template(DELAY)
    made = create(fis, actionId=ALIAS)
    with pytest.raises(RefusedError, match=f"{made['id']} uses slow-checkout@1"):
        client.delete_action_template("slow-checkout")
    fis.delete_experiment_template(id=made["id"])
    assert client.delete_action_template("slow-checkout").versions == (1,)


def test_a_template_without_any_can_be_changed_as_before(fis: Any) -> None:
    wanted = experiment("aws:fis:wait", {"duration": "PT1M"})
    wanted["actions"]["slow"].pop("targets")
    made = fis.create_experiment_template(**{**wanted, "targets": {}})["experimentTemplate"]
    changed = fis.update_experiment_template(id=made["id"], description="changed")
    assert changed["experimentTemplate"]["description"] == "changed"


def test_what_a_value_says_is_only_a_value(fis: Any, client: Client, served: Served) -> None:
    written = document()
    written["parameters"]["path"] = {"type": "string", "default": "/"}
    written["kind"] = "HTTPChaos"
    written["spec"] = {
        "mode": "one",
        "selector": {"labelSelectors": "{{ labels }}"},
        "target": "Request",
        "port": 80,
        "path": "{{ path }}",
        "abort": True,
    }
    for unused in ("percentage", "duration", "latency"):
        del written["parameters"][unused]
    client.create_action_template(written)
    hostile = '/*", "port": 22, "x": "{{ namespace }}\n'
    made = create(fis, parameters={"labels": "app=a", "path": hostile})
    spec = spec_of(served, made["id"])
    assert spec["path"] == hostile
    assert spec["port"] == 80
    assert set(spec) == {"mode", "selector", "target", "port", "path", "abort"}


def test_one_has_no_tags_as_no_action_has(fis: Any, client: Client) -> None:
    client.create_action_template(DELAY)
    for action_id in (f"{ALIAS}/1", "aws:faultbridge:template/network-delay/1"):
        arn = fis.get_action(id=action_id)["action"]["arn"]
        assert fis.list_tags_for_resource(resourceArn=arn)["tags"] == {}
        with pytest.raises(ClientError, match="actions cannot be tagged"):
            fis.tag_resource(resourceArn=arn, tags={"a": "b"})
