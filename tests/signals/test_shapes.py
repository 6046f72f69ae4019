"""Each sender's format is read as it is, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.dialects.signals import ACCEPTED, UnknownShapeError, read_signals
from bridge.model.moment import Micros
from bridge.model.signal import Signal, SignalState
from tests.signals.senders import (
    ALARM,
    POLICY,
    RULE,
    alert,
    azure,
    event,
    google,
    message,
    webhook,
)

TEN_O_CLOCK = 1_772_359_200_000_000


def one(document: dict[str, Any]) -> Signal:
    (signal,) = read_signals(document)
    return signal


@pytest.mark.parametrize("write", [event, message])
def test_an_alarm_of_cloudwatch(write: Any) -> None:
    signal = one(write("ALARM"))
    assert (signal.source, signal.value) == ("aws:cloudwatch:alarm", ALARM)
    assert signal.state is SignalState.TRIGGERED
    assert signal.reason == "p99 is 900 ms"
    assert signal.at == Micros(TEN_O_CLOCK + 250_000)
    assert {one(write(state)).state for state in ("OK", "INSUFFICIENT_DATA")} == {SignalState.CLEAR}


def test_an_event_has_an_id_and_one_alarm() -> None:
    assert one(event()).event == "2d5f3a3e-1111-4222-8333-444455556666"
    with pytest.raises(ValidationError, match="resources"):
        read_signals(event(resources=[]))
    with pytest.raises(ValidationError, match="detail-type"):
        read_signals(event(**{"detail-type": "EC2 Instance State-change Notification"}))


def test_each_alert_of_alertmanager_is_a_signal() -> None:
    first, second = read_signals(webhook(alert(), alert("resolved", pod='a "b"\\')))
    assert first.value == 'ALERTS{alertname="CartsDown",severity="critical"}'
    assert first.state is SignalState.TRIGGERED
    assert first.reason == "carts do not answer"
    assert first.at is None, "it is repeated: it says what is so now"
    assert second.state is SignalState.CLEAR
    assert second.value == ('ALERTS{alertname="CartsDown",pod="a \\"b\\"\\\\",severity="critical"}')
    assert read_signals({**webhook(), "alerts": []}) == []


def test_alertmanagers_version_is_four() -> None:
    with pytest.raises(ValidationError, match="version"):
        read_signals({**webhook(), "version": "5"})


def test_an_alert_of_azure() -> None:
    fired, resolved = one(azure("Fired")), one(azure("Resolved"))
    assert fired.source == "azure:monitor:alert"
    assert fired.value == f"/subscriptions/{RULE.split('/')[2]}/alertRules/carts-slow"
    assert (fired.state, resolved.state) == (SignalState.TRIGGERED, SignalState.CLEAR)
    assert fired.key == resolved.key, "the same alert, and no other of the rule"
    assert fired.key != one(azure("Fired", number=2)).key
    assert (fired.at, resolved.at) == (TEN_O_CLOCK + 371_321, TEN_O_CLOCK + 300_224_631)
    assert one(azure(rule=RULE.lower())).value == RULE.lower()


def test_an_incident_of_google() -> None:
    opened, closed = one(google("open")), one(google("closed"))
    assert (opened.source, opened.value) == ("gcp:monitoring:alert-policy", POLICY)
    assert (opened.state, closed.state) == (SignalState.TRIGGERED, SignalState.CLEAR)
    assert (opened.at, closed.at) == (TEN_O_CLOCK, TEN_O_CLOCK + 300_000_000)
    assert one({**google("OPEN"), "version": "test"}).state is SignalState.TRIGGERED
    with pytest.raises(ValidationError, match="version"):
        read_signals({**google(), "version": "2"})


@pytest.mark.parametrize("document", [None, [], "x", {}, {"alert": 1}, {"version": "4"}])
def test_another_shape_is_refused_with_what_is_accepted(document: Any) -> None:
    with pytest.raises(UnknownShapeError) as refused:
        read_signals(document)
    assert all(one in str(refused.value) for one in ACCEPTED)


def test_a_reason_is_one_short_line_whatever_was_sent() -> None:
    document = event()
    document["detail"]["state"]["reason"] = "\x1b[31mred\n\n" + "x" * 100_000
    reason = one(document).reason
    assert reason.startswith("[31mred xxx")
    assert len(reason) == 512
    document["detail"]["state"]["reason"] = None
    assert one(document).reason == ""


def test_a_condition_is_no_text_of_several_lines() -> None:
    # The store keeps what is said of an alert under the condition and, after a line break, its id.
    with pytest.raises(ValidationError, match="alertRule"):
        read_signals(azure(rule=RULE + "\nx"))
    with pytest.raises(ValidationError, match="resources"):
        read_signals(event(alarm=ALARM + "\nx"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3)
    ),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["detail-type", "detail", "resources", "source", "id", "AlarmName", "NewStateValue"]
) | st.sampled_from(
    ["alerts", "version", "labels", "status", "schemaId", "data", "incident", "condition"]
)


@given(JSON | st.dictionaries(MEMBERS, JSON, max_size=5))
def test_anything_is_read_or_refused(document: Any) -> None:
    try:
        signals = read_signals(document)
    except (UnknownShapeError, ValidationError):
        return
    assert all(isinstance(signal, Signal) for signal in signals)


@given(st.sampled_from([event(), message(), webhook(), azure(), google()]), st.data())
def test_a_document_with_something_else_in_it_is_read_or_refused(
    document: dict[str, Any], data: st.DataObject
) -> None:
    changed = dict(document)
    path = data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=4))
    place: Any = changed
    for step in path[:-1]:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            break
        key = keys[step % len(keys)]
        if not isinstance(place[key], dict | list) or not place[key]:
            break
        place[key] = type(place[key])(place[key])
        place = place[key]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    if keys:
        place[keys[path[-1] % len(keys)]] = data.draw(JSON)
    try:
        read_signals(changed)
    except (UnknownShapeError, ValidationError):
        return
