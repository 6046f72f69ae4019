"""The document of rules: what is read, what is refused and how, and what becomes of an event."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.api.native.judging import judge
from bridge.catalog import Catalog
from bridge.model.problem import InvalidDocumentError, Severity
from bridge.model.scope import Scope
from bridge.settings import Settings
from bridge.triggers.errors import EventRefusedError, NotSetUpError
from bridge.triggers.event import Event, opened, own_id
from bridge.triggers.expressions import LONGEST, Expression, ExpressionError
from bridge.triggers.rules import Rules, Start
from bridge.triggers.rules_reading import MOST_RULES, read_rules, read_rules_file
from bridge.triggers.trigger import trigger_of

ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def rules(*listed: Any) -> Rules:
    return read_rules(json.dumps({"rules": listed}))


def refused(*listed: Any) -> list[str]:
    with pytest.raises(InvalidDocumentError) as found:
        rules(*listed)
    return [str(problem) for problem in found.value.problems]


def starting(**start: Any) -> dict[str, Any]:
    return {"name": "one", "start": start}


def asked(document: Any, **start: Any) -> dict[str, Any]:
    """Return the request that a rule makes of an event."""
    (rule,) = rules(starting(**start)).rules
    assert isinstance(rule.does, Start)
    return rule.does.request(document, rule=rule.name, token="t").wire()


def test_a_rule_about_a_stored_template() -> None:
    found = asked(
        {"id": "EXT2", "who": "me"}, templateId={"from": "id"}, tags={"who": {"from": "who"}}
    )
    assert (found["templateId"], found["tags"], found["clientToken"]) == (
        "EXT2",
        {"who": "me"},
        "t",
    )
    assert asked({}, templateId="from")["templateId"] == "from"


def test_a_rule_about_an_action_template_makes_a_valid_experiment() -> None:
    found = asked(
        {"ns": "shop", "latency": "250ms"},
        actionTemplate="network-delay@1",
        parameters={
            "namespace": {"from": "ns"},
            "labels": {"app": "checkout"},
            "latency": {"from": "latency"},
        },
        roleArn=ROLE,
        cluster="arn:aws:eks:us-east-1:123456789012:cluster/shop",
    )
    template = found["template"]
    assert judge(Catalog(Settings()), SCOPE, template).valid
    (action,) = template["actions"].values()
    assert action == {
        "actionId": "k8s:action-template/network-delay@1",
        "parameters": {"namespace": "shop", "labels": {"app": "checkout"}, "latency": "250ms"},
        "targets": {"Cluster": "Cluster"},
    }
    # What the event says is a value, whatever it holds: no field, no placeholder comes of it.
    hostile = asked(
        {"ns": 'x", "mode": "all'},
        actionTemplate="network-delay",
        parameters={"namespace": {"from": "ns"}, "labels": "app=x", "latency": "1ms"},
        roleArn=ROLE,
        cluster="arn:aws:eks:us-east-1:123456789012:cluster/shop",
    )
    judged = judge(Catalog(Settings()), SCOPE, hostile["template"])
    wrong = [one.path for one in judged.problems if one.severity is Severity.ERROR]
    assert wrong == ["actions.Action.parameters.namespace"]


def test_an_action_template_without_a_cluster_and_with_stop_conditions() -> None:
    alarm = {"source": "aws:cloudwatch:alarm", "value": "arn:aws:cloudwatch:us-east-1:1:alarm:a"}
    template = asked(
        {}, actionTemplate="k8s:action-template/x@2", roleArn=ROLE, stopConditions=[alarm]
    )["template"]
    assert template["stopConditions"] == [alarm]
    assert "targets" not in template
    assert template["actions"]["Action"]["actionId"] == "k8s:action-template/x@2"


TEMPLATE = {"templateId": "x"}
WRONG: list[tuple[list[Any], tuple[str, ...]]] = [
    ([], ("rules: must be a list of 1 to 100 rules",)),
    ([7], ('rules[0]: must be an object with "name", "when", "start", "stop", "eventId", ',)),
    ([{"name": "a"}], ('rules[0]: must have either "start" or "stop"',)),
    (
        [{"name": "a", "start": TEMPLATE, "stop": TEMPLATE}],
        ('rules[0]: must have either "start" or "stop"',),
    ),
    ([{"start": TEMPLATE}], ("rules[0].name: must be a text of 1 to 64 characters",)),
    (
        [{"name": "a", "start": TEMPLATE}, {"name": "a", "stop": TEMPLATE}],
        ('rules[1].name: "a" stands twice; rename one',),
    ),
    (
        [starting(templateID="x")],
        (
            'rules[0].start.templateID: is not known; did you mean "templateId"?',
            'rules[0].start: must have either "templateId" or "actionTemplate"',
        ),
    ),
    (
        [starting(templateId="x", roleArn=ROLE)],
        ("rules[0].start.roleArn: goes with an action template; a stored template says it",),
    ),
    (
        [starting(actionTemplate="Net work")],
        (
            "rules[0].start.roleArn: is required: the role as which the fault is injected",
            'rules[0].start.actionTemplate: "Net work" does not name an action template; write',
        ),
    ),
    (
        [{"name": "a", "stop": {"tags": {}}}],
        ("rules[0].stop.tags: must have at least one tag: none would be every run",),
    ),
    (
        [{"name": "a", "stop": {"tags": {"a": "b"}, "templateId": "x"}}],
        ('rules[0].stop: must have one of "experimentId", "templateId" and "tags"',),
    ),
    (
        [{"name": "a", "stop": {"experimentId": 7}, "eventId": "id"}],
        (
            "rules[0].eventId: is for rules that start something: to stop twice is to stop once",
            'rules[0].stop.experimentId: must be a text, or {"from": EXPRESSION} for what is',
        ),
    ),
    (
        [{**starting(templateId="x"), "reason": "because"}],
        ("rules[0].reason: is for rules that stop something; remove it, or write tags",),
    ),
    (
        [starting(actionTemplate="x", roleArn=ROLE, parameters={"a": None}, stopConditions={})],
        (
            "rules[0].start.parameters.a: must be a text, or",
            "rules[0].start.stopConditions: must be a list as in a FIS template",
        ),
    ),
    (
        [{**starting(templateId="x"), "when": True}],
        ("rules[0].when: must be a JMESPath expression, as a text",),
    ),
    (
        [{**starting(templateId="x"), "when": "a" * (LONGEST + 1)}],
        ("rules[0].when: has 1025 characters; shorten it to 1024",),
    ),
    (
        [{**starting(templateId="x"), "when": "(" * LONGEST}],
        ("rules[0].when: is nested too deep; write it flatter",),
    ),
]


@pytest.mark.parametrize(("listed", "problems"), WRONG, ids=lambda one: str(one)[:40])
def test_what_is_wrong_is_told_by_its_path(listed: list[Any], problems: tuple[str, ...]) -> None:
    found = refused(*listed)
    assert len(found) == len(problems), found
    for told, expected in zip(found, problems, strict=True):
        assert told.startswith(expected)


@pytest.mark.parametrize("text", ["a b", "a.", "[", "a ==", "`{`", "foo(a)", "'a", '"a', "@@", "&"])
def test_what_is_no_expression_is_refused_when_the_rules_are_read(text: str) -> None:
    (problem,) = refused({**starting(templateId={"from": "a"}), "when": text})
    assert problem.startswith("rules[0].when: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("start_with(a, 'b')", '"start_with", which is not known; did you mean "starts_with"?'),
        ("a[?!(xyz(b))]", '"xyz", which is not known; there is abs, avg, ceil'),
        ("starts_with(a)", "gives starts_with() 1 arguments; it takes 2"),
        ("not_null()", "gives not_null() 0 arguments; it takes 1 or more"),
        ("a == `ALARM`", "write a text in single quotes"),
        ("a = 'b'", "Bad jmespath expression: Unknown token '='"),
    ],
)
def test_what_would_never_fit_is_refused_with_a_mend(text: str, words: str) -> None:
    (problem,) = refused({**starting(templateId="x"), "when": text})
    assert words in problem


def test_too_many_rules() -> None:
    many = [{"name": str(number), **starting(templateId="x")} for number in range(MOST_RULES + 1)]
    assert refused(*many) == ["rules: must be a list of 1 to 100 rules"]


def test_what_is_written_wrongly_is_told_by_line_and_column() -> None:
    with pytest.raises(InvalidDocumentError, match=r"line 3, column 5: stands twice"):
        read_rules("rules:\n  - name: a\n    name: b\n")
    with pytest.raises(InvalidDocumentError, match=r"is larger than 262144 bytes"):
        read_rules(" " * (256 * 1024 + 1))


@given(JSON)
@settings(max_examples=60)
def test_any_document_is_read_or_refused(document: Any) -> None:
    with contextlib.suppress(InvalidDocumentError):
        read_rules(json.dumps({"rules": [document]}))


@given(st.text(max_size=60))
@settings(max_examples=100)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        compiled = Expression.compile(text)
    except ExpressionError:
        return
    compiled.fits({"a": [1, {"b": "c"}]})


@given(JSON)
@settings(max_examples=60)
def test_no_event_makes_rules_fail(document: Any) -> None:
    found = rules(
        {**starting(templateId="x"), "when": "starts_with(a, 'x') || length(b) > `1`"},
        {"name": "two", "when": "a.b[0].c == 'd'", "start": {"templateId": "x"}},
    )
    event = opened(document)
    found.rule_for(Event(event, own_id(event)))


@given(JSON)
@settings(max_examples=60)
def test_a_text_of_json_is_opened_and_other_texts_stay(document: Any) -> None:
    text = json.dumps(document)
    expected = document if isinstance(document, dict | list) else text
    if not (isinstance(expected, dict) and expected.get("Type") == "Notification"):
        assert opened(text) == expected


def test_notifications_within_notifications_are_opened_to_a_depth() -> None:
    inner: Any = json.dumps({"detail-type": "x", "id": "innermost"})
    for number in range(3):
        envelope = {"Type": "Notification", "TopicArn": "t", "MessageId": str(number)}
        inner = json.dumps({**envelope, "Message": inner})
    assert own_id(opened(inner)) == "innermost"
    endless: Any = {"Type": "Notification", "TopicArn": "t", "MessageId": "m", "Message": "text"}
    for _ in range(8):  # each level doubles the signs of escape
        endless = {**endless, "Message": json.dumps(endless)}
    assert own_id(opened(endless)) == "m"


@pytest.mark.parametrize(
    ("text", "value", "fits"),
    [
        ("a", 0, True),
        ("a", False, False),
        ("a", "", False),
        ("a", [], False),
        ("a", {}, False),
        ("a", None, False),
        ("a", "false", True),
        ("a", [0], True),
    ],
)
def test_what_is_true_is_as_jmespath_has_it(text: str, value: Any, fits: bool) -> None:
    assert Expression.compile(text).fits({"a": value}) is fits


def test_tokens_differ_by_rule_and_event_and_nothing_else() -> None:
    one, two = rules(starting(templateId="x"), {**starting(templateId="x"), "name": "two"}).rules
    tokens = {
        rule.token(Event({"any": number}, identity))
        for number in range(2)
        for rule in (one, two)
        for identity in ("a", "b", "a" * 5000)
    }
    assert len(tokens) == 6
    assert all(len(token) < 100 for token in tokens)


def test_an_event_id_may_be_anything_that_is_found() -> None:
    (rule,) = rules({**starting(templateId="x"), "eventId": "key"}).rules
    keys: list[Any] = ["1", 1, [1], {"a": 1}, 1.5, False, 0]
    assert len({rule.token(Event({"key": key}, "same")) for key in keys}) == len(keys)
    for nothing in (None, ""):
        with pytest.raises(EventRefusedError, match=r"rules\[0\]\.eventId: found nothing"):
            rule.token(Event({"key": nothing}, "same"))


def test_rules_come_from_a_file_or_from_the_variable_itself(tmp_path: Path) -> None:
    document = {"rules": [starting(templateId="x")]}
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(document))
    assert [one.name for one in read_rules_file(path).rules] == ["one"]
    for given_rules in (str(path), json.dumps(document), yaml.safe_dump(document)):
        environ = {
            "FAULTBRIDGE_URL": "http://127.0.0.1:1/",
            "FAULTBRIDGE_TRIGGER_RULES": given_rules,
        }
        trigger_of(environ).client.close()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"FAULTBRIDGE_URL": ""}, "FAULTBRIDGE_URL: write where the bridge is"),
        ({"FAULTBRIDGE_URL": "chaos.example.com"}, "FAULTBRIDGE_URL: write where the bridge is"),
        ({"FAULTBRIDGE_TRIGGER_RULES": " "}, "FAULTBRIDGE_TRIGGER_RULES: write the name of the"),
        ({"FAULTBRIDGE_TRIGGER_RULES": "none.yaml"}, "none.yaml cannot be read (No such file"),
        ({"FAULTBRIDGE_TRIGGER_RULES": "{}"}, "FAULTBRIDGE_TRIGGER_RULES: "),
        ({"FAULTBRIDGE_TOKEN": "t"}, "write an https URL"),
        ({"FAULTBRIDGE_ACCESS_KEY_ID": "t"}, "FAULTBRIDGE_SECRET_ACCESS_KEY is not; set both"),
        ({"FAULTBRIDGE_TOKEN_FROM": "aws"}, "FAULTBRIDGE_TOKEN_AUDIENCE is not; set both"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(environ: dict[str, str], words: str) -> None:
    fine = {
        "FAULTBRIDGE_URL": "http://chaos.example.com",
        "FAULTBRIDGE_TRIGGER_RULES": json.dumps({"rules": [starting(templateId="x")]}),
    }
    with pytest.raises(NotSetUpError) as found:
        trigger_of({**fine, **environ})
    assert words in str(found.value)
