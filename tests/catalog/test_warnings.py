"""Warnings: what the author should know, though the template is accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.catalog import Catalog
from bridge.model.problem import Severity
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.settings import Settings
from tests.catalog.conftest import ALARM, ROLE
from tests.catalog.doubles import FAULTS, RESOLVERS, STOP_SOURCES

Messages = Callable[..., dict[str, str]]

TAGGED = {
    "resourceType": "aws:ec2:instance",
    "resourceTags": {"env": "test"},
    "selectionMode": "ALL",
}


def wait(duration: str = "PT5M", **parts: Any) -> dict[str, Any]:
    return {"actionId": "aws:fis:wait", "parameters": {"duration": duration}} | parts


def test_an_unused_target(warnings: Messages) -> None:
    assert "no action uses this target" in warnings(targets={"x": TAGGED})["targets.x"]


def test_no_stop_condition(warnings: Messages) -> None:
    for conditions in ([], [{"source": "none"}]):
        assert "add an alarm" in warnings(stopConditions=conditions)["stopConditions"]


def test_what_happens_to_a_fault_in_the_end(warnings: Messages) -> None:
    def of(action_id: str, **parameters: str) -> dict[str, str]:
        action = {
            "actionId": action_id,
            "parameters": parameters,
            "targets": {"Instances": "some"},
        }
        return warnings(actions={"a": action}, targets={"some": TAGGED})

    lasting = of("aws:ec2:stop-instances")["actions.a"]
    assert 'without "startInstancesAfterDuration": the fault stays when the action completes' in (
        lasting
    )
    assert "still undoes it" in lasting
    assert "cannot be undone" in of("aws:ec2:terminate-instances")["actions.a"]
    assert of("aws:ec2:stop-instances", startInstancesAfterDuration="PT5M") == {}


@pytest.mark.parametrize(
    ("parts", "path", "message"),
    [
        (
            {"actions": {f"a{n}": wait(startAfter=[f"a{n - 1}"] if n else []) for n in range(21)}},
            "actions",
            "21 actions: its quota is 20",
        ),
        (
            {"actions": {f"a{n}": wait() for n in range(11)}},
            "actions",
            "11 actions side by side: its quota is 10",
        ),
        (
            {"actions": {"a": wait("PT7H"), "b": wait("PT7H", startAfter=["a"])}},
            "actions",
            "a run of PT14H: its quota is PT12H",
        ),
        (
            {"stopConditions": [{"source": "aws:cloudwatch:alarm", "value": ALARM}] * 6},
            "stopConditions",
            "6 stop conditions: its quota is 5",
        ),
        (
            {"actions": {"a": {"actionId": "gcp:compute:stop-instances"}}},
            "actions.a.actionId",
            "it is an action of ours",
        ),
    ],
)
def test_what_the_real_service_would_refuse(
    warnings: Messages, parts: dict[str, Any], path: str, message: str
) -> None:
    assert (
        f"the real AWS FIS would refuse {message}"
        in [found for where, found in warnings(**parts).items() if where == path]
        or message in warnings(**parts)[path]
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ('{"a": "' + "x" * 1100 + '"}', "1109 characters: it takes 1024"),
        ("mode: one", "YAML: it takes JSON in a string"),
        ('{"mode": "one"}', None),
    ],
)
def test_specs_that_the_real_service_would_refuse(
    warnings: Messages, spec: str, message: str | None
) -> None:
    action = {
        "actionId": "aws:eks:inject-kubernetes-custom-resource",
        "parameters": {"kubernetesKind": "A", "kubernetesSpec": spec, "maxDuration": "PT5M"},
        "targets": {"Cluster": "some"},
    }
    cluster = {
        "resourceType": "aws:eks:cluster",
        "resourceArns": ["arn:aws:eks:us-east-1:123456789012:cluster/demo"],
        "selectionMode": "ALL",
    }
    found = warnings(actions={"a": action}, targets={"some": cluster})
    path = "actions.a.parameters.kubernetesSpec"
    assert found == ({} if message is None else {path: f"the real AWS FIS would refuse {message}"})


def test_a_shortened_duration_is_accepted_with_a_warning() -> None:
    catalog = Catalog(
        Settings(minimum_duration=timedelta(seconds=1)),
        faults=FAULTS,
        resolvers=RESOLVERS,
        stop_sources=STOP_SOURCES,
    )

    def problems(cloud: str) -> list[tuple[Severity, str]]:
        template = ExperimentTemplate(
            id="EXT1",
            scope=Scope(cloud=cloud, account="1", region="r"),
            dialect="fis",
            description="a test",
            identity=ROLE,
            actions={"a": TemplateAction.model_validate(wait("PT5S"))},
        )
        return [(p.severity, p.path) for p in catalog.validate(template)]

    assert (Severity.WARNING, "actions.a.parameters.duration") in problems("aws")
    assert (Severity.WARNING, "actions.a.parameters.duration") not in problems("gcp")
