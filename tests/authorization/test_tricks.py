"""Ways around policies that do not work: paths, patterns, other tenants."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.authorization.conftest import ALICE, Building, House, allow, deny
from tests.authorization.test_fis import refused


@pytest.mark.parametrize(
    "path",
    [
        "/experimentTemplates/{id}",
        "/experimentTemplates/%45{rest}",
        "/experimentTemplates/{id}?x-amz-date=now",
    ],
)
def test_however_a_path_is_written_the_same_resource_is_asked_for(
    path: str, house: House, stored: str
) -> None:
    arn = f"{house.arn}experiment-template/{stored}"
    house.grant(ALICE, allow("fis:*"), deny("fis:GetExperimentTemplate", resource=arn))
    with house.http(ALICE) as alice:
        answer = alice.get(path.format(id=stored, rest=stored[1:]))
    assert answer.status_code == 403
    assert f"on resource: {arn} with an explicit deny" in answer.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/experimentTemplates/{id}/",
        "/experimentTemplates//{id}",
        "//experimentTemplates/{id}",
        "/experimenttemplates/{id}",
        "/ExperimentTemplates/{id}",
        "/experimentTemplates%2F{id}",
        "/experimentTemplates/.%2F{id}",
        "/experimentTemplates/{id}%2F",
        "/experimentTemplates/{id}%00",
        "/experimentTemplates/{lower}",
        "/experimentTemplates/*",
        "/experimentTemplates/{id};x",
        "/v1/../experimentTemplates/{id}",
        "/v1/%2e%2e/experimentTemplates/{id}",
    ],
)
def test_no_way_of_writing_a_path_gets_at_what_is_denied(
    path: str, house: House, stored: str
) -> None:
    arn = f"{house.arn}experiment-template/{stored}"
    house.grant(ALICE, allow("*"), deny("fis:GetExperimentTemplate", resource=arn))
    with house.http(ALICE) as alice:
        raw = path.format(id=stored, lower=stored.lower()).encode()
        request = alice.build_request("GET", house.url)
        request.url = request.url.copy_with(raw_path=raw)
        answer = alice.send(request)
    assert answer.status_code in {400, 403, 404}, answer.text
    assert "experimentTemplate" not in answer.json()


@pytest.mark.parametrize("text", ["experiment-template/*", "experiment-template/EXT?", "*", "x"])
def test_a_pattern_in_a_request_is_no_pattern(text: str, house: House, stored: str) -> None:
    """What is asked for is compared as it is; only policies have wildcards."""
    house.grant(ALICE, allow("fis:*", resource=f"{house.arn}experiment-template/{stored}"))
    arn = text if text in {"*", "x"} else f"{house.arn}{text}"
    call = {"resourceArn": arn.ljust(20, "x")}
    refused(house.fis(ALICE).list_tags_for_resource, **call)


@pytest.mark.parametrize(
    "settings",
    [{"account": "210987654321"}, {"region": "eu-central-1"}],
    ids=["another account", "another Region"],
)
def test_a_tenant_sees_nothing_of_another_whatever_he_may_do(
    settings: dict[str, str], house: House, stored: str, building: Building
) -> None:
    """Two bridges on one store: everything stored belongs to an account and a Region."""
    run = house.fis().start_experiment(clientToken="r", experimentTemplateId=stored)["experiment"]
    other = building(**settings)
    object.__setattr__(other.bridge, "store", house.bridge.store)
    eve = "arn:aws:iam::210987654321:user/eve"
    house.grant(eve, allow("*"), name="tenant-a")  # in the first tenant's scope: not hers
    fis = other.fis(eve)
    refused(fis.get_experiment, id=run["id"])
    other.grant(eve, allow("*"), name="tenant-b")
    for call, members in (
        (fis.get_experiment, {"id": run["id"]}),
        (fis.stop_experiment, {"id": run["id"]}),
        (fis.get_experiment_template, {"id": stored}),
        (fis.delete_experiment_template, {"id": stored}),
        (fis.start_experiment, {"clientToken": "s", "experimentTemplateId": stored}),
        (fis.list_tags_for_resource, {"resourceArn": run["arn"]}),
    ):
        with pytest.raises(ClientError) as caught:
            call(**members)
        assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert fis.list_experiments()["experiments"] == []
    assert fis.list_experiment_templates()["experimentTemplates"] == []
    with other.http(eve) as client:
        assert client.get(f"/v1/experiments/{run['id']}").status_code == 404
        assert client.get("/v1/experiments").json()["experiments"] == []
        names = [one["name"] for one in client.get("/v1/policies").json()["policies"]]
        assert "tenant-a" not in names
        entries = client.get("/v1/audit").json()["entries"]
        assert {one["principal"] for one in entries} == {eve}
