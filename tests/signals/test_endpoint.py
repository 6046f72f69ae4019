"""`POST /v1/signals`: who may, what it does, and what it answers."""

from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.client.documents import StartRequest
from bridge.model.experiment import ExperimentStatus
from bridge.settings import Settings
from tests.cli.doubles import document
from tests.signals.conftest import OTHER, TOKEN, Here
from tests.signals.senders import (
    ALARM,
    DOWN,
    POLICY,
    RULE,
    TOPIC,
    Sns,
    alert,
    azure,
    event,
    google,
    message,
    webhook,
)

CLOUDWATCH = ("aws:cloudwatch:alarm", ALARM)
PROMETHEUS = ("prometheus:alertmanager:alert", DOWN)
AZURE = ("azure:monitor:alert", RULE)
GOOGLE = ("gcp:monitoring:alert-policy", POLICY)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ringing(write: Any) -> dict[str, Any]:
    """Return an alarm's state change of just now."""
    written: dict[str, Any] = write()
    if "detail" in written:
        written["time"] = written["detail"]["state"]["timestamp"] = now()
    else:
        written["StateChangeTime"] = now()
    return written


# --- what it does ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "signal"),
    [
        pytest.param(CLOUDWATCH, lambda: ringing(event), id="eventbridge"),
        pytest.param(CLOUDWATCH, lambda: ringing(message), id="alarm"),
        pytest.param(PROMETHEUS, lambda: webhook(alert(pod="carts-1")), id="alertmanager"),
        pytest.param(AZURE, azure, id="azure"),
        pytest.param(AZURE, lambda: azure(rule=RULE), id="azure-with-id"),
        pytest.param(GOOGLE, google, id="google"),
    ],
)
async def test_a_signal_stops_the_run_that_waits_for_it_and_no_other(
    here: Here, condition: tuple[str, str], signal: Any
) -> None:
    run = await here.run(condition)
    answer = await here.push(signal())
    assert answer.status_code == 202
    assert answer.json()["stopped"] == [run]
    (heard,) = answer.json()["signals"]
    assert heard["state"] == "triggered"
    assert heard["stopped"] == [run]
    ended = await here.ended(run)
    assert ended.status is ExperimentStatus.STOPPED
    assert ended.reason == "Experiment halted by stop condition."
    assert set(here.world.states) == {"whole"}
    (asked,) = [
        one.details
        for one in (await here.client.events(run)).events
        if one.type == "stop-requested"
    ]
    assert asked["cause"] == condition[1]
    assert asked["pushed"] is True
    assert asked["source"] == condition[0]
    assert asked["signal"] == heard["reason"] != ""


