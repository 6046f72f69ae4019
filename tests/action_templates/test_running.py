"""What was expanded runs without the action template, and without code that knows of any."""

from __future__ import annotations

import json

from bridge.catalog import Catalog, canonical
from bridge.catalog.action_templates import read_action_template
from bridge.engine import new_experiment
from bridge.model.action_template import ActionTemplateVersion
from bridge.model.moment import Micros
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from providers import registry
from tests.action_templates.documents import document
from tests.action_templates.test_expansion import CATALOG, own, using

NAME = "k8s:action-template/slow-checkout"


def test_a_worker_of_an_earlier_version_runs_it_as_an_action_that_it_knows() -> None:
    """So the version of runs (RUN_VERSION) stays: nothing in them means something new."""
    expanded, _ = CATALOG.examine(using(NAME, {"labels": "app=a"}), own())
    stored = json.loads(expanded.model_dump_json())
    # What an earlier version reads: it ignores the one field that it does not know.
    del stored["actions"]["slow"]["action_template"]
    read = ExperimentTemplate.model_validate(stored)
    action = read.actions["slow"]
    fault = registry.fault(canonical(action.action_id))
    parameters = fault.Parameters.model_validate(action.parameters)
    assert fault.check(parameters, "") == []
    errors = [
        one for one in Catalog(Settings(installation="x")).validate(read) if one.severity == "error"
    ]
    assert errors == []


def test_a_run_of_a_cloud_kind_acts_on_the_cloud_and_names_its_template() -> None:
    template = read_action_template(
        document(
            kind="AWSChaos",
            namespace="default",
            spec={
                "action": "ec2-stop",
                "awsRegion": "us-east-1",
                "selector": {"tags": "{{ tags }}"},
                "mode": "fixed",
                "value": "{{ count }}",
                "duration": "5m",
            },
            parameters={
                "tags": {"type": "labelSelector"},
                "count": {"type": "integer", "default": 2, "minimum": 1, "maximum": 5},
            },
        )
    )
    stored = {"slow": ActionTemplateVersion(template=template, version=2)}
    asked = using(NAME, {"tags": "chaos=ready", "count": "3"}, cluster=False)
    expanded, found = CATALOG.examine(asked, stored)
    assert [one for one in found if one.severity == "error"] == []
    run = new_experiment(expanded, now=Micros(1))
    action = run.template.actions["slow"]
    assert action.action_id == "aws:ec2:stop-instances"
    assert action.action_template == "slow-checkout@2"
    (target,) = action.targets.values()
    assert run.template.targets[target].resource_tags == {"chaos": "ready"}
    assert str(run.template.targets[target].selection_mode) == "COUNT(3)"
