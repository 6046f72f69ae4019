"""Watches: the same on the emulator and on a real API server."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.kubernetes_emulator.api_calls import MERGE, TABLE, config_map
from tests.kubernetes_emulator.definitions import probe

if TYPE_CHECKING:
    import httpx


def events(
    api: httpx.Client, path: str, query: str, headers: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """What a watch says that ends after a second."""
    answer = api.get(f"{path}?watch=true&timeoutSeconds=1&{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_history_from_a_version_on(api: httpx.Client, probes: str) -> None:
    start = api.get(probes).json()["metadata"]["resourceVersion"]
    held = probe("a")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    api.post(probes, json=held)
    api.patch(f"{probes}/a", json={"spec": {"n": 1}}, headers=MERGE)
    api.delete(f"{probes}/a")
    api.patch(f"{probes}/a", json={"metadata": {"finalizers": None}}, headers=MERGE)
    seen = events(api, probes, f"resourceVersion={start}")
    assert [event["type"] for event in seen] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))
    assert "deletionTimestamp" in seen[2]["object"]["metadata"]
    assert seen[3]["object"]["metadata"]["generation"] == 3


def test_present_objects_come_first(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a"))
    api.post(probes, json=probe("b"))
    for query in ("", "resourceVersion=0"):
        seen = events(api, probes, query)
        present = {(event["type"], event["object"]["metadata"]["name"]) for event in seen}
        assert present == {("ADDED", "a"), ("ADDED", "b")}


def test_objects_enter_and_leave_a_selection(api: httpx.Client, maps: str) -> None:
    start = api.get(maps).json()["metadata"]["resourceVersion"]
    api.post(maps, json=config_map("a", app="other"))
    for app in ("x", "x", "other"):
        change = {"metadata": {"labels": {"app": app}}, "data": {"n": str(time.monotonic())}}
        api.patch(f"{maps}/a", json=change, headers=MERGE)
    api.delete(f"{maps}/a")
    seen = events(api, maps, f"resourceVersion={start}&labelSelector=app%3Dx")
    assert [event["type"] for event in seen] == ["ADDED", "MODIFIED", "DELETED"]
    # Who has left is shown as it last was within the selection.
    assert seen[2]["object"]["metadata"]["labels"] == {"app": "x"}


def test_one_object_by_name(api: httpx.Client, maps: str) -> None:
    api.post(maps, json=config_map("a"))
    api.post(maps, json=config_map("b"))
    seen = events(api, maps, "fieldSelector=metadata.name%3Db")
    assert [event["object"]["metadata"]["name"] for event in seen] == ["b"]


def test_tables_in_events(api: httpx.Client, probes: str) -> None:
    api.post(probes, json=probe("a"))
    api.post(probes, json=probe("b"))
    seen = events(api, probes, "", TABLE)
    assert {event["object"]["rows"][0]["cells"][0] for event in seen} == {"a", "b"}
    assert seen[0]["object"]["columnDefinitions"]
    assert not seen[1]["object"]["columnDefinitions"]
