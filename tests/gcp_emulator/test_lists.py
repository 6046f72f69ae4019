"""Lists: filters, pages and all zones at once."""

from __future__ import annotations

import pytest
import requests
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator
from tests.gcp_emulator.conftest import Client


@pytest.fixture
def fleet(gcp: GcpEmulator) -> None:
    gcp.add_instance("web-1", labels={"env": "prod", "tier": "web"})
    gcp.add_instance("web-2", labels={"env": "dev"}, status="TERMINATED")
    gcp.add_instance("db-1", labels={"env": "prod"}, zone="us-central1-b")
    gcp.add_instance("plain")


def _found(client: Client, gcp: GcpEmulator, text: str) -> list[str]:
    request = {"project": gcp.project, "filter": text}
    rows = client("Instances").aggregated_list(request)
    return sorted(each.name for _, row in rows for each in row.instances)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("labels.env=prod", ["db-1", "web-1"]),
        ("labels.env=prod AND status=RUNNING", ["db-1", "web-1"]),
        ("(labels.env=prod) (labels.tier=web)", ["web-1"]),
        ("labels.env:*", ["db-1", "web-1", "web-2"]),
        ("labels.tier:* OR name=plain", ["plain", "web-1"]),
        ("(labels.tier:* OR name=plain) AND status = RUNNING", ["plain", "web-1"]),
        ("name=plain OR labels.env=dev AND status=RUNNING", ["plain"]),
        ("name != plain", ["db-1", "web-1", "web-2"]),
        ('name = "web-2"', ["web-2"]),
        ("labels.env != prod", ["plain", "web-2"]),
        ("status eq RUNNING", ["db-1", "plain", "web-1"]),
        ("name eq web-.*", ["web-1", "web-2"]),
        ("name ne web-.*", ["db-1", "plain"]),
        ("name eq web", []),
        ("(name eq web-.*)(status eq RUNNING)", ["web-1"]),
        ("zone:us-central1-b", ["db-1"]),
        ("deletionProtection=false", ["db-1", "plain", "web-1", "web-2"]),
    ],
)
def test_filter(gcp: GcpEmulator, client: Client, text: str, names: list[str]) -> None:
    assert _found(client, gcp, text) == names


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("name", "its end"),
        ("name=", "its end"),
        ("(name=a", "its end"),
        ("name=a)", "at '\\)'"),
        ("colour=red", "colour=red"),
        ("name=web-*", "its end"),
        ("name>a", ">a"),
        ("NOT name=a", "NOT name=a"),
        ("name=a name=b", "name=b"),
        ("name eq [", r"\["),
        ("labels=a", "labels=a"),
    ],
)
def test_filter_that_is_not_understood_is_refused(
    gcp: GcpEmulator, client: Client, text: str, quoted: str
) -> None:
    with pytest.raises(exceptions.BadRequest, match=f"'filter'.*{quoted}"):
        _found(client, gcp, text)


def test_pages_are_as_long_as_asked(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    for number in range(5):
        gcp.add_instance(f"vm-{number}")
    pages = client("Instances").list({"max_results": 2, **where}).pages
    named = [[each.name for each in page.items] for page in pages]
    assert named == [["vm-0", "vm-1"], ["vm-2", "vm-3"], ["vm-4"]]
    assert [call.operation for call in gcp.calls] == ["instances.list"] * 3


def test_page_holds_at_most_five_hundred(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    for number in range(501):
        gcp.add_disk(f"disk-{number}")
    pages = client("Disks").list(dict(where)).pages
    assert [len(page.items) for page in pages] == [500, 1]
    with pytest.raises(exceptions.BadRequest, match="maxResults"):
        list(client("Disks").list({"max_results": 501, **where}))
    with pytest.raises(exceptions.BadRequest, match="pageToken"):
        list(client("Disks").list({"page_token": "made-up", **where}))


@pytest.mark.usefixtures("fleet")
def test_scope_without_results_carries_a_warning(gcp: GcpEmulator, client: Client) -> None:
    request = {"project": gcp.project, "filter": "name=db-1"}
    rows = dict(client("Instances").aggregated_list(request))
    assert rows["zones/us-central1-a"].warning.code == "NO_RESULTS_ON_PAGE"
    assert rows["zones/us-central1-b"].instances[0].name == "db-1"


def test_zones_and_project_answer(gcp: GcpEmulator, client: Client) -> None:
    zones = client("Zones").list(project=gcp.project)
    assert [(each.name, each.status) for each in zones] == [
        ("us-central1-a", "UP"),
        ("us-central1-b", "UP"),
    ]
    assert client("Projects").get(project=gcp.project).name == gcp.project


def test_other_project_and_zone_are_not_found(gcp: GcpEmulator, client: Client) -> None:
    instances = client("Instances")
    with pytest.raises(exceptions.NotFound, match="projects/other'"):
        list(instances.list(project="other", zone="us-central1-a"))
    with pytest.raises(exceptions.NotFound, match="zones/mars-1'"):
        list(instances.list(project=gcp.project, zone="mars-1"))


def test_error_is_written_in_googles_shape(gcp: GcpEmulator, client: Client) -> None:
    answer = requests.get(f"{gcp.url}/nowhere", timeout=10)
    assert answer.json()["error"]["errors"][0]["reason"] == "required"
    with pytest.raises(exceptions.NotFound) as refused:
        client("Networks").get(project=gcp.project, network="none")
    assert refused.value.errors == [
        {
            "message": f"The resource 'projects/{gcp.project}/global/networks/none' was not found",
            "domain": "global",
            "reason": "notFound",
        }
    ]
