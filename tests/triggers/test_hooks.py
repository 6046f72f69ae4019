"""CodeDeploy and Step Functions: those who wait for a verdict get one, whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.client import UnreachableError
from bridge.model.experiment import ExperimentStatus
from bridge.triggers import aws, trigger, waiting
from bridge.triggers.aws import callbacks
from bridge.triggers.errors import BridgeUnavailableError
from tests.triggers import events
from tests.triggers.conftest import Bridge, Context, SetRules


class Aws:
    """What the two services were told; each call has the names that botocore would take."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.code = ""

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> dict[str, Any]:
            if self.code:
                raise ClientError({"Error": {"Code": self.code}}, operation)
            self.told.append((operation, arguments))
            return {}

        return call

    def said(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.told if name == operation]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Aws:
    aws_calls = Aws()
    monkeypatch.setattr(callbacks, "_client", lambda _service: aws_calls)
    return aws_calls


def starts(template: str, **more: Any) -> dict[str, Any]:
    return {"name": "validates", "start": {"templateId": template}, **more}


def status_of(told: Aws) -> list[str]:
    calls = told.said("put_lifecycle_event_hook_execution_status")
    for one in calls:
        assert one["deploymentId"] == "d-BPX2FCPVT"
    return [one["status"] for one in calls]


TOKEN = "AAAAKgAAAAIAAAAA"


def task(token: str = TOKEN, **payload: Any) -> dict[str, Any]:
    return {"taskToken": token, **payload}


