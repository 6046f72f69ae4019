"""EventBridge, SNS and SQS: what they deliver starts and stops runs, and once only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.model.experiment import ExperimentStatus
from bridge.triggers import aws, trigger
from bridge.triggers.errors import BridgeUnavailableError, EventRefusedError
from tests.triggers import events
from tests.triggers.conftest import Bridge, Context, SetRules

CONTEXT = Context()


def starts(template: str, **more: Any) -> dict[str, Any]:
    return {"name": "starts", "start": {"templateId": template}, **more}


def started(answer: dict[str, Any]) -> str:
    assert answer["result"] == "started"
    (run,) = answer["experiments"]
    return str(run["id"])


def test_an_alarm_starts_a_run_once_however_often_it_is_delivered(
    bridge: Bridge, rules: SetRules
) -> None:
    template = bridge.template()
    rules(
        starts(
            template,
            when="\"detail-type\" == 'CloudWatch Alarm State Change' "
            "&& detail.state.value == 'ALARM' && detail.previousState.value == 'OK'",
        )
    )
    event = events.alarm_state_change()
    first = aws.eventbridge(event, CONTEXT)
    assert first == {
        "rule": "starts",
        "result": "started",
        "experiments": [{"id": started(first), "status": "initiating"}],
    }
    for _ in range(2):
        assert started(aws.eventbridge(event, CONTEXT)) == started(first)
    # Also after it has ended.
    bridge.client.stop(started(first))
    bridge.ended(started(first))
    again = aws.eventbridge(event, CONTEXT)
    assert again["experiments"] == [{"id": started(first), "status": "stopped"}]
    other = aws.eventbridge(events.alarm_state_change(identity="another"), CONTEXT)
    assert started(other) != started(first)
    assert len(bridge.runs_of(template)) == 2
    bridge.client.stop(started(other))


def test_what_no_rule_fits_is_nothing_to_do(bridge: Bridge, rules: SetRules) -> None:
    template = bridge.template()
    rules(
        starts(template, when="detail.state.value == 'ALARM'"),
        # Of an event without the text this function cannot be asked: then it does not fit.
        {**starts(template, when="starts_with(detail.name, 'checkout')"), "name": "other"},
    )
    for event in (events.alarm_state_change("OK"), events.scheduled(), {}, events.scheduler()):
        assert aws.eventbridge(event, CONTEXT) == {"result": "nothing", "experiments": []}
    assert aws.sqs(events.messages("no JSON", {"a": 1}), CONTEXT) == {"batchItemFailures": []}
    assert aws.sns(events.notifications("no JSON"), CONTEXT)["answers"][0]["result"] == "nothing"
    assert bridge.runs_of(template) == []


def test_the_first_rule_that_fits_counts(bridge: Bridge, rules: SetRules) -> None:
    first, second = bridge.template(), bridge.template()
    rules(
        starts(first, when="source == 'aws.events'"),
        {**starts(second), "name": "all the rest"},
    )
    run = started(aws.eventbridge(events.scheduled(), CONTEXT))
    other = started(aws.eventbridge(events.alarm_state_change(), CONTEXT))
    assert [one.id for one in bridge.runs_of(first)] == [run]
    assert [one.id for one in bridge.runs_of(second)] == [other]
    for one in (run, other):
        bridge.client.stop(one)


def test_a_schedule_of_eventbridge_scheduler_is_known_by_its_time(
    bridge: Bridge, rules: SetRules
) -> None:
    template = bridge.template()
    rules(starts(template))
    with pytest.raises(EventRefusedError, match=r"rules\[0\]\.eventId: is needed: a repetition"):
        aws.eventbridge(events.scheduler(), CONTEXT)
    rules(starts(template, eventId="join(' ', [schedule, scheduledTime])"))
    run = started(aws.eventbridge(events.scheduler(), CONTEXT))
    assert started(aws.eventbridge(events.scheduler(), CONTEXT)) == run
    other = started(aws.eventbridge(events.scheduler("2026-11-21T02:00:00Z"), CONTEXT))
    assert other != run
    rules(starts(template, eventId="detail.nothing"))
    with pytest.raises(EventRefusedError, match=r"eventId: found nothing in this event"):
        aws.eventbridge(events.scheduled(), CONTEXT)


def test_an_alarm_that_invokes_the_function_itself(bridge: Bridge, rules: SetRules) -> None:
    template = bridge.template()
    rules(starts(template, when="alarmData.state.value == 'ALARM'"))
    run = started(aws.any_event(events.alarm_action(), CONTEXT))
    assert started(aws.any_event(events.alarm_action(), CONTEXT)) == run
    later = events.alarm_action(at="2026-11-20T10:00:00.000+0000")
    assert started(aws.any_event(later, CONTEXT)) != run


def test_an_alarm_stops_the_runs_of_a_template(bridge: Bridge, rules: SetRules) -> None:
    ours, others = bridge.template(breaks=True), bridge.template()
    run, spared = bridge.start(ours), bridge.start(others)
    rules(
        {
            "name": "calm-down",
            "when": "detail.state.value == 'ALARM'",
            "stop": {"templateId": ours},
            "reason": {"from": "detail.state.reason"},
        }
    )
    answer = aws.eventbridge(events.alarm_state_change(), CONTEXT)
    assert answer["result"] == "stopping"
    assert [one["id"] for one in answer["experiments"]] == [run.id]
    ended = bridge.ended(run.id)
    assert ended.status is ExperimentStatus.STOPPED
    assert "Threshold Crossed: 1 datapoint" in ended.reason
    assert set(bridge.world.states) == {"whole"}
    assert not bridge.client.experiment(spared.id).status.ended
    # Delivered again there is nothing left to stop, and that is no error.
    again = aws.eventbridge(events.alarm_state_change(), CONTEXT)
    assert again == {"result": "stopping", "rule": "calm-down", "experiments": []}
    bridge.client.stop(spared.id)


def test_runs_are_stopped_by_tags_or_by_id(bridge: Bridge, rules: SetRules) -> None:
    template = bridge.template()
    tagged = bridge.start(template, team="checkout", stage="prod")
    partly = bridge.start(template, team="checkout")
    bare = bridge.start(template)
    wanted = {"team": {"from": "detail.team"}, "stage": "prod"}
    rules({"name": "by-tags", "stop": {"tags": wanted}})
    event = {**events.scheduled(), "detail": {"team": "checkout"}}
    answer = aws.eventbridge(event, CONTEXT)
    assert [one["id"] for one in answer["experiments"]] == [tagged.id]
    assert bridge.ended(tagged.id).reason == "Stopped by the trigger rule by-tags."
    rules({"name": "by-id", "stop": {"experimentId": {"from": "detail.run"}}})
    event = {**events.scheduled(), "detail": {"run": partly.id}}
    answer = aws.eventbridge(event, CONTEXT)
    assert [one["id"] for one in answer["experiments"]] == [partly.id]
    assert bridge.ended(partly.id).status is ExperimentStatus.STOPPED
    assert aws.eventbridge(event, CONTEXT)["experiments"] == [
        {"id": partly.id, "status": "stopped"}
    ]
    with pytest.raises(EventRefusedError, match=r"stop\.experimentId: the event has nothing at"):
        aws.eventbridge(events.scheduled(), CONTEXT)
    assert not bridge.client.experiment(bare.id).status.ended
    bridge.client.stop(bare.id)


def test_every_page_of_open_runs_is_looked_at(
    bridge: Bridge, rules: SetRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = bridge.template()
    runs = {bridge.start(template).id for _ in range(3)}
    rules({"name": "all", "stop": {"templateId": template}})
    whole = bridge.client.experiments
    client = trigger.configured().client
    monkeypatch.setattr(client, "experiments", lambda **how: whole(**how, limit=1))
    answer = aws.eventbridge(events.scheduled(), CONTEXT)
    assert {one["id"] for one in answer["experiments"]} == runs


def test_notifications_are_opened_and_known_by_what_is_in_them(
    bridge: Bridge, rules: SetRules
) -> None:
    template = bridge.template()
    alarm = "Message.NewStateValue == 'ALARM'"
    event = "Message.detail.state.value == 'ALARM'"
    in_queue = f"body.{event} || body.detail.state.value == 'ALARM' || body.{alarm}"
    rules(starts(template, when=f"{alarm} || {event} || {in_queue}"))
    (first,) = aws.sns(events.notifications(events.alarm_message()), CONTEXT)["answers"]
    assert (first["result"], len(bridge.runs_of(template))) == ("started", 1)
    # Another notification of the same words is another event.
    another = events.notifications(events.alarm_message(), identity="other")
    aws.sns(another, CONTEXT)
    assert len(bridge.runs_of(template)) == 2
    # One event of EventBridge, by whatever way it comes and however often.
    change = events.alarm_state_change(identity="by-many-ways")
    in_topic = events.notifications(change, identity="a topic's own")
    aws.eventbridge({**change, "Message": change}, CONTEXT)
    aws.sns(in_topic, CONTEXT)
    aws.sqs(events.messages(change, in_topic["Records"][0]["Sns"]), CONTEXT)
    assert len(bridge.runs_of(template)) == 3


def test_only_the_messages_that_failed_come_again(bridge: Bridge, rules: SetRules) -> None:
    template = bridge.template()
    rules(
        {
            "name": "asked",
            "when": "body.template",
            "start": {"templateId": {"from": "body.template"}},
        }
    )
    batch = events.messages({"template": template}, {"template": "EXTnone"}, {"template": 7}, "{")
    failed = aws.sqs(batch, CONTEXT)["batchItemFailures"]
    ids = [one["messageId"] for one in batch["Records"]]
    assert failed == [{"itemIdentifier": ids[1]}, {"itemIdentifier": ids[2]}]
    # The queue delivers what it has, the message that went well perhaps too.
    assert aws.sqs(batch, CONTEXT)["batchItemFailures"] == failed
    assert len(bridge.runs_of(template)) == 1


def test_a_fifo_queue_keeps_its_order(bridge: Bridge, rules: SetRules) -> None:
    template = bridge.template()
    rules(
        {
            "name": "asked",
            "when": "body.template",
            "start": {"templateId": {"from": "body.template"}},
        }
    )
    batch = events.messages({"template": "EXTnone"}, {"template": template}, group="one")
    other = events.messages({}, {}, {"template": template}, group="two")["Records"]
    answer = aws.sqs({"Records": [*batch["Records"], *other[2:]]}, CONTEXT)
    failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
    assert failed == [one["messageId"] for one in batch["Records"]]
    assert len(bridge.runs_of(template)) == 1


@pytest.mark.usefixtures("unreachable")
def test_a_bridge_that_is_away_has_the_event_delivered_again() -> None:
    with pytest.raises(BridgeUnavailableError, match="no bridge answers at"):
        aws.eventbridge(events.scheduled(), CONTEXT)
    with pytest.raises(BridgeUnavailableError):
        aws.sns(events.notifications("{}"), CONTEXT)
    batch = events.messages("a", "b")
    assert len(aws.sqs(batch, CONTEXT)["batchItemFailures"]) == 2


def test_one_refused_notification_does_not_hold_up_the_others(
    bridge: Bridge, rules: SetRules
) -> None:
    template = bridge.template()
    rules(starts(template) | {"start": {"templateId": {"from": "Message.template"}}})
    both = events.notifications({"template": "EXTnone"}, {"template": template})
    with pytest.raises(EventRefusedError, match=r"EXTnone"):
        aws.sns(both, CONTEXT)
    assert len(bridge.runs_of(template)) == 1


def test_a_rule_that_was_changed_starts_nothing_more_for_an_old_event(
    bridge: Bridge, rules: SetRules
) -> None:
    before, after = bridge.template(), bridge.template()
    event = events.scheduled("before the change")
    rules(starts(before))
    aws.eventbridge(event, CONTEXT)
    rules(starts(after))
    with pytest.raises(EventRefusedError, match="the rule starts was changed since") as refused:
        aws.eventbridge(event, CONTEXT)
    assert refused.value.status == 409
    assert bridge.runs_of(after) == []


def test_the_answers_are_json(bridge: Bridge, rules: SetRules) -> None:
    rules(starts(bridge.template()))
    for handler, event in (
        (aws.eventbridge, events.scheduled("json")),
        (aws.sns, events.notifications("x", identity="json")),
        (aws.sqs, events.messages("x")),
    ):
        json.dumps(handler(event, CONTEXT))
