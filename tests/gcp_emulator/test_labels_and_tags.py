"""Labels and network tags: fingerprints against lost updates, syntax and limits."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator
from tests.gcp_emulator.conftest import Client, Life


def _label(client: Client, where: dict[str, str], labels: dict[str, str], mark: str) -> Any:
    return client("Instances").set_labels_unary(
        instance="vm",
        instances_set_labels_request_resource={"labels": labels, "label_fingerprint": mark},
        **where,
    )


def _tag(client: Client, where: dict[str, str], items: list[str], mark: str) -> Any:
    return client("Instances").set_tags_unary(
        instance="vm", tags_resource={"items": items, "fingerprint": mark}, **where
    )


def test_labels_are_replaced(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm", labels={"a": "1", "b": "2"})
    before = gcp.instance("vm")
    done(_label(client, where, {"b": "3"}, before["labelFingerprint"]))
    after = client("Instances").get(instance="vm", **where)
    assert dict(after.labels) == {"b": "3"}
    assert after.label_fingerprint != before["labelFingerprint"]


def test_disk_is_labelled_alike(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_disk("data")
    mark = gcp.disk("data")["labelFingerprint"]
    done(
        client("Disks").set_labels_unary(
            resource="data",
            zone_set_labels_request_resource={"labels": {"x": ""}, "label_fingerprint": mark},
            **where,
        )
    )
    assert gcp.disk("data")["labels"] == {"x": ""}


def test_stale_fingerprint_is_412(gcp: GcpEmulator, client: Client, where: dict[str, str]) -> None:
    gcp.add_instance("vm", labels={"a": "1"}, tags=["web"])
    with pytest.raises(exceptions.PreconditionFailed) as refused:
        _label(client, where, {}, "c3RhbGU=")
    assert refused.value.errors[0]["reason"] == "conditionNotMet"
    with pytest.raises(exceptions.PreconditionFailed):
        _label(client, where, {}, "")
    with pytest.raises(exceptions.PreconditionFailed):
        _tag(client, where, [], "c3RhbGU=")
    assert (gcp.instance("vm")["labels"], gcp.instance("vm")["tags"]["items"]) == (
        {"a": "1"},
        ["web"],
    )


def test_of_two_changes_at_once_the_second_fails_late(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    mark = gcp.instance("vm")["tags"]["fingerprint"]
    first, second = _tag(client, where, ["one"], mark), _tag(client, where, ["two"], mark)
    assert done(first).error.errors == []
    ended = done(second)
    assert [error.code for error in ended.error.errors] == ["CONDITION_NOT_MET"]
    assert ended.http_error_status_code == 412
    assert gcp.instance("vm")["tags"]["items"] == ["one"]


@pytest.mark.parametrize(
    "labels",
    [
        {"Upper": "x"},
        {"1digit": "x"},
        {"k" * 64: "x"},
        {"k": "v" * 64},
        {"k": "Not lower"},
        {"k": "a.b"},
        {f"k{n}": "" for n in range(65)},
    ],
)
def test_labels_outside_the_rules_are_refused(
    gcp: GcpEmulator, client: Client, where: dict[str, str], labels: dict[str, str]
) -> None:
    gcp.add_instance("vm")
    with pytest.raises(exceptions.BadRequest, match="'labels'"):
        _label(client, where, labels, gcp.instance("vm")["labelFingerprint"])


def test_labels_at_the_limits_are_taken(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    labels = {"k" * 63: "v" * 63, "übung-1_a": "größe"} | {f"k{n}": "" for n in range(62)}
    done(_label(client, where, labels, gcp.instance("vm")["labelFingerprint"]))
    assert gcp.instance("vm")["labels"] == labels


@pytest.mark.parametrize("tag", ["Upper", "1digit", "end-", "a" * 64, "under_score"])
def test_tags_outside_the_rules_are_refused(
    gcp: GcpEmulator, client: Client, where: dict[str, str], tag: str
) -> None:
    gcp.add_instance("vm")
    with pytest.raises(exceptions.BadRequest, match="'tags'"):
        _tag(client, where, [tag], gcp.instance("vm")["tags"]["fingerprint"])
