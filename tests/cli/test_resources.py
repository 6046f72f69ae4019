"""A custom resource in place of a template: run, judged, and refused at its own lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field

from bridge.cli.resources import ResourceFile
from bridge.model.problem import Problem, Severity
from providers import registry
from providers.contract import Duration, FaultParameters, TargetSpec, Timing
from providers.kubernetes.custom_resource import InjectCustomResource
from tests.cli.doubles import Break, ThingResolver, World

Command = Callable[..., tuple[int, str, str]]
Write = Callable[..., str]

ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/sandbox"
STOP = """\
apiVersion: chaos-mesh.org/v1alpha1
kind: AWSChaos
metadata:
  name: stop-workers
spec:
  action: ec2-stop
  awsRegion: us-east-1
  selector:
    tags:
      chaos: ready
  mode: all
  duration: 1s
"""
SLOW = """\
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
metadata:
  name: slow-carts
  namespace: sock-shop
spec:
  action: delay
  mode: one
  selector:
    labelSelectors: {name: carts}
  delay:
    latency: 90ms
  duration: 3m
"""


class StopThings(Break):
    """Break things that pass for instances."""

    id = "aws:ec2:stop-instances"
    target = TargetSpec("Instances", "aws:ec2:instance")

    class Parameters(FaultParameters):
        """As in AWS's provider."""

        start_instances_after_duration: Duration = Field(description="How long.")

    def timing(self, parameters: Any) -> Timing:
        return Timing.lasts(parameters.start_instances_after_duration)


class InstanceThings(ThingResolver):
    resource_type = "aws:ec2:instance"


