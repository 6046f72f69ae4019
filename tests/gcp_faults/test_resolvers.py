"""Targets: by name, label, zone, group and device; what is missing or cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.template import TemplateTarget
from bridge.sandbox.gcp import GcpEmulator
from bridge.sandbox.gcp.cloud import PROJECT_NUMBER, REGION, ZONES
from bridge.sandbox.gcp.errors import GoogleError
from bridge.sandbox.gcp.labels import refuse_bad_labels
from providers.contract import ProviderError, Resolution
from providers.filters import matches
from providers.gcp.filters import has_labels, label_problem
from providers.gcp.groups import group_of
from providers.gcp.resolvers import DiskResolver, InstanceResolver
from providers.gcp.session import GcpSession
from tests.gcp_faults.conftest import Calls, Launch

INSTANCES = InstanceResolver()
DISKS = DiskResolver()


def target(kind: str = "gcp:compute:instance", **fields: Any) -> TemplateTarget:
    return TemplateTarget.model_validate({"resourceType": kind, **fields})


def names(resolution: Resolution) -> list[str]:
    return [one.id.rpartition("/")[2] for one in resolution.found]


async def test_by_name_in_every_form_and_what_is_missing(
    session: GcpSession, launch: Launch, calls: Calls
) -> None:
    one, other = launch(2)
    path = other.removeprefix("//compute.googleapis.com/")
    absent = path.replace("worker-001", "absent")
    link = f"https://www.googleapis.com/compute/v1/{path}"
    calls()
    found = await INSTANCES.resolve(session, target(resourceArns=[link, one, path, absent]))
    assert [resource.id for resource in found.found] == [one, other]
    assert found.missing == [absent]
    assert calls() == ["instances.get"] * 3
    assert all(resource.information["arn"] == resource.id for resource in found.found)


async def test_by_label_on_the_server_over_all_zones_or_one(
    session: GcpSession, gcp: GcpEmulator, calls: Calls
) -> None:
    for number, zone in enumerate((ZONES[0], ZONES[1], ZONES[0])):
        gcp.add_instance(f"w{number}", zone=zone, labels={"chaos": "ready", "n": str(number % 2)})
    gcp.add_instance("off", labels={"chaos": "ready"}, status="TERMINATED")
    gcp.add_instance("not", labels={"chaos": "readyish"})
    wanted: dict[str, Any] = {
        "resourceTags": {"chaos": "ready"},
        "parameters": {"project": gcp.project},
    }
    calls()
    assert names(await INSTANCES.resolve(session, target(**wanted))) == ["off", "w0", "w2", "w1"]
    assert calls() == ["instances.aggregatedList"]
    wanted["parameters"] = {"project": gcp.project, "zone": ZONES[1]}
    assert names(await INSTANCES.resolve(session, target(**wanted))) == ["w1"]
    assert calls() == ["instances.list"]
    wanted = {"resourceTags": {"chaos": "ready", "n": "0"}, "parameters": {"project": gcp.project}}
    narrowed = target(**wanted, filters=[{"path": "status", "values": ["RUNNING"]}])
    assert names(await INSTANCES.resolve(session, narrowed)) == ["w0", "w2"]


async def test_more_than_a_page_is_read_whole(
    session: GcpSession, gcp: GcpEmulator, calls: Calls
) -> None:
    for number in range(501):
        gcp.add_instance(f"w{number}")
    calls()
    found = await INSTANCES.resolve(session, target(parameters={"project": gcp.project}))
    assert len(found.found) == 501
    assert calls() == ["instances.aggregatedList"] * 2


@pytest.mark.parametrize("region", [None, REGION])
async def test_the_members_of_a_group_know_it(
    session: GcpSession, gcp: GcpEmulator, region: str | None
) -> None:
    group = gcp.add_group("web", size=4, region=region)
    gcp.add_instance("stray")
    found = await INSTANCES.resolve(session, target(parameters={"instanceGroupManager": group}))
    assert sorted(names(found)) == gcp.group_instances("web")
    assert {one.information["instanceGroupManager"] for one in found.found} == {group}
    network = f"//compute.googleapis.com/projects/{gcp.project}/global/networks/default"
    assert {one.information["networks"] for one in found.found} == {network}
    parameters = {"instanceGroupManager": group, "zone": ZONES[0]}
    narrowed = await INSTANCES.resolve(session, target(parameters=parameters))
    assert len(narrowed.found) == (2 if region else 4)
    absent = {"instanceGroupManager": group.replace("web", "absent")}
    assert (await INSTANCES.resolve(session, target(parameters=absent))).missing


def test_a_group_goes_by_the_projects_id_although_google_writes_its_number() -> None:
    value = f"projects/{PROJECT_NUMBER}/zones/z/instanceGroupManagers/web"
    instance = {
        "selfLink": "https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/i",
        "metadata": {"items": [{"key": "created-by", "value": value}]},
    }
    assert group_of(instance) == (
        "//compute.googleapis.com/projects/p/zones/z/instanceGroupManagers/web"
    )
    assert group_of({**instance, "metadata": {}}) is None


async def test_disks_by_label_and_by_the_devices_of_an_instance(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    host = gcp.add_instance("host")
    for name in ("one", "two"):
        gcp.add_disk(name, instance="host", device_name=f"dev-{name}", labels={"chaos": name})
    gcp.add_disk("loose", labels={"chaos": "one"})
    kind = "gcp:compute:disk"
    by_label = target(kind, resourceTags={"chaos": "one"}, parameters={"project": gcp.project})
    assert names(await DISKS.resolve(session, by_label)) == ["loose", "one"]
    assert names(await DISKS.resolve(session, target(kind, parameters={"instance": host}))) == [
        "one",
        "two",
    ]
    devices = {"instance": host, "deviceNames": "dev-two, persistent-disk-0,absent"}
    found = await DISKS.resolve(session, target(kind, parameters=devices))
    assert names(found) == ["host", "two"]
    assert found.missing == [f"{host}: absent"]
    gone = target(kind, parameters={"instance": host.replace("host", "gone")})
    assert (await DISKS.resolve(session, gone)).missing


async def test_a_project_that_does_not_exist_is_told(session: GcpSession) -> None:
    with pytest.raises(ProviderError, match="the project elsewhere does not exist"):
        await INSTANCES.resolve(session, target(parameters={"project": "elsewhere"}))


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"resourceTags": {"a": "b"}}, "t.parameters.project", "is missing"),
        ({"parameters": {"project": "no project"}}, "t.parameters.project", "not the id"),
        ({"parameters": {"project": "p", "zone": "Z"}}, "t.parameters.zone", "not a zone"),
        (
            {"parameters": {"instanceGroupManager": "web"}},
            "t.parameters.instanceGroupManager",
            "zones/ZONE/instanceGroupManagers/NAME",
        ),
        (
            {
                "parameters": {
                    "project": "other",
                    "instanceGroupManager": "projects/p/regions/r/instanceGroupManagers/g",
                }
            },
            "t.parameters.instanceGroupManager",
            "is in the project p, not in other",
        ),
        (
            {"parameters": {"project": "p"}, "resourceTags": {"Chaos": "x"}},
            "t.resourceTags.Chaos",
            "no label has such a key",
        ),
        (
            {
                "resourceArns": ["projects/p/zones/z/instances/i"],
                "parameters": {"project": "p"},
            },
            "t.parameters.project",
            "does not go with resourceArns",
        ),
    ],
)
def test_what_does_not_go_together_is_told_before(
    fields: dict[str, Any], path: str, words: str
) -> None:
    (problem,) = INSTANCES.check(target(**fields), "t")
    assert problem.path == path
    assert words in problem.message


def test_device_names_need_their_instance() -> None:
    given = {"project": "p", "deviceNames": "a"}
    (problem,) = DISKS.check(target("gcp:compute:disk", parameters=given), "t")
    assert problem.path == "t.parameters.deviceNames"
    given = {"instance": "projects/p/zones/z/instances/i", "deviceNames": " , "}
    (problem,) = DISKS.check(target("gcp:compute:disk", parameters=given), "t")
    assert "is empty" in problem.message
    given = {"instance": "projects/p/zones/z/instances/i", "deviceNames": "a"}
    assert DISKS.check(target("gcp:compute:disk", parameters=given), "t") == []


@given(st.text(max_size=70), st.text(max_size=70))
def test_a_label_passes_only_if_the_emulator_would_take_it(key: str, value: str) -> None:
    if label_problem(key, value) is None:
        try:
            refuse_bad_labels({key: value})
        except GoogleError:
            pytest.fail("a label that cannot exist passed")


def test_labels_are_compared_whole() -> None:
    described = {"labels": {"a": "b", "c": "d"}}
    assert has_labels(described, {"a": "b"})
    assert not has_labels(described, {"a": "b", "c": "other"})
    assert not has_labels({}, {"a": "b"})


def test_filters_walk_googles_own_json() -> None:
    described = {
        "status": "RUNNING",
        "scheduling": {"preemptible": False},
        "disks": [{"boot": True}, {"boot": False, "diskSizeGb": "20"}],
    }

    def found(path: str, *values: str) -> bool:
        one = {"path": path, "values": values}
        return matches(described, target(filters=[one], parameters={}).filters)

    assert found("status", "RUNNING", "x")
    assert found("scheduling.preemptible", "false")
    assert found("disks.diskSizeGb", "20")
    assert not found("disks.diskSizeGb", "21")
    assert not found("scheduling", "x")