async def test_a_run_is_woken_at_once(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await here.run(PROMETHEUS)
    woken: list[str] = []
    monkeypatch.setattr(here.process.bridge.dispatcher, "wake", woken.append)
    await here.push(webhook(alert("resolved")))
    assert woken == []
    await here.push(webhook())
    assert woken == [run]


async def test_a_signal_that_nothing_waits_for_stops_nothing(here: Here) -> None:
    run = await here.run(PROMETHEUS)
    for other in (google(), azure(), ringing(event), webhook(alert(alertname="ShopDown"))):
        answer = await here.push(other)
        assert (answer.status_code, answer.json()["stopped"]) == (202, [])
    assert not (await here.client.experiment(run)).status.ended


async def test_a_clear_signal_stops_nothing_and_is_shown(here: Here) -> None:
    run = await here.run(PROMETHEUS)
    (before,) = (await here.client.experiment(run)).stop_conditions
    assert before.state is None
    answer = await here.push(webhook(alert("resolved")))
    assert (answer.status_code, answer.json()["stopped"]) == (202, [])
    (after,) = (await here.client.experiment(run)).stop_conditions
    assert after.state == "clear"
    assert not (await here.client.experiment(run)).status.ended


async def test_a_repeat_harms_nothing(here: Here) -> None:
    run = await here.run(PROMETHEUS)
    for _ in range(3):
        assert (await here.push(webhook())).json()["stopped"] in ([run], [])
    await here.ended(run)
    entries = (await here.client.events(run)).events
    assert sum(one.type == "stop-requested" for one in entries) == 1
    await here.push(webhook())
    await here.process.settled()
    assert (await here.client.events(run, after=entries[-1].sequence)).events == ()


async def test_alerts_of_one_post_stop_a_run_once_and_no_other(here: Here) -> None:
    run = await here.run(PROMETHEUS)
    template = {
        **document(seconds=60),
        "stopConditions": [{"source": AZURE[0], "value": AZURE[1]}],
    }
    other = (await here.client.start(StartRequest(template=template))).id
    await here.ended(other)  # the things are held by the first
    answer = await here.push(webhook(alert(), alert(pod="b"), alert("resolved", pod="c")))
    assert [one["stopped"] for one in answer.json()["signals"]] == [[run], [run], []]
    assert answer.json()["stopped"] == [run]
    await here.ended(run)


async def test_an_alert_that_is_firing_keeps_a_run_from_beginning(here: Here) -> None:
    await here.push(webhook(alert(pod="a"), alert(pod="b")))
    await here.push(webhook(alert("resolved", pod="a")))
    run = await here.run(PROMETHEUS, broken=False)
    ended = await here.ended(run)
    assert ended.status is ExperimentStatus.STOPPED
    assert {one.status.value for one in ended.actions} <= {"cancelled", "pending"}
    assert here.world.reverts == 0
    assert ended.stop_conditions[0].state == "triggered"
    await here.push(webhook(alert("resolved", pod="b")))
    again = await here.run(PROMETHEUS)
    assert (await here.client.experiment(again)).stop_conditions[0].state == "clear"


class TestSilence:
    """A bridge that bears unread conditions for a moment only."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"stop_unreadable": timedelta(seconds=0.2)})

    async def test_a_condition_that_nobody_pushes_stops_no_run(self, here: Here) -> None:
        run = await here.run(PROMETHEUS)
        started = (await here.client.experiment(run)).now
        over = started + 3 * here.process.settings.stop_unreadable
        await here.until(run, lambda detail: detail.now > over)
        assert not (await here.client.experiment(run)).status.ended


async def test_a_change_of_before_a_run_says_nothing_of_one_that_reads_its_alarm(
    here: Here,
) -> None:
    # SNS and EventBridge deliver late; the run has read the alarm when it began, and it was clear.
    run = await here.run(CLOUDWATCH)
    old = event()
    old["detail"]["state"]["timestamp"] = "2026-03-01T10:00:00Z"
    assert (await here.push(old)).json()["stopped"] == []
    assert not (await here.client.experiment(run)).status.ended


async def test_validation_says_that_a_condition_is_only_heard(here: Here) -> None:
    conditions = [{"source": PROMETHEUS[0], "value": DOWN}, {"source": AZURE[0], "value": "x" * 20}]
    judged = await here.client.validate({**document(), "stopConditions": conditions})
    warning, error = (one for one in judged.problems if one.path.startswith("stop"))
    assert (warning.path, warning.severity) == ("stopConditions[0]", "warning")
    assert "POST /v1/signals" in warning.message
    assert (error.path, error.severity) == ("stopConditions[1].value", "error")


# --- who may --------------------------------------------------------------------------------


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "credentials",
    [
        {"headers": {"authorization": f"Bearer {TOKEN}"}},
        {"headers": {"authorization": f"bearer {OTHER}"}},
        {"headers": {"authorization": basic(TOKEN)}},
        {"params": {"token": OTHER}},
    ],
)
async def test_a_token_is_taken_where_a_sender_can_put_it(
    here: Here, credentials: dict[str, Any]
) -> None:
    answer = await here.http.post("/v1/signals", json=webhook(), **credentials)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"headers": {"authorization": "Bearer wrong-token-of-some-length"}},
        {"headers": {"authorization": f"Bearer {TOKEN}x"}},
        {"headers": {"authorization": f"Token {TOKEN}"}},
        {"headers": {"authorization": TOKEN}},
        {"headers": {"authorization": "Basic \u00e9"}},
        {"headers": {"authorization": "Basic %%%"}},
        {"headers": {"authorization": basic("")}},
        {"params": {"token": "wrong-token-of-some-length"}},
        {"params": {"token": ""}},
        {"params": {"Token": TOKEN}},
    ],
)
async def test_without_a_token_nothing_is_heard_and_nothing_repeated(
    here: Here, credentials: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bridge")
    run = await here.run(PROMETHEUS)
    raw = {k: v.encode("latin-1") for k, v in credentials.get("headers", {}).items()}
    options = {**credentials, **({"headers": raw} if raw else {})}
    for body in (webhook(), {"not": "known"}):
        answer = await here.http.post("/v1/signals", json=body, **options)
        assert answer.status_code == 401
        # SNS gives the password of a URL only after it was asked so.
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert "FAULTBRIDGE_SIGNAL_TOKENS" in answer.json()["detail"]
        assert "wrong" not in answer.text
        assert "token-that" not in caplog.text + answer.text
    assert not (await here.client.experiment(run)).status.ended


async def test_no_body_tells_a_stranger_more_than_that_he_is_one(here: Here) -> None:
    for body in (b"", b"{", b"[" * 100_000, b'{"a":1,"a":2}', b"\xff"):
        stranger = await here.http.post("/v1/signals", content=body)
        assert stranger.status_code == 401
        known = await here.http.post("/v1/signals", params={"token": TOKEN}, content=body)
        assert known.status_code == 400


class TestClosed:
    """A bridge for which nothing was set."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"signal_tokens": (), "signal_topics": ()})

    @pytest.mark.parametrize("token", [None, TOKEN, ""])
    async def test_it_is_closed_and_says_how_to_open_it(
        self, here: Here, token: str | None
    ) -> None:
        answer = await here.push(webhook(), token=token)
        assert answer.status_code == 403
        assert "FAULTBRIDGE_SIGNAL_TOKENS" in answer.json()["detail"]
        assert (await here.push(here.aws.sns.notification(message()))).status_code == 403
        assert here.aws.asked == []


async def test_what_is_wrong_with_a_document_is_said(here: Here) -> None:
    answer = await here.push({"hello": "world"})
    assert answer.status_code == 400
    assert 'an Alertmanager webhook of version "4"' in answer.json()["detail"]
    answer = await here.push({**webhook(), "alerts": [{"status": "odd", "labels": {"a": "b"}}]})
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["path"] == "alerts[0].status"


async def test_settings_show_no_token(settings: Settings) -> None:
    assert TOKEN not in repr(settings) + str(settings.model_dump())


# --- topics ---------------------------------------------------------------------------------


async def test_a_topics_message_stops_a_run_without_a_token(here: Here) -> None:
    run = await here.run(CLOUDWATCH)
    for kind in (message, event):
        for version in "12":
            posted = here.aws.sns.notification(ringing(kind), SignatureVersion=version)
            # SNS says that it is text.
            answer = await here.http.post(
                "/v1/signals", json=posted, headers={"content-type": "text/plain; charset=UTF-8"}
            )
            assert answer.status_code == 202, answer.text
            assert answer.json()["stopped"] in ([run], [])
    assert (await here.ended(run)).status is ExperimentStatus.STOPPED
    assert here.aws.asked == [
        "sns.us-east-1.amazonaws.com GET /SimpleNotificationService-0123abcd.pem HTTP/1.1"
    ], "fetched once and kept"


async def test_a_subscription_is_confirmed_for_an_allowed_topic_only(here: Here) -> None:
    answer = await here.push(here.aws.sns.confirmation(), token=None)
    assert answer.status_code == 202
    assert TOPIC in answer.json()["note"]
    assert "?Action=ConfirmSubscription&TopicArn=" in here.aws.asked[-1]
    asked = len(here.aws.asked)
    other = here.aws.sns.confirmation(TopicArn=TOPIC + "2")
    for token in (None, TOKEN):
        answer = await here.push(other, token=token)
        assert answer.status_code == 403
        assert "FAULTBRIDGE_SIGNAL_TOPICS" in answer.json()["detail"]
    ended = here.aws.sns.confirmation("UnsubscribeConfirmation")
    assert "has ended" in (await here.push(ended, token=None)).json()["note"]
    assert len(here.aws.asked) == asked


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_message_that_the_topic_did_not_sign_counts_for_nobody(
    here: Here, token: str | None
) -> None:
    run = await here.run(CLOUDWATCH)
    forged = Sns(datetime.now(UTC)).notification(ringing(message))
    answer = await here.push(forged, token=token)
    assert answer.status_code == 403
    assert "signature" in answer.json()["detail"]
    old = Sns(datetime.now(UTC) - timedelta(hours=2)).notification(message())
    assert "more than an hour" in (await here.push(old, token=token)).json()["detail"]
    assert not (await here.client.experiment(run)).status.ended


async def test_a_certificate_that_cannot_be_had_is_a_failure_that_passes(here: Here) -> None:
    posted = here.aws.sns.notification(ringing(message))
    for status, body, location in (
        ("302 Found", b"", "https://sns.us-east-1.amazonaws.com/other.pem"),
        ("500 Oops", b"", ""),
        ("200 OK", b"x" * 70_000, ""),
    ):
        here.aws.status, here.aws.body, here.aws.location = status, body, location
        answer = await here.push(posted, token=None)
        assert answer.status_code == 503, "SNS tries again"
        assert "certificate" in answer.json()["detail"]
    assert len(here.aws.asked) == 3, "no redirect is followed"
    here.aws.status, here.aws.body = "200 OK", b"<html>"
    assert (await here.push(posted, token=None)).status_code == 403
    here.aws.body = None
    assert (await here.push(posted, token=None)).status_code == 202


async def test_a_topics_other_messages_are_refused(here: Here) -> None:
    for inner in ("hello", {"hello": "world"}, "{"):
        posted = here.aws.sns.notification(inner)
        assert (await here.push(posted, token=None)).status_code == 400
