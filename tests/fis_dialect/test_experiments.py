"""Experiments through boto3: started, read, listed, stopped, their targets shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError

from bridge.dialects.fis import parse_template
from bridge.dialects.fis.experiments import render_experiment
from bridge.engine.experiment import new_experiment
from bridge.model.experiment import (
    ActionState,
    ActionStatus,
    Experiment,
    ExperimentStatus,
    Failure,
    FailureCode,
    ResolvedTarget,
)
from bridge.model.inbox import RequestKind
from bridge.model.moment import Micros
from bridge.store import tables
from tests.fis_dialect.conftest import Served, new_bridge

Create = Callable[..., dict[str, Any]]


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def started(fis: Any, create: Create) -> dict[str, Any]:
    """Return a run as it was answered when it was started."""
    answer = fis.start_experiment(experimentTemplateId=create()["id"], tags={"why": "test"})
    shown: dict[str, Any] = answer["experiment"]
    return shown


def store(served: Served, experiment: Experiment) -> None:
    """Put a run into the state in which an engine would have left it."""
    with served.store._writing() as connection:
        connection.execute(
            tables.experiments.update()
            .where(tables.experiments.c.id == experiment.id)
            .values(body=experiment.model_dump_json(exclude={"template", "tags"}))
        )


def test_a_fresh_run_is_shown_in_fiss_words(
    started: dict[str, Any], served: Served, fis: Any, template: dict[str, Any]
) -> None:
    assert started["id"].startswith("EXP")
    assert started["arn"] == f"arn:aws:fis:us-east-1:123456789012:experiment/{started['id']}"
    assert started["state"] == {"status": "initiating", "reason": "Experiment is initiating."}
    for action in started["actions"].values():
        assert action["state"] == {"status": "pending", "reason": "Initial state"}
    assert started["targets"] == template["targets"]
    assert started["tags"] == {"why": "test"}
    assert started["experimentOptions"]["actionsMode"] == "run-all"
    assert started["startTime"] >= started["creationTime"]
    assert "endTime" not in started
    assert fis.get_experiment(id=started["id"])["experiment"] == started
    assert served.woken.runs == [started["id"]]


def test_a_run_keeps_the_template_it_was_started_with(started: dict[str, Any], fis: Any) -> None:
    fis.update_experiment_template(
        id=started["experimentTemplateId"],
        description="changed",
        targets={},
        actions={"rest": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
    )
    fis.delete_experiment_template(id=started["experimentTemplateId"])
    assert fis.get_experiment(id=started["id"])["experiment"] == started


def test_a_repeat_with_the_same_token_is_the_same_run(
    fis: Any, create: Create, served: Served
) -> None:
    template_id = create()["id"]
    first = fis.start_experiment(experimentTemplateId=template_id, clientToken="once")
    again = fis.start_experiment(experimentTemplateId=template_id, clientToken="once")
    assert again["experiment"] == first["experiment"]
    with pytest.raises(ClientError) as error:
        fis.start_experiment(experimentTemplateId=template_id, clientToken="once", tags={"a": "b"})
    assert code(error) == "ConflictException"
    assert len(served.experiments()) == 1


def test_the_preview_mode_is_kept(fis: Any, create: Create, served: Served) -> None:
    shown = fis.start_experiment(
        experimentTemplateId=create()["id"], experimentOptions={"actionsMode": "skip-all"}
    )["experiment"]
    assert shown["experimentOptions"]["actionsMode"] == "skip-all"
    assert served.experiments()[0].actions_mode.value == "skip-all"


def test_an_unknown_template_cannot_be_started(fis: Any, served: Served) -> None:
    with pytest.raises(ClientError, match="EXTnone") as error:
        fis.start_experiment(experimentTemplateId="EXTnone")
    assert code(error) == "ResourceNotFoundException"
    assert served.experiments() == []
    assert served.woken.runs == []


def test_a_template_is_judged_again_when_it_is_started(
    fis: Any, create: Create, served: Served
) -> None:
    template_id = create()["id"]
    [template] = served.templates()
    gone = template.actions["rest"].model_copy(update={"action_id": "aws:fis:sleep"})
    changed = template.model_copy(update={"actions": {**template.actions, "rest": gone}})
    with served.store._writing() as connection:
        connection.execute(sa.update(tables.templates).values(body=changed.model_dump_json()))
    with pytest.raises(ClientError, match=r"actions\.rest\.actionId"):
        fis.start_experiment(experimentTemplateId=template_id)
    assert served.experiments() == []


def test_stopping_asks_the_run_and_wakes_it(
    started: dict[str, Any], fis: Any, served: Served
) -> None:
    stopped = fis.stop_experiment(id=started["id"])["experiment"]
    assert stopped["state"] == {"status": "stopping", "reason": "Stopping Experiment."}
    [request] = served.store.asked
    assert (request.experiment, request.kind) == (started["id"], RequestKind.STOP)
    assert request.details["reason"] == "Experiment stopped by user."
    assert (request.details["cause"], request.details["principal"]) == ("user", "local")
    assert served.woken.runs == [started["id"]] * 2


def test_stopping_twice_is_stopping_once(started: dict[str, Any], fis: Any, served: Served) -> None:
    [run] = served.experiments()
    halted = {"status": ExperimentStatus.STOPPING, "reason": "Experiment halted by stop condition."}
    store(served, run.model_copy(update=halted))
    shown = fis.stop_experiment(id=run.id)["experiment"]
    assert shown["state"]["reason"] == "Experiment halted by stop condition."
    assert served.store.asked == []


@pytest.mark.parametrize("status", [s for s in ExperimentStatus if s.ended])
def test_an_ended_run_cannot_be_stopped(
    started: dict[str, Any], fis: Any, served: Served, status: ExperimentStatus
) -> None:
    [run] = served.experiments()
    store(served, run.model_copy(update={"status": status}))
    words = "Cannot modify the state of an experiment in final state"
    with pytest.raises(ClientError, match=words) as error:
        fis.stop_experiment(id=run.id)
    assert code(error) == "ValidationException"
    assert served.store.asked == []


def test_a_failed_run_tells_why(started: dict[str, Any], fis: Any, served: Served) -> None:
    [run] = served.experiments()
    reason = "Unable to stop all targets. " + "x" * 1000
    failed = ActionState(
        status=ActionStatus.FAILED,
        reason=reason,
        started_at=run.created_at,
        ended_at=Micros(run.created_at + 1_000_000),
    )
    failure = Failure(code=FailureCode.AUTHORIZATION, location="actions.stop", reason=reason)
    ended = {
        "status": ExperimentStatus.FAILED,
        "reason": reason,
        "failure": failure,
        "actions": {**run.actions, "stop": failed},
        "ended_at": Micros(run.created_at + 2_000_000),
    }
    store(served, run.model_copy(update=ended))
    shown = fis.get_experiment(id=run.id)["experiment"]
    assert shown["state"]["error"] == {
        "accountId": "123456789012",
        "code": "AuthorizationFailure",
        "location": "actions.stop",
    }
    assert len(shown["state"]["reason"]) == 512
    assert (shown["endTime"] - shown["creationTime"]).total_seconds() == 2
    assert shown["actions"]["stop"]["endTime"] < shown["endTime"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (ExperimentStatus.RUNNING, "Experiment is running."),
        (ExperimentStatus.COMPLETED, "Experiment completed."),
        (ExperimentStatus.CANCELLED, None),
    ],
)
async def test_a_state_without_a_reason_gets_fiss(
    template: dict[str, Any], status: ExperimentStatus, reason: str | None
) -> None:
    bridge = new_bridge()
    parsed = parse_template(template, template_id="EXT1", scope=bridge.scope, now=Micros(0))
    assert parsed.template is not None
    run = new_experiment(parsed.template, now=Micros(0))
    shown = render_experiment(run.model_copy(update={"status": status, "reason": ""}))
    assert shown["state"].get("reason") == reason
    await bridge.store.close()


def test_runs_are_listed_the_newest_first(
    started: dict[str, Any], fis: Any, create: Create, served: Served
) -> None:
    [first] = served.experiments()
    runs = [first.id]
    for n in range(102):
        copied = first.model_copy(
            update={"id": f"EXP{n:03}", "created_at": Micros(first.created_at + n + 1)}
        )
        runs.append(asyncio.run(served.store.start_experiment(copied)).id)
    other = create()["id"]
    elsewhere = fis.start_experiment(experimentTemplateId=other)["experiment"]["id"]
    pages = list(fis.get_paginator("list_experiments").paginate())
    listed = [e["id"] for page in pages for e in page["experiments"]]
    assert [len(page["experiments"]) for page in pages] == [100, 4]
    assert listed == [elsewhere, *reversed(runs)]
    filtered = fis.list_experiments(experimentTemplateId=other)["experiments"]
    assert [e["id"] for e in filtered] == [elsewhere]
    token = fis.list_experiments(maxResults=1)["nextToken"]
    with pytest.raises(ClientError, match="same filters"):
        fis.list_experiments(experimentTemplateId=other, nextToken=token)


def test_resolved_targets_in_pages(started: dict[str, Any], fis: Any, served: Served) -> None:
    arns = [f"arn:aws:ec2:us-east-1:123456789012:instance/i-{n:017x}" for n in range(120)]
    with served.store._writing() as connection:
        for position, arn in enumerate(arns, 1):
            target = ResolvedTarget(
                target="carts", resource_type="aws:ec2:instance", id=arn, information={"arn": arn}
            )
            connection.execute(
                tables.resolved_targets.insert().values(
                    experiment_id=started["id"],
                    position=position,
                    target="carts",
                    body=target.model_dump_json(),
                )
            )
    pages = list(
        fis.get_paginator("list_experiment_resolved_targets").paginate(
            experimentId=started["id"], targetName="carts"
        )
    )
    shown = [target for page in pages for target in page["resolvedTargets"]]
    assert [target["targetInformation"] for target in shown] == [{"arn": arn} for arn in arns]
    assert {(t["targetName"], t["resourceType"]) for t in shown} == {("carts", "aws:ec2:instance")}
    with pytest.raises(ClientError, match="no target") as error:
        fis.list_experiment_resolved_targets(experimentId=started["id"], targetName="cats")
    assert code(error) == "ResourceNotFoundException"
