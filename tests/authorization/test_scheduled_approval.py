"""What was approved is what a schedule starts: nobody changes it who may not start it himself."""

from __future__ import annotations

from typing import Any

from bridge.api.authorization.templates import digest
from tests.authorization.conftest import ALICE, BOB, House, allow
from tests.authorization.test_fis import refused

KILL = {
    "kill": {"actionId": "aws:ec2:terminate-instances", "targets": {"Instances": "carts"}},
}


def approved(house: House, stored: str) -> dict[str, Any]:
    """Return the right to start just what the template does now."""
    template = house.run(house.bridge.store.template(house.bridge.scope, stored))
    return allow(
        "fis:StartExperiment",
        resource=f"{house.arn}experiment-template/{stored}",
        Condition={"StringEquals": {"faultbridge:TemplateDigest": digest(template)}},
    )


def test_a_template_is_not_updated_under_its_schedule(house: House, stored: str) -> None:
    runs = allow("fis:StartExperiment", "fis:TagResource", resource=f"{house.arn}experiment/*")
    house.grant(BOB, approved(house, stored), runs, allow("faultbridge:*"))
    house.grant(
        ALICE,
        allow("fis:UpdateExperimentTemplate", "iam:PassRole", "fis:TagResource"),
        approved(house, stored),
        runs,
        name="writes",
    )
    alice = house.fis(ALICE)
    with house.http(BOB) as bob:
        wanted = {"templateId": stored, "cron": "@daily", "tags": {"team": "shop"}}
        answer = bob.post("/v1/schedules", json=wanted)
        assert answer.status_code == 201, answer.text
        schedule = answer.json()["id"]

        words = refused(alice.update_experiment_template, id=stored, actions=KILL)
        assert f"fis:StartExperiment on resource: {house.arn}experiment-template/{stored}" in words
        template = house.run(house.bridge.store.template(house.bridge.scope, stored))
        assert "kill" not in template.actions

        # A schedule that starts nothing is in nobody's way; going on asks for what there is then.
        paused = bob.patch(f"/v1/schedules/{schedule}", json={"paused": True})
        assert paused.status_code == 200, paused.text
        alice.update_experiment_template(id=stored, actions=KILL)
        refusal = bob.patch(f"/v1/schedules/{schedule}", json={"paused": False})
        assert refusal.status_code == 403
        assert "fis:StartExperiment" in refusal.json()["detail"]


def test_who_may_start_what_it_becomes_may_update_it(house: House, stored: str) -> None:
    with house.http() as local:
        for _ in range(2):
            local.post("/v1/schedules", json={"templateId": stored, "cron": "@daily"})
    house.grant(ALICE, allow("fis:*", "iam:PassRole"))
    house.fis(ALICE).update_experiment_template(id=stored, actions=KILL)
    asked = [one for one in house.audit() if one.action == "fis:StartExperiment"]
    assert {one.outcome for one in asked} == {"allowed"}
    house.grant(BOB, allow("fis:UpdateExperimentTemplate", "iam:PassRole"), name="bob")
    refused(house.fis(BOB).update_experiment_template, id=stored, description="another")


def test_what_no_schedule_starts_asks_for_no_right_to_start(
    house: House, stored: str, template: dict[str, Any]
) -> None:
    made = house.fis().create_experiment_template(clientToken="another", **template)
    another = made["experimentTemplate"]["id"]
    with house.http() as local:
        wanted = {"templateId": another, "cron": "@daily"}
        assert local.post("/v1/schedules", json=wanted).status_code == 201
    house.grant(BOB, allow("fis:UpdateExperimentTemplate", "iam:PassRole"))
    house.fis(BOB).update_experiment_template(id=stored, actions=KILL)
    refused(house.fis(BOB).update_experiment_template, id=another, actions=KILL)
