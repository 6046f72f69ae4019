"""Experiment templates through boto3: written, read back, changed, listed, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from bridge.api.app import create_app
from bridge.model.moment import Micros
from tests.fis_dialect.conftest import ROLE, Served, new_bridge

Create = Callable[..., dict[str, Any]]

WRITTEN = ("description", "roleArn", "stopConditions", "targets", "experimentOptions", "tags")


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_what_was_written_reads_back(fis: Any, create: Create, template: dict[str, Any]) -> None:
    created = create()
    shown = fis.get_experiment_template(id=created["id"])["experimentTemplate"]
    assert shown == created
    assert {part: shown[part] for part in WRITTEN} == {part: template[part] for part in WRITTEN}
    assert shown["actions"] == template["actions"]
    assert shown["id"].startswith("EXT")
    assert shown["arn"] == f"arn:aws:fis:us-east-1:123456789012:experiment-template/{shown['id']}"
    assert shown["creationTime"] == shown["lastUpdateTime"]


def test_what_was_left_out_is_shown_as_fis_shows_it(create: Create, template: Any) -> None:
    del template["targets"], template["experimentOptions"], template["tags"]
    shown = create(
        actions={"rest": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
        stopConditions=[{"source": "none"}],
    )
    assert shown["targets"] == {}
    assert shown["tags"] == {}
    assert shown["experimentOptions"] == {
        "accountTargeting": "single-account",
        "emptyTargetResolutionMode": "fail",
    }
    assert shown["targetAccountConfigurationsCount"] == 0
    assert "targets" not in shown["actions"]["rest"]


def test_parameters_are_shown_even_when_there_are_none(create: Create) -> None:
    reboot = {"actionId": "aws:ec2:terminate-instances", "targets": {"Instances": "carts"}}
    assert create(actions={"end": reboot})["actions"]["end"]["parameters"] == {}


def test_a_repeat_with_the_same_token_is_the_same_template(served: Served, create: Create) -> None:
    first = create(clientToken="once")
    assert create(clientToken="once") == first
    assert len(served.templates()) == 1


def test_a_token_used_for_another_request_is_a_conflict(served: Served, create: Create) -> None:
    create(clientToken="once")
    with pytest.raises(ClientError, match="clientToken") as error:
        create(clientToken="once", description="another")
    assert code(error) == "ConflictException"
    assert len(served.templates()) == 1


def test_without_a_token_each_request_makes_one(served: Served, create: Create) -> None:
    assert create()["id"] != create()["id"]
    assert len(served.templates()) == 2


def test_an_update_replaces_what_is_given(fis: Any, create: Create) -> None:
    before = create()
    after = fis.update_experiment_template(
        id=before["id"],
        description="wait only",
        actions={"rest": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT2M"}}},
        targets={},
        stopConditions=[{"source": "none"}],
        experimentOptions={"emptyTargetResolutionMode": "fail"},
    )["experimentTemplate"]
    assert after == fis.get_experiment_template(id=before["id"])["experimentTemplate"]
    assert after["description"] == "wait only"
    assert set(after["actions"]) == {"rest"}
    assert after["targets"] == {}
    assert after["roleArn"] == ROLE
    assert after["tags"] == before["tags"]
    assert after["experimentOptions"]["emptyTargetResolutionMode"] == "fail"
    assert after["creationTime"] == before["creationTime"]
    assert after["lastUpdateTime"] >= before["lastUpdateTime"]


def test_an_update_leaves_what_is_not_given(fis: Any, create: Create) -> None:
    before = create()
    after = fis.update_experiment_template(id=before["id"], description="new")["experimentTemplate"]
    changed = {"description", "lastUpdateTime"}
    assert {k: v for k, v in after.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }


def test_an_update_is_judged_as_a_whole(fis: Any, create: Create) -> None:
    before = create()
    with pytest.raises(ClientError, match=r"actions\.stop\.targets\.Instances") as error:
        fis.update_experiment_template(id=before["id"], targets={})
    assert code(error) == "ValidationException"
    with pytest.raises(ClientError, match=r"actions\.rest\.actionId: is required"):
        fis.update_experiment_template(
            id=before["id"], actions={"rest": {"parameters": {"duration": "PT2M"}}}
        )
    assert fis.get_experiment_template(id=before["id"])["experimentTemplate"] == before


def test_a_deleted_template_is_gone(fis: Any, create: Create) -> None:
    created = create()
    assert fis.delete_experiment_template(id=created["id"])["experimentTemplate"] == created
    for call in (fis.get_experiment_template, fis.delete_experiment_template):
        with pytest.raises(ClientError, match=created["id"]) as error:
            call(id=created["id"])
        assert code(error) == "ResourceNotFoundException"
    assert fis.list_experiment_templates()["experimentTemplates"] == []


def test_pages_of_more_than_a_hundred(fis: Any, create: Create, served: Served) -> None:
    made = [create()["id"]]
    [first] = served.templates()
    for n in range(102):  # the last few at the same moment
        created_at = Micros(first.created_at + min(n, 99) + 1)
        copied = first.model_copy(update={"id": f"EXT{n:03}", "created_at": created_at})
        made.append(asyncio.run(served.store.create_template(copied)).id)
    pages = list(fis.get_paginator("list_experiment_templates").paginate())
    assert [len(page["experimentTemplates"]) for page in pages] == [100, 3]
    assert [t["id"] for page in pages for t in page["experimentTemplates"]] == made
    small = fis.get_paginator("list_experiment_templates").paginate(
        PaginationConfig={"PageSize": 7}
    )
    assert [t["id"] for page in small for t in page["experimentTemplates"]] == made


def test_a_token_of_a_page_is_only_good_for_its_list(fis: Any, create: Create) -> None:
    for _ in range(3):
        create()
    token = fis.list_experiment_templates(maxResults=1)["nextToken"]
    swapped = ("A" if token[0] != "A" else "B") + token[1:]
    for call, parts in (
        (fis.list_experiment_templates, {"nextToken": swapped}),
        (fis.list_experiment_templates, {"nextToken": "nonsense"}),
        (fis.list_experiment_templates, {"nextToken": "é"}),
        (fis.list_experiments, {"nextToken": token}),
    ):
        with pytest.raises(ClientError, match="nextToken") as error:
            call(**parts)
        assert code(error) == "ValidationException"


def test_a_page_goes_on_past_a_deleted_template(fis: Any, create: Create) -> None:
    made = [create()["id"] for _ in range(3)]
    token = fis.list_experiment_templates(maxResults=1)["nextToken"]
    fis.delete_experiment_template(id=made[0])
    rest = fis.list_experiment_templates(nextToken=token)["experimentTemplates"]
    assert [t["id"] for t in rest] == made[1:]


async def test_a_template_that_was_stored_is_expected_to_run(template: dict[str, Any]) -> None:
    told: list[str] = []
    bridge = replace(new_bridge(), expect=lambda stored: told.append(stored.id))
    transport = httpx.ASGITransport(create_app(bridge))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        made = await client.post("/experimentTemplates", json={**template, "clientToken": "once"})
    assert told == [made.json()["experimentTemplate"]["id"]]
