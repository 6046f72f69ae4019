"""Identities that are taken on through others: each of the chain gets its own grant, no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from bridge.catalog.grants import documents
from bridge.catalog.needs import ASSUMING, BECOMING, DELEGATING, GETTING_TOKENS, SETTING, Who
from bridge.cli.grants import worked_out
from tests.grants.house import house
from tests.grants.test_sufficiency import began, named

HUB: Final = "arn:aws:iam::123456789012:role/hub"
GATE: Final = "arn:aws:iam::123456789012:role/gate"
NEAR: Final = "near@faultbridge-sandbox.iam.gserviceaccount.com"
SETTINGS: Final = {
    "FAULTBRIDGE_AWS_CHAINS": f"*role/my-fis-role={HUB},{HUB}={GATE}",
    "FAULTBRIDGE_AWS_EXTERNAL_IDS": f"{HUB}=agreed",
    "FAULTBRIDGE_GCP_DELEGATES": f"chaos@*={NEAR}",
}


def document(project: str, zone: str, role: str) -> dict[str, Any]:
    place = {"project": project, "zone": zone}
    tags, one = {"chaos": "ready"}, "COUNT(1)"
    aws = {"resourceType": "aws:ec2:instance", "resourceTags": tags, "selectionMode": one}
    gcp = {"resourceType": "gcp:compute:instance", "resourceTags": tags, "selectionMode": one}
    seconds = {"startInstancesAfterDuration": "PT1S"}
    return {
        "description": "two clouds",
        "targets": {"Aws": aws, "Gcp": {**gcp, "parameters": place}},
        "actions": {
            "StopAws": {
                "actionId": "aws:ec2:stop-instances",
                "parameters": seconds,
                "targets": {"Instances": "Aws"},
            },
            "StopGcp": {
                "actionId": "gcp:compute:stop-instances",
                "parameters": seconds,
                "targets": {"Instances": "Gcp"},
            },
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": role,
    }


async def test_a_run_through_others_needs_exactly_what_each_of_them_is_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, monkeypatch, **SETTINGS) as sandbox:
        google, role = sandbox.world.gcp_estate, sandbox.world.estate.role_arn
        written = document(google.project, google.zone, role)
        needs, told = await sandbox.needs(written)
        granted = [one for one in needs if one.need != "optional"]
        chain = [one for one in granted if one.permission in BECOMING]
        account = google.service_account
        assert {(one.holder, one.permission, *one.resources) for one in chain} == {
            ("", ASSUMING, GATE),
            (GATE, ASSUMING, HUB),
            (HUB, ASSUMING, role),
            ("", DELEGATING, NEAR),
            (NEAR, GETTING_TOKENS, account),
        }
        # What the bridge itself lacks, test_sufficiency tries; here one of each cloud in between.
        for missing in (one for one in chain if one.holder in (HUB, NEAR)):
            await sandbox.grant([one for one in granted if one is not missing], told)
            found = await sandbox.run_afresh(written)
            assert found.status.value == "failed", missing
            assert not began(found), missing
            said = " ".join(one.reason for one in found.errors)
            assert missing.resources[0] in said, missing
            assert named(missing, found), missing
        await sandbox.grant(granted, told)
        assert await sandbox.verdict(written, ASSUMING) == "ok"
        assert await sandbox.verdict(written, DELEGATING) == "ok"
        found = await sandbox.run_afresh(written)
        assert found.status.value == "completed", found.errors


def test_documents_name_each_of_the_chain_with_its_external_id_and_source_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = "chaos@faultbridge-sandbox.iam.gserviceaccount.com"
    more = {
        "FAULTBRIDGE_AWS_SOURCE_IDENTITY": "true",
        "FAULTBRIDGE_GCP_IDENTITIES": f"*={account}",
    }
    for name, value in {**SETTINGS, **more}.items():
        monkeypatch.setenv(name, value)
    role = "arn:aws:iam::123456789012:role/my-fis-role"
    needs, told = worked_out(document("faultbridge-sandbox", "us-central1-a", role), "two-clouds")
    made = documents(needs, told)
    trust = {one.title: one.body["Statement"][0] for one in made if one.kind == "trust-policy"}
    hub = trust["Trust policy of role hub: role gate may assume it"]
    assert hub["Principal"] == {"AWS": GATE}
    assert hub["Condition"] == {"StringEquals": {"sts:ExternalId": "agreed"}}
    assert len(trust) == 3
    assert all(one["Action"] == [ASSUMING, SETTING] for one in trust.values())
    assert ["Condition" in one for one in trust.values()].count(True) == 1
    between = {
        one.holder: one.body["Statement"]
        for one in made
        if one.kind == "iam-policy" and one.who is Who.BETWEEN
    }
    assert set(between) == {GATE, HUB}
    (statement,) = between[GATE]
    assert (statement["Action"], statement["Resource"]) == ([ASSUMING, SETTING], [HUB])
    bindings = [one.commands[0] for one in made if one.kind == "binding" and one.cloud == "gcp"]
    assert any(f"{NEAR} --member=serviceAccount:ACCOUNT-OF-THE-BRIDGE" in one for one in bindings)
    assert any(f"--member=serviceAccount:{NEAR}" in one for one in bindings)