@pytest.fixture(autouse=True)
def clouds(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Things that pass for instances, and the real action for custom resources."""
    inject = InjectCustomResource
    here = __name__
    faults = {
        StopThings.id: f"{here}:StopThings",
        inject.id: f"{inject.__module__}:{inject.__name__}",
    }
    resolvers = {
        "aws:ec2:instance": f"{here}:InstanceThings",
        "aws:eks:cluster": "providers.aws.resolvers:ClusterResolver",
    }
    monkeypatch.setattr(registry, "FAULTS", {**registry.FAULTS, **faults})
    monkeypatch.setattr(registry, "RESOLVERS", {**registry.RESOLVERS, **resolvers})
    _forget()
    yield
    _forget()


def _forget() -> None:
    """The registry keeps what it has loaded, whatever its tables say now."""
    registry.fault.cache_clear()
    registry.resolver.cache_clear()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str, *changes: tuple[str, str], name: str = "resource.yaml") -> str:
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return to_file


def test_a_cloud_kind_is_run_and_undone(command: Command, write: Write, world: World) -> None:
    code, output, errors = command("run", write(STOP), "--role", ROLE)
    assert code == 0, errors
    assert "stop-workers: one, two injected" in output
    assert "experiment completed" in output
    assert world.states == ["whole", "whole"]
    assert world.reverts == 1


def test_json_is_taken_too_and_the_bridge_shows_what_it_ran(command: Command, write: Write) -> None:
    document = json.dumps(yaml.safe_load(STOP), indent=2)
    path = write(document, ('"all"', '"one"'), name="resource.json")
    code, output, _ = command("run", path, "--role", ROLE, "--json")
    found = json.loads(output)
    assert (code, found["status"], found["description"]) == (
        0,
        "completed",
        "AWSChaos stop-workers",
    )
    assert [action["name"] for action in found["actions"]] == ["stop-workers"]
    assert len(found["records"]) == 1


def test_a_valid_one_has_nothing_to_say(command: Command, write: Write) -> None:
    path = write(STOP)
    assert command("validate", path, "--role", ROLE)[:2] == (0, f"{path}: valid\n")


def test_the_role_must_be_said(command: Command, write: Write) -> None:
    for verb in ("run", "validate"):
        code, output, errors = command(verb, write(STOP))
        assert code == 2
        assert "error: a custom resource names no role to act as; say which with --role ARN" in (
            output + errors
        )
    code, output, _ = command("validate", write(STOP), "--role", "me")
    assert code == 2
    assert "error: --role: " in output


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("duration: 1s", "duration: 10"), 12, 'duration: must be text, is a number, write "10"'),
        (("duration: 1s", "duration: 1d"), 12, 'spec.duration: "1d" is not a duration'),
        (("us-east-1", "eu-west-1"), 7, 'spec.awsRegion: "eu-west-1" is not "us-east-1"'),
        (("mode: all", "mode: al"), 11, "spec.mode: "),
        (("  duration: 1s\n", ""), 5, "spec.duration: is required where the bridge"),
        (("tags:", "labels:"), 9, "spec.selector.labels: unknown field"),
        (("AWSChaos", "AWSChaoss"), 2, 'did you mean "AWSChaos"?'),
        (("v1alpha1", "v1"), 1, "apiVersion: "),
        (("name: stop-workers", "name: Stop"), 4, "metadata.name: must be"),
        (("name: stop-workers", "uid: a\n  name: a"), 4, "metadata.uid: is not read; remove it"),
        (("spec:", "status: {}\nspec:"), 5, "status: is not read"),
    ],
)
def test_errors_stand_at_the_users_own_fields(
    command: Command, write: Write, change: tuple[str, str], line: int, words: str
) -> None:
    path = write(STOP, change)
    code, output, _ = command("validate", path, "--role", ROLE)
    assert code == 2
    found = [one for one in output.splitlines() if words in one]
    assert found, output
    assert found[0].startswith(f"{path}:{line}:")
    assert "actions." not in output


def test_an_annotation_has_it_created_in_a_cluster(command: Command, write: Write) -> None:
    annotated = "  name: stop-workers\n  annotations: {faultbridge/carried-out-by: cluster}\n"
    single = (
        "  selector:\n    tags:\n      chaos: ready\n  mode: all\n",
        "  ec2Instance: i-0a1b2c3d\n",
    )
    path = write(STOP, ("  name: stop-workers\n", annotated), single)
    code, output, _ = command("validate", path, "--role", ROLE)
    assert code == 2
    assert '"AWSChaos" is created in a cluster; say in which with --cluster ARN' in output
    code, output, _ = command("validate", path, "--role", ROLE, "--cluster", CLUSTER)
    assert (code, output) == (0, f"{path}: valid\n")
    code, output, _ = command("validate", write(STOP), "--role", ROLE, "--cluster", CLUSTER)
    assert code == 2
    assert "--cluster: the bridge itself carries out the AWSChaos" in output
    many = write(STOP, ("  name: stop-workers\n", annotated))
    code, output, _ = command("validate", many, "--role", ROLE, "--cluster", CLUSTER)
    assert f"{many}:9:3: error: spec.selector: the AWSChaos of chaos-mesh.org has no such" in output
    assert 'write the annotation faultbridge/carried-out-by: "faultbridge"' in output
    wrong = write(STOP, ("  name: stop-workers\n", annotated.replace("cluster", "me")))
    code, output, _ = command("validate", wrong, "--role", ROLE)
    assert f'{wrong}:5:17: error: metadata.annotations["faultbridge/carried-out-by"]: ' in output


def test_other_kinds_go_into_a_cluster(command: Command, write: Write) -> None:
    path = write(SLOW)
    code, output, _ = command("validate", path, "--role", ROLE)
    assert code == 2
    assert '"NetworkChaos" is created in a cluster' in output
    assert command("validate", path, "--role", ROLE, "--cluster", CLUSTER)[:2] == (
        0,
        f"{path}: valid\n",
    )
    code, output, _ = command("validate", path, "--role", ROLE, "--cluster", "sandbox")
    assert code == 2
    assert "error: --cluster: " in output
    wrong = write(SLOW, ("90ms", "90 ms"))
    code, output, _ = command("validate", wrong, "--role", ROLE, "--cluster", CLUSTER)
    assert f'{wrong}:12:5: error: spec.delay.latency: "90 ms" is not a duration' in output


def test_what_is_not_read_is_said(command: Command, write: Write) -> None:
    noted = "  name: stop-workers\n  labels: {app: carts}\n  annotations: {a: b}\n"
    path = write(STOP, ("  name: stop-workers\n", noted))
    code, output, _ = command("validate", path, "--role", ROLE)
    assert code == 0
    assert f"{path}:5:12: warning: metadata.labels.app: is not read" in output
    assert f"{path}:6:17: warning: metadata.annotations.a: is not read" in output


def test_a_template_keeps_its_own_role(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("description: x\nactions: {}\n")
    code, _, errors = command("validate", str(path), "--role", ROLE)
    assert code == 2
    assert "a template names its own role" in errors


def template(text: str, **options: str) -> dict[str, Any]:
    resource = ResourceFile(yaml.safe_load(text), role=ROLE, cluster=options.get("cluster"))
    assert [one for one in resource.problems if one.severity is Severity.ERROR] == []
    return resource.template


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ([("duration: 3m", "duration: 3m")], "PT8M"),
        ([("duration: 3m", "duration: 1.5s")], "PT5M2S"),
        ([("duration: 3m", "duration: 11h58m")], "PT12H"),
        ([("  duration: 3m\n", "")], "PT12H"),
        ([("duration: 3m", "duration: soon")], "PT12H"),
        (
            [("NetworkChaos", "PodChaos"), ("action: delay", "action: pod-kill")],
            "PT5M",
        ),
    ],
)
def test_the_limit_follows_from_the_duration(
    changes: Sequence[tuple[str, str]], limit: str
) -> None:
    text = SLOW
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    made = template(text, cluster=CLUSTER)
    (action,) = made["actions"].values()
    assert action["parameters"]["maxDuration"] == limit


def test_the_template_that_a_resource_becomes() -> None:
    made = template(SLOW, cluster=CLUSTER)
    assert made["roleArn"] == ROLE
    assert made["tags"] == {"Name": "slow-carts"}
    assert made["stopConditions"] == [{"source": "none"}]
    assert made["targets"]["Cluster"]["resourceArns"] == [CLUSTER]
    parameters = made["actions"]["slow-carts"]["parameters"]
    assert parameters["kubernetesNamespace"] == "sock-shop"
    assert parameters["kubernetesSpec"] == yaml.safe_load(SLOW)["spec"]
    assert "carriedOutBy" not in parameters
    assert "targets" not in template(STOP)


def test_problems_of_a_name_with_dots_find_their_field() -> None:
    text = STOP.replace("stop-workers", "stop.workers")
    resource = ResourceFile(yaml.safe_load(text), role=ROLE, cluster=None)
    path = 'actions["stop.workers"].parameters.kubernetesSpec.selector.tags'
    assert resource.in_file(Problem(path, "no")) == Problem("spec.selector.tags", "no")


@pytest.mark.parametrize("example", sorted((ROOT / "examples/chaos-mesh").glob("*.yaml")))
def test_the_examples_are_written_well(example: Path) -> None:
    document = yaml.safe_load(example.read_text())
    made = template(example.read_text())
    parameters = made["actions"][document["metadata"]["name"]]["parameters"]
    fault = InjectCustomResource()
    assert fault.check(fault.Parameters.model_validate(parameters), "") == []
