"""Which signals a stop condition means, and how conditions are written."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from providers import registry
from providers.contract import ProviderError, StopSource
from providers.pushed.alertmanager import parse, written
from tests.signals.senders import DOWN, POLICY, RULE

PUSHED = ("azure:monitor:alert", "gcp:monitoring:alert-policy", "prometheus:alertmanager:alert")

ALERT = registry.stop_source("prometheus:alertmanager:alert")
AZURE = registry.stop_source("azure:monitor:alert")
GOOGLE = registry.stop_source("gcp:monitoring:alert-policy")


@pytest.mark.parametrize("name", sorted(registry.STOP_SOURCES))
async def test_only_what_can_be_asked_is_asked(name: str) -> None:
    source = registry.stop_source(name)
    assert source.source == name
    assert source.pushed == (name in PUSHED)
    assert len(name) <= 64, "the longest that FIS's clients take"
    if source.pushed:
        with pytest.raises(ProviderError, match="only heard"):
            await source.read(None, ["x"])


@pytest.mark.parametrize(
    ("source", "value"),
    [(ALERT, DOWN), (ALERT, 'ALERTS{ a = "b" }'), (AZURE, RULE), (GOOGLE, POLICY)],
)
def test_a_condition_that_is_written_well(source: StopSource, value: str) -> None:
    assert source.check_value(value) is None


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("CartsDown", 'write ALERTS{alertname="NAME"}'),
        ("ALERTS{}", "every alert"),
        ('ALERTS{a=""}', "every alert"),
        ('ALERTS{alertname=~"Carts.*"}', "=~"),
        ('ALERTS{a="b" c="d"}', "something else"),
        ('ALERTS{a="b",a="c"}', "twice"),
        ('ALERTS{alertname="A",alertstate="firing"}', "alertstate"),
        ('ALERTS{a="\\q"}', "as in JSON"),
    ],
)
def test_a_condition_of_alerts_that_means_nothing(value: str, complaint: str) -> None:
    assert complaint in (ALERT.check_value(value) or "")


@pytest.mark.parametrize(
    ("source", "value"),
    [(ALERT, 'ALERTS{a="b"}' + " " * 7), (ALERT, DOWN), (AZURE, RULE), (GOOGLE, POLICY)],
)
def test_fis_clients_take_a_condition_as_it_is(source: StopSource, value: str) -> None:
    shape: Any = (
        botocore.session.get_session()
        .get_service_model("fis")
        .shape_for("CreateExperimentTemplateStopConditionInput")
    )
    condition = {"source": source.source, "value": value}
    assert not ParamValidator().validate(condition, shape).has_errors()
    for name, text in condition.items():
        # What the service itself checks, and boto3 does not.
        limits = shape.members[name].metadata
        assert len(text) <= limits["max"]
        assert re.search(limits["pattern"], text)
    assert source.check_value(value) is None


def test_ids_of_other_things_are_refused() -> None:
    assert "alert rule" in (AZURE.check_value("/subscriptions/x/resourceGroups/y") or "")
    assert "alerting policy" in (GOOGLE.check_value("12942885046098191375") or "")


def test_an_alert_carries_all_labels_of_its_condition() -> None:
    said = written({"alertname": "CartsDown", "severity": "critical", "pod": "carts-1"})
    assert ALERT.matches(DOWN, said)
    assert ALERT.matches('ALERTS{alertname="CartsDown",team=""}', said)
    assert not ALERT.matches('ALERTS{alertname="CartsDown",pod=""}', said)
    assert not ALERT.matches('ALERTS{alertname="Carts"}', said)
    assert not ALERT.matches("CartsDown", said)


def test_a_rule_of_azure_whatever_its_case_and_with_or_without_its_id() -> None:
    subscription = RULE.split("/")[2]
    assert AZURE.matches(RULE, RULE.upper())
    assert AZURE.matches(RULE, f"/subscriptions/{subscription}/alertRules/Carts-Slow")
    assert not AZURE.matches(RULE, f"/subscriptions/{subscription}/alertRules/carts")
    assert not AZURE.matches(RULE, "/subscriptions/another/alertRules/carts-slow")
    assert not AZURE.matches(RULE, RULE.replace("/carts/", "/shop/"))


def test_a_policy_of_google_whether_its_project_has_a_name_or_a_number() -> None:
    assert GOOGLE.matches(POLICY, POLICY.replace("carts-prod", "292209335709"))
    assert not GOOGLE.matches(POLICY, POLICY + "0")
    assert not GOOGLE.matches(POLICY, "something")


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=5))
def test_labels_are_read_back_as_they_were_written(labels: dict[str, str]) -> None:
    assert parse(written(labels)) == labels
    assert "\n" not in written(labels)


@given(st.text(alphabet='ALERTS{}="\\,a ', max_size=40))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    for source in (ALERT, AZURE, GOOGLE):
        complaint = source.check_value(text)
        assert complaint is None or len(complaint) > 10
