"""With exactly these grants each example runs; without any one it is refused before a fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bridge.catalog.grants import chosen
from bridge.catalog.needs import Need, Who
from bridge.client.documents import ExperimentDetail
from tests.grants.house import House, from_manifest, house

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
FILES: Final = sorted(
    str(path.relative_to(EXAMPLES))
    for folder in ("action-templates", "chaos-mesh", "fis")
    for path in (EXAMPLES / folder).iterdir()
)
_SHORTER: Final = (
    ("PT2M", "PT2S"),
    ("PT1M", "PT1S"),
    *((long, "2s") for long in ("180s", "120s", "30s", "1m")),
)


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with house(tmp_path, monkeypatch) as found:
        yield found


async def document(sandbox: House, name: str) -> dict[str, Any]:
    """Return an example with durations that nobody minds waiting for."""
    path = EXAMPLES / name
    text = path.read_text("utf-8")
    for long, short in _SHORTER:
        text = text.replace(long, short)
    role = sandbox.world.estate.role_arn
    if name.startswith("fis/"):
        read: dict[str, Any] = json.loads(text)
        return read
    if name.startswith("chaos-mesh/"):
        return from_manifest(yaml.safe_load(text), role)
    return await _using(sandbox, yaml.safe_load(text), role)


async def _using(sandbox: House, template: dict[str, Any], role: str) -> dict[str, Any]:
    """Return a template that uses an action template."""
    reference = await sandbox.store(template)
    return {
        "description": "the action template of the example",
        "targets": {
            "Cluster": {
                "resourceType": "aws:eks:cluster",
                "resourceArns": [sandbox.world.estate.cluster_arn],
                "selectionMode": "ALL",
            }
        },
        "actions": {
            "Use": {
                "actionId": reference,
                "parameters": {
                    "namespace": "sock-shop",
                    "labels": "name=carts",
                    "duration": "2s",
                    "maxDuration": "PT2M",
                },
                "targets": {"Cluster": "Cluster"},
            }
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": role,
    }


@pytest.mark.parametrize("name", FILES)
async def test_an_example_runs_with_exactly_these_grants_and_with_no_fewer(
    sandbox: House, name: str
) -> None:
    written = await document(sandbox, name)
    needs, told = await sandbox.needs(written)
    granted = chosen(needs)
    required = chosen(needs, required_only=True)
    assert required

    wrong = []
    for missing in required:
        await sandbox.grant([one for one in granted if one is not missing], told)
        reader = missing.who is Who.READER
        found = await (sandbox.run_afresh(written) if reader else sandbox.run(written))
        refused = found.status.value == "failed" and named(missing, found) and not began(found)
        if not refused:
            said = [one.reason for one in (found.failure, *found.errors) if one]
            wrong.append(f"{missing.who} {missing.permission}: {found.status.value} {said}")
    assert wrong == []
    assert await sandbox.world.left_behind() == []

    await sandbox.grant(granted, told)
    found = await sandbox.run(written)
    assert found.status.value == "completed", (found.failure, found.errors)
    assert all(action.status.value == "completed" for action in found.actions)
    assert await sandbox.world.left_behind() == []


def named(missing: Need, found: ExperimentDetail) -> bool:
    """Whether a run says which right it lacked."""
    failures = [one for one in (found.failure, *found.errors) if one is not None]
    said = " ".join(f"{one.reason} {one.mend}" for one in failures).lower()
    if missing.place.cloud != "kubernetes":
        return missing.permission.lower() in said
    path, _, verb = missing.permission.partition(":")
    group, _, resource = path.partition("/")
    words = f"{verb} {resource}.{group} in namespace {missing.place.namespace}"
    return words in said


def began(found: ExperimentDetail) -> bool:
    """Whether any fault was begun."""
    return any(action.started_at is not None for action in found.actions) or bool(found.records)
