"""The audit log: what is written, what is not, and how long it stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bridge.client import Client
from bridge.model.experiment import Experiment
from bridge.model.moment import Micros
from iam.policy import AuditEntry
from tests.authorization.conftest import ALICE, BOB, Building, House, allow, deny


def test_denials_and_changes_are_logged_and_allowed_reads_are_not(
    house: House, stored: str
) -> None:
    arn = f"{house.arn}experiment-template/{stored}"
    house.grant(ALICE, allow("fis:*", Sid="All"), deny("fis:Delete*", Sid="NoDelete"))
    fis = house.fis(ALICE)
    fis.list_actions()
    fis.get_experiment_template(id=stored)
    run = fis.start_experiment(clientToken="a", experimentTemplateId=stored)
    with pytest.raises(fis.exceptions.ClientError) as denied:
        fis.delete_experiment_template(id=stored)
    with house.http(BOB) as bob:
        bob.get("/actions")
    started, on_run, refused, bobs = house.audit()
    assert (started.action, started.resource) == ("fis:StartExperiment", arn)
    assert (started.outcome, started.statement) == ("allowed", "test/All")
    assert started.details["faultbridge:templatedigest"][0].startswith("sha256:")
    assert on_run.resource == run["experiment"]["arn"]
    assert started.request_id == run["ResponseMetadata"]["RequestId"]
    assert (refused.outcome, refused.statement) == ("explicitDeny", "test/NoDelete")
    assert refused.request_id == denied.value.response["ResponseMetadata"]["RequestId"]
    assert (bobs.principal, bobs.outcome, bobs.statement) == (BOB, "implicitDeny", "")
    assert (bobs.address, bobs.details["path"]) == ("127.0.0.1", "/actions")
    assert started.at <= bobs.at


def test_who_is_refused_one_thing_has_done_none_of_the_others(house: House, stored: str) -> None:
    house.grant(ALICE, allow("fis:StartExperiment", resource="arn:aws:fis:*:*:experiment/*"))
    fis = house.fis(ALICE)
    with pytest.raises(fis.exceptions.ClientError):
        fis.start_experiment(clientToken="a", experimentTemplateId=stored)
    assert [one.outcome for one in house.audit()] == ["implicitDeny"]


def test_reads_are_logged_where_the_settings_say_so(building: Building) -> None:
    house = building(audit_reads=True)
    house.grant(ALICE, allow("fis:*"))
    house.fis(ALICE).list_actions()
    assert [one.action for one in house.audit()] == ["fis:ListActions"]


def test_the_log_is_read_in_pages_by_principal_and_for_denials(house: House) -> None:
    house.grant(ALICE, allow("fis:UpdateSafetyLeverState"))
    with house.http(ALICE) as alice, house.http(BOB) as bob, Client(house.url) as local:
        for status in ("engaged", "disengaged", "engaged"):
            alice.put("/v1/lever", json={"status": status, "reason": "a drill"})
        bob.get("/v1/lever")
        alice.get("/v1/lever")
        page = local.audit(limit=2)
        assert [one.decision for one in page.entries] == ["implicitDeny", "implicitDeny"]
        rest = local.audit(before=page.next, limit=100)
        assert ([one.decision for one in rest.entries], rest.next) == (["allowed"] * 3, None)
        assert [one.principal for one in local.audit(principal=BOB).entries] == [BOB]
        assert len(local.audit(denied=True).entries) == 2
        assert len(local.audit(principal=ALICE, denied=True).entries) == 1
        with house.http() as plain:
            assert plain.get("/v1/audit?limit=0").status_code == 400
            assert plain.get("/v1/audit?who=x").status_code == 400


def test_what_is_older_than_is_kept_goes_and_nothing_else(house: House) -> None:
    store, scope = house.bridge.store, house.bridge.scope

    def entry(at: int) -> AuditEntry:
        return AuditEntry(
            at=Micros(at),
            principal=ALICE,
            action="fis:StopExperiment",
            resource="*",
            outcome="allowed",
            statement="",
            request_id="",
            address="",
            details={},
        )

    house.run(store.append_audit(scope, [entry(n) for n in range(10)]))
    assert house.run(store.prune_audit(Micros(4))) == 4
    assert [one.at for one in house.audit()] == list(range(4, 10))
    assert house.run(store.prune_audit(Micros(0), most=2)) == 4
    assert [one.at for one in house.audit()] == [8, 9]
    assert house.run(store.prune_audit(Micros(0))) == 0


def test_old_entries_go_while_new_ones_come(building: Building) -> None:
    house = building(audit_retention=timedelta(0))
    house.grant(ALICE, deny("*"))
    with house.http(ALICE) as alice:
        for _ in range(3):
            alice.get("/actions")
    assert len(house.audit()) < 3


def test_what_cannot_be_logged_is_not_done(
    house: House, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(house.bridge.store, "append_audit", fails)
    house.grant(ALICE, allow("*"))
    with house.http(ALICE) as alice:
        assert alice.delete(f"/experimentTemplates/{stored}").status_code == 500
        assert alice.get(f"/experimentTemplates/{stored}").status_code == 200


def test_whatever_a_caller_names_can_be_logged(house: House) -> None:
    with house.http(ALICE) as alice:
        for segment in ("%00", "x" * 5000, "%ff%fe", "%f0%9f%92%a5", "%ed%a0%80"):
            assert alice.get(f"/v1/schedules/{segment}").status_code == 403
            assert alice.delete(f"/v1/action-templates/{segment}").status_code == 403
            assert alice.get(f"/v1/policies/{segment}").status_code == 403
    entries = house.audit()
    assert len(entries) == 15
    assert all(len(one.resource) <= 2048 and "\x00" not in one.resource for one in entries)


def test_a_query_with_a_signature_is_not_logged(house: House) -> None:
    with house.http(ALICE) as alice:
        alice.get("/actions?x-amz-signature=secret")
    assert "secret" not in repr(house.audit())


def test_a_run_says_who_started_and_who_stopped_it(house: House, stored: str) -> None:
    house.grant("*", allow("*"))
    run_id = house.fis(ALICE).start_experiment(clientToken="a", experimentTemplateId=stored)[
        "experiment"
    ]["id"]
    run: Experiment = house.run(house.bridge.store.experiment(house.bridge.scope, run_id))
    assert run.started_by["principal"] == ALICE
    assert run.started_by["request_id"] == house.audit()[0].request_id
    with house.http(BOB) as bob:
        bob.post(f"/v1/experiments/{run_id}/stop", json={"reason": "enough"})
    (request,) = house.bridge.store.asked  # type: ignore[attr-defined]
    assert request.details["principal"] == BOB
