"""`/v1/action-templates` through the typed client, and its refusals."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bridge.catalog.action_templates import built_ins
from bridge.client import Client, RefusedError
from bridge.client.documents import StartRequest
from tests.action_templates.conftest import Served, experiment
from tests.action_templates.documents import DELAY, document

NAME = "slow-checkout"


def refused(call: Any, *arguments: Any) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return caught.value.problem.status, str(caught.value)


def test_from_creation_to_deletion(client: Client) -> None:
    made = client.create_action_template(DELAY)
    assert (made.name, made.version, made.versions) == (NAME, 1, (1,))
    assert made.action_id == "k8s:action-template/slow-checkout@1"
    assert made.alias == "aws:faultbridge:template/slow-checkout/1"
    assert made.document == DELAY
    assert (made.kind, made.built_in, made.problems) == ("NetworkChaos", False, ())
    assert made.created_at is not None
    second = client.add_action_template_version(document(description="another"))
    assert (second.version, second.versions) == (2, (1, 2))
    assert client.action_template(NAME) == second
    assert client.action_template(f"{NAME}@1").document == DELAY
    gone = client.delete_action_template(f"{NAME}@2")
    assert (gone.name, gone.versions) == (NAME, (2,))
    assert client.action_template(NAME).version == 1
    assert client.delete_action_template(NAME).versions == (1,)
    assert refused(client.action_template, NAME)[0] == 404
    assert client.create_action_template(DELAY).version == 3


def test_the_list_has_own_and_built_in_ones_page_by_page(client: Client) -> None:
    for name in ("aaa", "my-own", "zzz"):
        client.create_action_template(document(name=name))
    names: list[str] = []
    after = None
    while True:
        page = client.action_templates(after=after, limit=4)
        assert len(page.action_templates) <= 4
        names += [one.name for one in page.action_templates]
        after = page.next
        if after is None:
            break
    assert names == sorted({"aaa", "my-own", "zzz", *built_ins()})
    page = client.action_templates()
    assert {one.name for one in page.action_templates if not one.built_in} == {
        "aaa",
        "my-own",
        "zzz",
    }
    assert all((one.created_at is None) is one.built_in for one in page.action_templates)


def test_a_built_in_one_is_shown_with_what_to_know_of_it(client: Client) -> None:
    found = client.action_template("network-delay@1")
    assert found.built_in
    assert found.shows
    assert found.avoid
    assert found.needs
    assert found.versions == (1,)
    assert client.action_template("network-delay") == found


@pytest.mark.parametrize("reference", ["network-delay", "network-delay@1"])
def test_a_built_in_one_is_read_only(client: Client, reference: str) -> None:
    taken = document(name="network-delay")
    for call, argument in (
        (client.create_action_template, taken),
        (client.add_action_template_version, taken),
        (client.delete_action_template, reference),
    ):
        status, said = refused(call, argument)
        assert status == 409
        assert "network-delay is built in, and nobody can change or delete it" in said


def test_a_name_is_taken(client: Client) -> None:
    client.create_action_template(DELAY)
    status, said = refused(client.create_action_template, document(description="again"))
    assert status == 409
    assert "already, the newest is version 1; add a version to it" in said


@pytest.mark.parametrize("reference", ["nothing", "nothing@1", "No Name", "a@b", "%00", "x" * 600])
def test_what_does_not_exist(client: Client, reference: str) -> None:
    for call in (client.action_template, client.delete_action_template):
        assert refused(call, reference)[0] == 404


def test_a_version_of_what_does_not_exist(client: Client) -> None:
    assert refused(client.add_action_template_version, DELAY)[0] == 404


def test_every_problem_is_told_by_its_path(client: Client) -> None:
    written = document(maxDuration="10m")
    written["spec"]["delay"]["latency"] = "{{ latecny }}"
    with pytest.raises(RefusedError) as caught:
        client.create_action_template(written)
    problem = caught.value.problem
    assert problem.status == 400
    paths = [one.path for one in problem.problems]
    assert paths == ["maxDuration", "spec.delay.latency", "parameters.latency"]


def test_what_the_cluster_would_refuse_at_a_bound_is_refused(client: Client) -> None:
    written = document()
    written["parameters"]["latency"]["maximum"] = "1m30s"
    status, said = refused(client.create_action_template, written)
    assert status == 400
    assert '(with latency = "1m30s")' in said
    assert refused(client.action_template, NAME)[0] == 404


def test_warnings_come_with_the_answer(client: Client) -> None:
    written = document(spec={"action": "pod-kill", "mode": "one", "selector": {}}, kind="PodChaos")
    made = client.create_action_template(written | {"parameters": {}, "namespace": "shop"})
    assert [one.path for one in made.problems] == ["spec.action"]


def test_the_name_in_the_path_is_the_one_in_the_document(http: httpx.Client) -> None:
    answer = http.post("/v1/action-templates/other/versions", json=DELAY)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    (problem,) = answer.json()["problems"]
    assert problem["path"] == "name"


def test_a_repeat_with_its_token_makes_nothing_new(client: Client) -> None:
    first = client.create_action_template(DELAY, "once")
    client.add_action_template_version(document(description="second"))
    again = client.create_action_template(DELAY, "once")
    assert (again.version, again.document) == (first.version, first.document)
    assert again.versions == (1, 2)
    status, said = refused(client.create_action_template, document(description="x"), "once")
    assert status == 409
    assert said.startswith("clientToken: ")


@pytest.mark.parametrize("token", ["", 5, "x" * 1025, {}])
def test_a_token_that_is_none(http: httpx.Client, token: object) -> None:
    answer = http.post("/v1/action-templates", json={**DELAY, "clientToken": token})
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["path"] == "clientToken"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is a list, not an object"),
        (b'{"name": "a", "name": "b"}', '"name" stands twice'),
        (b'{"spec": ' + b"[" * 100 + b"]" * 100 + b"}", "nested deeper"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_a_body_that_is_no_document(http: httpx.Client, body: bytes, said: str) -> None:
    answer = http.post("/v1/action-templates", content=body)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "after=A%20b", "colour=red"])
def test_a_query_that_does_not_fit(http: httpx.Client, query: str) -> None:
    assert http.get(f"/v1/action-templates?{query}").status_code == 400


def test_the_catalogue_lists_them_as_actions(client: Client) -> None:
    client.create_action_template(DELAY)
    client.add_action_template_version(document(description="another"))
    listed = {one.id: one for one in client.actions().actions}
    assert "k8s:action-template/slow-checkout@2" in listed
    assert "k8s:action-template/slow-checkout@1" not in listed
    assert {one.newest.reference.action_id for one in built_ins().values()} <= set(listed)
    for name in ("k8s:action-template/slow-checkout@1", "aws:faultbridge:template/slow-checkout/1"):
        found = client.action(name)
        assert found.id == "k8s:action-template/slow-checkout@1"
        assert found.description == DELAY["description"]
        assert found.targets == {"Cluster": "aws:eks:cluster"}
        required = {one.name: one.required for one in found.parameters}
        assert required == {
            "namespace": False,
            "labels": True,
            "percentage": False,
            "duration": False,
            "latency": False,
            "maxDuration": False,
        }
        assert found.permissions
    assert client.action("k8s:action-template/slow-checkout").id.endswith("@2")
    status, said = refused(client.action, "k8s:action-template/slow-chekout")
    assert status == 404
    assert "did you mean" in said


def test_validate_knows_own_ones(client: Client) -> None:
    client.create_action_template(DELAY)
    wanted = experiment("k8s:action-template/slow-checkout", {"labels": "app=a"})
    assert client.validate(wanted).valid
    wanted["actions"]["slow"]["parameters"]["latency"] = "1s1ms"
    found = client.validate(wanted)
    assert not found.valid
    assert "actions.slow.parameters.latency" in [one.path for one in found.problems]


def test_a_file_may_write_types(client: Client) -> None:
    client.create_action_template(DELAY)
    wanted: dict[str, Any] = experiment("k8s:action-template/slow-checkout", {})
    parameters = {"labels": {"app": "a", "tier": ""}, "percentage": 25}
    wanted["actions"]["slow"]["parameters"] = parameters
    started = client.start(StartRequest(template=wanted))
    assert started.actions[0].action_template == "slow-checkout@1"
    wanted["actions"]["slow"]["parameters"] = {"labels": {"app": ["a"]}}
    (problem, *_) = client.validate(wanted).problems
    assert problem.path == "actions.slow.parameters.labels"


def test_what_is_used_is_not_deleted_and_the_run_keeps_what_it_was(
    client: Client, served: Served
) -> None:
    client.create_action_template(DELAY)
    wanted = experiment("k8s:action-template/slow-checkout", {"labels": "app=a"})
    run = client.start(StartRequest(template=wanted))
    client.add_action_template_version(document(description="another"))
    status, said = refused(client.delete_action_template, NAME)
    assert status == 409
    assert f"{run.template_id} uses slow-checkout@1" in said
    assert client.delete_action_template(f"{NAME}@2").versions == (2,)
    assert client.experiment(run.id).actions[0].action_template == "slow-checkout@1"
