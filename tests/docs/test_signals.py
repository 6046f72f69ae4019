"""What the page of signals shows is what the code takes and answers."""

from __future__ import annotations

import json

from bridge.client.documents import SignalReport
from bridge.dialects.signals import read_signals
from providers import registry
from tests.docs.pages import ROOT, blocks, spans

PAGE = ROOT / "docs" / "signals.md"


def test_the_signal_to_try_is_one_and_the_answer_is_what_comes() -> None:
    alarm, answer, _pattern = (
        json.loads(block.text) for block in blocks("json") if block.page == PAGE
    )
    (signal,) = read_signals(alarm)
    report = SignalReport.model_validate(answer)
    (heard,) = report.signals
    assert (heard.source, heard.value) == (signal.source, signal.value)
    assert (heard.state, heard.reason) == (signal.state, signal.reason)
    assert report.wire() == answer


def test_every_source_and_a_condition_of_each_stands_there() -> None:
    text = spans(PAGE)
    for name in registry.STOP_SOURCES:
        assert name in text
        source = registry.stop_source(name)
        if source.pushed:
            assert any(source.check_value(one) is None for one in text), name
