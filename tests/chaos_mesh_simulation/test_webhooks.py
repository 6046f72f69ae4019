"""Admission of chaos resources: defaults, refusals in upstream's words, namespaces."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from bridge.sandbox.kubernetes.authorization import RBAC_GROUP
from bridge.sandbox.kubernetes.chaos_mesh_webhooks import ChaosMeshWebhooks
from bridge.sandbox.kubernetes.identity import AdmissionDeniedError, Identity
from bridge.sandbox.kubernetes.status import ApiError

if TYPE_CHECKING:
    from .conftest import World

ANN = Identity("ann")
SELECTOR = {"namespaces": ["sock-shop"], "labelSelectors": {"name": "carts"}}
DELAY = {"action": "delay", "mode": "one", "selector": SELECTOR, "delay": {"latency": "90ms"}}
KILL = {"action": "pod-kill", "mode": "one", "selector": SELECTOR}
STRESS = {"mode": "one", "selector": SELECTOR, "stressors": {"cpu": {"workers": 1}}}
SPECS = {"NetworkChaos": DELAY, "PodChaos": KILL, "StressChaos": STRESS}


def allow_all(*_: object) -> bool:
    return True


def admit(kind: str, spec: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
    new = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": kind,
        "metadata": {"name": "fault", "namespace": "default"},
        "spec": copy.deepcopy(spec),
    }
    before = None if old is None else {**new, "spec": old}
    ChaosMeshWebhooks(allow_all)(ANN, "create" if old is None else "update", before, new)
    return new


def test_netem_parts_get_their_defaults() -> None:
    """As the published run shows them: what is read back is more than what was written."""
    spec = {**DELAY, "delay": {"latency": "90ms"}, "loss": {"loss": "5", "correlation": "25"}}
    admitted = admit("NetworkChaos", spec)["spec"]
    assert admitted["delay"] == {"latency": "90ms", "jitter": "0ms", "correlation": "0"}
    assert admitted["loss"] == {"loss": "5", "correlation": "25"}


def test_empty_namespaces_become_the_resource_s_own() -> None:
    spec = {**DELAY, "selector": {}, "direction": "both", "target": {"mode": "all", "selector": {}}}
    admitted = admit("NetworkChaos", spec)["spec"]
    assert admitted["selector"]["namespaces"] == ["default"]
    assert admitted["target"]["selector"]["namespaces"] == ["default"]


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("NetworkChaos", {"duration": "10"},
         ('Spec.Duration: Invalid value: "10": parse duration field error: '
         'time: missing unit in duration "10"')),
        ("StressChaos", {"duration": "1d"},
         ('Spec.Duration: Invalid value: "1d": parse duration field error: '
         'time: unknown unit "d" in duration "1d"')),
        ("PodChaos", {"duration": "abc"},
         ('Spec.Duration: Invalid value: "abc": parse duration field error: '
         'time: invalid duration "abc"')),
        ("NetworkChaos", {"mode": "fixed"},
         ('Spec.PodSelector.value: Invalid value: "": parse value field error:'
         'strconv.Atoi: parsing "": invalid syntax')),
        ("NetworkChaos", {"mode": "fixed", "value": "0"},
         ('Spec.PodSelector.value: Invalid value: "0": value must be greater than 0 with '
         "mode:fixed")),
        ("NetworkChaos", {"mode": "fixed-percent", "value": "101"},
         ('Spec.PodSelector.value: Invalid value: "101": value of 101 is invalid, Must be (0,100] '
         "with mode:fixed-percent")),
        ("PodChaos", {"action": "container-kill"},
         ("Spec.containerNames: Invalid value: null: the name of container is required on "
         "container-kill action: invalid value")),
        ("NetworkChaos", {"direction": "from"},
         ('Spec.direction: Invalid value: "from": `from` and `both` direction cannot be used when '
         "targets is empty in netem action")),
    ],
)  # fmt: skip
def test_refusals(kind: str, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(AdmissionDeniedError) as refused:
        admit(kind, {**SPECS[kind], **change})
    assert refused.value.message == (
        f'admission webhook "v{kind.lower()}.kb.io" denied the request: {reason}'
    )
    assert (refused.value.code, refused.value.reason) == (403, "Forbidden")


def test_several_refusals_come_as_a_list() -> None:
    with pytest.raises(AdmissionDeniedError, match=r"request: \[Spec\.Duration: .*, Spec\.PodSel"):
        admit("NetworkChaos", {**DELAY, "duration": "x", "mode": "fixed"})


def test_rules_of_one_kind_are_those_of_its_typed_spec() -> None:
    bandwidth = {"rate": "1.5mbps", "limit": 1, "buffer": 1}
    with pytest.raises(AdmissionDeniedError, match=r"vnetworkchaos\.kb\.io.*bandwidth\.rate"):
        admit("NetworkChaos", {**DELAY, "action": "bandwidth", "bandwidth": bandwidth})


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("NetworkChaos", {**DELAY, "duration": "-1m"}),
        ("NetworkChaos", {**DELAY, "duration": ""}),
        ("NetworkChaos", {**DELAY, "value": "junk"}),
        ("NetworkChaos", {**DELAY, "action": "partition", "direction": "both"}),
        (
            "TimeChaos",
            {"mode": "one", "selector": SELECTOR, "duration": "abc", "timeOffset": "-10m"},
        ),
        ("AWSChaos", {"action": "ec2-stop", "awsRegion": "x", "ec2Instance": "i"}),
    ],
)
def test_accepted(kind: str, spec: dict[str, Any]) -> None:
    admit(kind, spec)


def test_an_empty_selector_of_machines_stays_empty_and_is_refused() -> None:
    """No namespace is put in, unlike for pods."""
    spec = {"action": "jvm-gc", "mode": "one", "selector": {}, "jvm-gc": {"pid": 1}}
    with pytest.raises(AdmissionDeniedError, match=r"spec\.address: or selector is required"):
        admit("PhysicalMachineChaos", spec)
    selector = {"physicalMachines": {"default": ["machine-1"]}}
    admitted = admit("PhysicalMachineChaos", {**spec, "selector": selector})
    assert admitted["spec"]["selector"] == selector


def test_spec_is_immutable_but_nothing_else() -> None:
    stored = admit("NetworkChaos", DELAY)["spec"]
    with pytest.raises(AdmissionDeniedError) as refused:
        admit("NetworkChaos", {**DELAY, "duration": "5s"}, old=stored)
    assert refused.value.message == (
        'admission webhook "vnetworkchaos.kb.io" denied the request: Cannot update chaos spec'
    )
    admit("NetworkChaos", stored, old=stored)
    admit("NetworkChaos", DELAY, old=stored)


@pytest.mark.parametrize(
    "spec",
    [{}, {"selector": 7, "mode": "one"}, {**DELAY, "selector": {"namespaces": 7}}, {"mode": []}],
)
@pytest.mark.parametrize("kind", ["NetworkChaos", "IOChaos"])
def test_what_breaks_the_schema_is_left_to_the_api_server(kind: str, spec: dict[str, Any]) -> None:
    admit(kind, spec)


def test_the_api_server_refuses_what_breaks_the_schema(world: World) -> None:
    with pytest.raises(ApiError) as refused:
        world.create(spec={**DELAY, "selector": {"namespaces": 7}})
    assert refused.value.code == 422
    assert "spec.selector.namespaces" in refused.value.message


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        ({"namespaces": ["default"]}, ""),
        ({}, ""),
        ({"namespaces": ["default", "sock-shop"]}, "ann is forbidden on namespace sock-shop"),
        ({"namespaces": ["default"], "pods": {"sock-shop": ["x"]}},
         "ann is forbidden on namespace sock-shop"),
    ],
)  # fmt: skip
def test_rights_are_needed_in_every_namespace_that_is_hit(
    world: World, selector: dict[str, Any], reason: str
) -> None:
    """A namespaced role in `default` must not break pods elsewhere."""
    world.cluster.emulator.install(
        {
            "apiVersion": f"{RBAC_GROUP}/v1",
            "kind": "Role",
            "metadata": {"name": "chaos", "namespace": "default"},
            "rules": [{"apiGroups": ["chaos-mesh.org"], "resources": ["*"], "verbs": ["create"]}],
        },
        {
            "apiVersion": f"{RBAC_GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "chaos", "namespace": "default"},
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "Role", "name": "chaos"},
            "subjects": [{"apiGroup": RBAC_GROUP, "kind": "User", "name": "ann"}],
        },
    )
    new = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {"name": "fault", "namespace": "default"},
        "spec": {**DELAY, "selector": selector},
    }
    webhooks = ChaosMeshWebhooks(world.cluster.rbac)
    if not reason:
        webhooks(ANN, "create", None, new)
        return
    with pytest.raises(AdmissionDeniedError) as refused:
        webhooks(ANN, "create", None, new)
    assert refused.value.message == (
        f'admission webhook "vauth.kb.io" denied the request: {reason}'
    )


def test_other_objects_pass() -> None:
    webhooks = ChaosMeshWebhooks(lambda *_: False)
    other = {"apiVersion": "v1", "kind": "Pod", "spec": {"selector": {}}}
    assert webhooks(ANN, "create", None, other) is None
    assert webhooks(ANN, "delete", other, None) is None
    assert other == {"apiVersion": "v1", "kind": "Pod", "spec": {"selector": {}}}