def test_a_deployment_goes_on_after_a_run_that_completed(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    template = bridge.template(seconds=1)
    rules(starts(template))
    answer = aws.any_event(events.hook("passes"), Context())
    assert (answer["status"], status_of(told)) == ("Succeeded", ["Succeeded"])
    (run,) = bridge.runs_of(template)
    assert run.status is ExperimentStatus.COMPLETED
    # Lambda invokes again: the same run, and the same verdict.
    aws.codedeploy(events.hook("passes"), Context())
    assert (len(bridge.runs_of(template)), status_of(told)) == (1, ["Succeeded"] * 2)


def test_a_deployment_fails_with_a_run_that_is_stopped(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    bridge.world.set(signal="triggered")
    template = bridge.template(breaks=True, signal=True)
    rules(starts(template))
    assert aws.codedeploy(events.hook("stopped"), Context())["status"] == "Failed"
    assert status_of(told) == ["Failed"]
    bridge.world.set(signal="clear")
    assert set(bridge.world.states) == {"whole"}


def test_a_run_that_outlasts_the_function_is_stopped_and_fails_the_deployment(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    template = bridge.template(seconds=60, breaks=True)
    rules(starts(template))
    answer = aws.codedeploy(events.hook("long"), Context(seconds=waiting.MARGIN + 0.01))
    assert (answer["status"], status_of(told)) == ("Failed", ["Failed"])
    (run,) = bridge.runs_of(template)
    ended = bridge.ended(run.id)
    assert (ended.status, ended.reason) == (
        ExperimentStatus.STOPPED,
        "The deployment's hook had no time left to wait for the end.",
    )
    assert set(bridge.world.states) == {"whole"}


def test_a_deployment_that_no_rule_is_about_goes_on(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    rules(starts(bridge.template(), when="DeploymentId == 'another'"))
    assert aws.codedeploy(events.hook(), Context())["result"] == "nothing"
    assert status_of(told) == ["Succeeded"]


@pytest.mark.usefixtures("unreachable")
def test_a_deployment_does_not_hang_where_no_bridge_is(told: Aws) -> None:
    with pytest.raises(BridgeUnavailableError):
        aws.codedeploy(events.hook(), Context())
    assert status_of(told) == ["Failed"]


def test_a_hook_that_was_told_already_is_no_error(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    rules(starts(bridge.template(), when="nothing"))
    told.code = "LifecycleEventAlreadyCompletedException"
    assert aws.codedeploy(events.hook(), Context())["status"] == "Succeeded"
    told.code = "AccessDeniedException"
    with pytest.raises(Exception, match="AccessDeniedException"):
        aws.codedeploy(events.hook(), Context())


def test_a_task_succeeds_with_its_run(bridge: Bridge, rules: SetRules, told: Aws) -> None:
    template = bridge.template(seconds=1)
    rules(starts(template, when="input.team == 'checkout'"))
    aws.any_event(task(id="execution 1", input={"team": "checkout"}), Context())
    (run,) = bridge.runs_of(template)
    (success,) = told.said("send_task_success")
    assert success["taskToken"] == TOKEN
    assert f'"experimentId": "{run.id}"' in success["output"]
    assert '"status": "completed"' in success["output"]
    # The token is for Step Functions, not for rules.
    rules(starts(template, when="taskToken"))
    assert aws.step_functions(task(), Context())["result"] == "nothing"
    assert (
        told.said("send_task_success")[-1]["output"] == '{"result": "nothing", "experiments": []}'
    )


def test_a_task_that_goes_on_is_tried_again_and_finds_its_run(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    template = bridge.template(seconds=2)
    rules(starts(template))
    brief = Context(seconds=waiting.MARGIN + 0.05)
    aws.step_functions(task("first", id="execution 2"), brief)
    (failure,) = told.said("send_task_failure")
    (run,) = bridge.runs_of(template)
    assert (failure["taskToken"], failure["error"]) == ("first", "Faultbridge.StillRunning")
    assert failure["cause"] == f"{run.id} has not ended yet"
    # Step Functions gives each attempt a token of its own.
    aws.step_functions(task("second", id="execution 2"), Context())
    (success,) = told.said("send_task_success")
    assert (success["taskToken"], run.id in success["output"]) == ("second", True)
    assert len(bridge.runs_of(template)) == 1


def test_a_task_without_an_id_is_known_by_its_token(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    template = bridge.template(seconds=60)
    rules(starts(template))
    now = Context(seconds=0)
    for token in ("one", "one", "two"):
        aws.step_functions(task(token), now)
    runs = bridge.runs_of(template)
    assert len(runs) == 2
    for run in runs:
        bridge.client.stop(run.id)


def test_the_error_of_a_task_is_how_its_run_ended(
    bridge: Bridge, rules: SetRules, told: Aws
) -> None:
    bridge.world.set(signal="triggered")
    rules(starts(bridge.template(breaks=True, signal=True)))
    aws.step_functions(task(id="is stopped"), Context())
    bridge.world.set(signal="clear")
    rules({**starts("EXTnone"), "name": "other"})
    assert aws.step_functions(task(id="refused"), Context()) == {"result": "refused"}
    stopped, refused = told.said("send_task_failure")
    assert (stopped["error"], refused["error"]) == ("Faultbridge.Stopped", "Faultbridge.Refused")
    assert "EXTnone" in refused["cause"]


@pytest.mark.usefixtures("unreachable")
def test_a_task_fails_where_no_bridge_is(told: Aws) -> None:
    with pytest.raises(BridgeUnavailableError):
        aws.step_functions(task(), Context())
    assert told.told == []


def test_a_task_that_nobody_waits_for_is_not_watched(
    bridge: Bridge, rules: SetRules, told: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = bridge.template(seconds=60)
    rules(starts(template))
    told.code = "TaskTimedOut"
    monkeypatch.setattr(waiting, "_LONGEST_WAIT", 0.01)
    aws.step_functions(task(id="gone"), Context(seconds=600))
    (run,) = bridge.runs_of(template)
    assert not run.status.ended
    bridge.client.stop(run.id)


def test_a_bridge_that_restarts_is_waited_for(
    bridge: Bridge, rules: SetRules, told: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(starts(bridge.template(seconds=1)))
    client = trigger.configured().client
    real, away = client.events, [True, True]

    def events_of(*arguments: Any, **more: Any) -> Any:
        if away:
            away.pop()
            raise UnreachableError("restarting")
        return real(*arguments, **more)

    monkeypatch.setattr(client, "events", events_of)
    monkeypatch.setattr(waiting, "_PAUSE", 0.01)
    aws.step_functions(task(id="restart"), Context())
    assert len(told.said("send_task_success")) == 1
