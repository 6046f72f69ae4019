"""Actions: their ids, parameters, durations and order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from bridge.catalog import Catalog
from bridge.model.problem import InvalidDocumentError
from bridge.model.template import TemplateAction
from bridge.settings import Settings
from tests.catalog.doubles import FAULTS, RESOLVERS, STOP_SOURCES, PauseIo, Stop, Wait

Messages = Callable[..., dict[str, str]]

BY_TAG = {
    "resourceType": "aws:ec2:instance",
    "resourceTags": {"env": "test"},
    "selectionMode": "ALL",
}
VOLUMES = {**BY_TAG, "resourceType": "aws:ec2:ebs-volume"}


def wait(*after: str, duration: str = "PT5M") -> dict[str, Any]:
    return {
        "actionId": "aws:fis:wait",
        "parameters": {"duration": duration},
        "startAfter": list(after),
    }


def test_nothing_is_said_against_a_sound_template(judge: Callable[..., list[object]]) -> None:
    assert judge() == []


def test_a_template_needs_an_action(errors: Messages) -> None:
    assert errors(actions={}) == {"actions": "is empty; add at least one action"}


@pytest.mark.parametrize(
    ("action_id", "mend"),
    [
        ("aws:ec2:stop-instance", 'did you mean "aws:ec2:stop-instances"?'),
        ("AWS:FIS:WAIT", 'did you mean "aws:fis:wait"?'),
        ("aws:rds:failover-db-cluster", "is not supported yet"),
        ("nonsense", "`faultbridge actions` lists those that exist"),
    ],
)
def test_unknown_actions(errors: Messages, action_id: str, mend: str) -> None:
    found = errors(actions={"a": {"actionId": action_id}})
    assert mend in found["actions.a.actionId"]


def test_an_alias_is_the_action(errors: Messages, catalog: Catalog) -> None:
    alias = "aws:faultbridge:gcp/compute/stop-instances"
    assert errors(actions={"a": {"actionId": alias}}) == {}
    entry = catalog.action(alias)
    assert entry is not None
    assert (entry.id, entry.name) == ("gcp:compute:stop-instances", alias)
    assert catalog.fault(alias) is catalog.fault("gcp:compute:stop-instances")


@pytest.mark.parametrize(
    ("parameters", "path", "message"),
    [
        ({}, "duration", "is required; add it (How long.)"),
        ({"duration": "5 min"}, "duration", 'is not an ISO 8601 duration; write it like "PT30S"'),
        ({"duration": "PT0S"}, "duration", "PT0S is shorter than PT1S"),
        ({"duration": "PT13H"}, "duration", "PT13H is longer than PT12H"),
        ({"duration": "PT5M", "durration": "x"}, "durration", 'did you mean "duration"?'),
        ({"duration": "PT5M", "percentage": "half"}, "percentage", '"half" is not a number'),
        ({"duration": "PT5M", "percentage": "101"}, "percentage", "write 100 or less"),
        ({"duration": "PT5M", "percentage": "1.5"}, "percentage", "is not a number"),
        ({"duration": "PT5M", "mode": "both"}, "mode", "write 'read' or 'write'"),
    ],
)
def test_parameters_that_do_not_fit(
    errors: Messages, parameters: dict[str, str], path: str, message: str
) -> None:
    action = {
        "actionId": "aws:ebs:pause-volume-io",
        "parameters": parameters,
        "targets": {"Volumes": "v"},
    }
    found = errors(actions={"a": action}, targets={"v": VOLUMES})
    assert list(found) == [f"actions.a.parameters.{path}"]
    assert message in found[f"actions.a.parameters.{path}"]


def test_a_parameter_is_known_by_the_wires_spelling_only(errors: Messages) -> None:
    action = {
        "actionId": "aws:ec2:stop-instances",
        "parameters": {"start_instances_after_duration": "PT5M"},
        "targets": {"Instances": "i"},
    }
    found = errors(actions={"a": action}, targets={"i": BY_TAG})
    path = "actions.a.parameters.start_instances_after_duration"
    assert 'did you mean "startInstancesAfterDuration"?' in found[path]


def test_an_action_without_parameters_takes_none(errors: Messages) -> None:
    action = {
        "actionId": "aws:ec2:terminate-instances",
        "parameters": {"force": "true"},
        "targets": {"Instances": "i"},
    }
    found = errors(actions={"a": action}, targets={"i": BY_TAG})
    assert "takes no parameters; remove it" in found["actions.a.parameters.force"]


def test_strings_become_the_faults_types(catalog: Catalog) -> None:
    stop = TemplateAction(
        action_id=Stop.id,
        parameters={
            "completeIfInstancesTerminated": "true",
            "startInstancesAfterDuration": "PT2M",
        },
    )
    assert catalog.parameters_of(stop) == Stop.Parameters(
        start_instances_after_duration=timedelta(minutes=2), complete_if_instances_terminated=True
    )
    pause = TemplateAction(action_id=PauseIo.id, parameters={"duration": "PT1S", "percentage": "5"})
    assert catalog.parameters_of(pause) == PauseIo.Parameters(
        duration=timedelta(seconds=1), percentage=5
    )


def test_parameters_of_an_unsound_action_are_refused(catalog: Catalog) -> None:
    with pytest.raises(InvalidDocumentError, match="duration: is required"):
        catalog.parameters_of(TemplateAction(action_id="aws:fis:wait"))
    with pytest.raises(KeyError):
        catalog.parameters_of(TemplateAction(action_id="aws:fis:sleep"))


def test_the_shortest_duration_is_a_setting(errors: Messages) -> None:
    # A stored template stays readable when the setting changes.
    assert (
        "raise it" in errors(actions={"a": wait(duration="PT59S")})["actions.a.parameters.duration"]
    )
    short = Catalog(
        Settings(minimum_duration=timedelta(seconds=1)),
        faults=FAULTS,
        resolvers=RESOLVERS,
        stop_sources=STOP_SOURCES,
    )
    action = TemplateAction.model_validate(wait(duration="PT1S"))
    assert short.parameters_of(action) == Wait.Parameters(duration=timedelta(seconds=1))


def test_what_the_fault_itself_finds_is_told(errors: Messages) -> None:
    action = {
        "actionId": "aws:eks:inject-kubernetes-custom-resource",
        "parameters": {
            "kubernetesKind": "PodChaos",
            "kubernetesSpec": '{"mode": "broken"}',
            "maxDuration": "PT5M",
        },
        "targets": {"Cluster": "c"},
    }
    cluster = {
        "resourceType": "aws:eks:cluster",
        "resourceArns": ["arn:aws:eks:us-east-1:123456789012:cluster/demo"],
        "selectionMode": "ALL",
    }
    assert errors(actions={"a": action}, targets={"c": cluster}) == {
        "actions.a.parameters.kubernetesSpec.mode": "is broken; mend it"
    }


def test_start_after_names_other_actions(errors: Messages) -> None:
    found = errors(actions={"first": wait(), "second": wait("frist", "second")})
    assert found == {
        "actions.second.startAfter[0]": 'there is no action "frist"; did you mean "first"?',
        "actions.second.startAfter[1]": "an action cannot wait for itself; remove the name",
    }


def test_a_cycle_is_named(errors: Messages) -> None:
    found = errors(actions={"a": wait("c"), "b": wait("a"), "c": wait("b"), "d": wait("a")})
    [(path, message)] = found.items()
    assert path.endswith(".startAfter")
    walk = message.partition("(")[2].partition(")")[0].replace('"', "").split(" → ")
    waits = {"a": "c", "b": "a", "c": "b"}
    assert len(walk) == 4
    assert all(waits[one] == other for one, other in pairwise(walk))


def test_a_very_long_chain_is_no_problem(errors: Messages) -> None:
    chain = {f"a{n}": wait(*([f"a{n - 1}"] if n else []), duration="PT1M") for n in range(200)}
    assert errors(actions=chain) == {}


def test_a_template_has_an_end(errors: Messages) -> None:
    many = {f"a{n}": wait() for n in range(201)}
    assert errors(actions=many) == {"actions": "has 201 entries; split it, the most is 200"}
