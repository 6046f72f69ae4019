"""IsolateInstances: rules first, then tags; tags off first, then the rules."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bridge.model.record import Record
from bridge.sandbox.gcp import GcpEmulator
from providers.contract import Outcomes
from providers.gcp import rules as module
from providers.gcp.describe import addressed, read
from providers.gcp.isolation import IsolateInstances
from providers.gcp.names import Name
from providers.gcp.session import GcpSession
from tests.gcp_faults.conftest import Calls, Launch
from tests.gcp_faults.records import kinds, mark_of, reasons, records_of

FAULT = IsolateInstances()
MINUTE = FAULT.Parameters.model_validate({"duration": "PT1M"})


def network(gcp: GcpEmulator, name: str = "default") -> str:
    return f"//compute.googleapis.com/projects/{gcp.project}/global/networks/{name}"


async def isolated(
    session: GcpSession, gcp: GcpEmulator, names: list[str]
) -> tuple[list[Record], Outcomes]:
    records = records_of(FAULT, names, MINUTE, networks=network(gcp))
    assert set(kinds(await FAULT.prepare(session, MINUTE, records), records)) == {"done"}
    await FAULT.mark(session, mark_of(FAULT), records)
    gcp.complete_transitions()
    return records, await FAULT.inject(session, MINUTE, records)


def test_rules_come_first_and_instances_depend_on_them(gcp: GcpEmulator) -> None:
    both = f"{network(gcp)},{network(gcp, 'inner')}"
    names = [gcp.add_instance("a"), gcp.add_instance("b")]
    records = records_of(FAULT, names, MINUTE, networks=both)
    rules = [record.resource for record in records[:2]]
    assert [name.rpartition("/")[0].endswith("/global/firewalls") for name in rules] == [True] * 2
    assert [record.resource for record in records[2:]] == names
    assert [record.touches for record in records[2:]] == [tuple(rules)] * 2
    assert len({record.state["tag"] for record in records}) == 1


async def test_cut_off_both_ways_and_let_free_without_a_trace(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    names = launch(10, tags=["web"])
    bystander = gcp.add_instance("bystander", tags=["web"])
    calls()
    records, outcomes = await isolated(session, gcp, names)
    assert set(kinds(outcomes, records)) == {"pending"}
    assert Counter(calls("firewalls.insert", "instances.setTags")) == {
        "firewalls.insert": 2,
        "instances.setTags": 10,
    }
    assert set(kinds(await FAULT.observe(session, records), records)) == {"applying"}
    gcp.complete_transitions()
    assert set(kinds(await FAULT.observe(session, records), records)) == {"present"}
    assert gcp.isolated("worker-004") == {"INGRESS", "EGRESS"}
    assert not gcp.isolated(bystander.rpartition("/")[2])

    rules, tagged = records[:1], records[1:]
    assert set(kinds(await FAULT.revert(session, tagged), tagged)) == {"pending"}
    assert set(kinds(await FAULT.revert(session, tagged), tagged)) == {"pending"}
    gcp.complete_transitions()
    assert set(kinds(await FAULT.revert(session, tagged), tagged)) == {"done"}
    assert gcp.instance("worker-004")["tags"]["items"] == ["web"]
    assert kinds(await FAULT.revert(session, rules), rules) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await FAULT.revert(session, rules), rules) == ["done"]
    assert gcp.names("firewalls") == []


async def test_every_step_may_be_repeated(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records, _ = await isolated(session, gcp, launch())
    for _ in range(2):
        assert kinds(await FAULT.inject(session, MINUTE, records), records) == ["pending"] * 2
    gcp.complete_transitions()
    assert kinds(await FAULT.inject(session, MINUTE, records), records) == ["pending", "done"]
    assert len(gcp.names("firewalls")) == 2
    for _ in range(3):
        await FAULT.revert(session, records)
        gcp.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2


@pytest.mark.parametrize("by", ["us", "somebody"])
async def test_a_rule_that_goes_while_it_is_looked_at_is_deleted_once(
    session: GcpSession,
    launch: Launch,
    gcp: GcpEmulator,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    records, _ = await isolated(session, gcp, launch(1))
    gcp.complete_transitions()
    rules, tagged = records[:1], records[1:]
    await FAULT.revert(session, tagged)
    gcp.complete_transitions()
    if by == "us":
        await FAULT.revert(session, rules)

    async def read_then_gone(session: GcpSession, name: Name) -> Any:
        found = await read(session, name)
        if by == "somebody" and found is not None:
            await session.call("firewalls", "delete", **addressed(name))
        gcp.complete_transitions()
        return found

    monkeypatch.setattr(module, "read", read_then_gone)
    outcomes = [await FAULT.revert(session, rules) for _ in range(2)]
    assert kinds(outcomes[-1], rules) == ["done"]
    assert reasons(outcomes[0], rules) == reasons(outcomes[1], rules)


async def test_without_rules_nothing_is_tagged(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    gcp.fail(operation="firewalls.insert", error="forbidden", status=403, message="No rules here.")
    records, outcomes = await isolated(session, gcp, launch())
    assert kinds(outcomes, records) == ["rejected", "rejected"]
    assert "No rules here." in reasons(outcomes, records)[1]
    assert calls("instances.setTags") == []


@pytest.mark.parametrize("late", [True, False])
async def test_a_second_rule_that_is_refused_leaves_the_first_to_be_undone(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, late: bool
) -> None:
    records = records_of(FAULT, launch(), MINUTE, networks=network(gcp))
    await FAULT.prepare(session, MINUTE, records)
    real = GcpSession.call

    async def call(
        self: GcpSession, kind: str, method: str, *rest: object, **given: object
    ) -> object:
        if method == "insert" and inserted:
            gcp.fail(operation="firewalls.insert", error="quotaExceeded", status=403)
        inserted.append(method)
        return await real(self, kind, method, *rest, **given)  # type: ignore[arg-type] # passed on

    inserted: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GcpSession, "call", call)
        await FAULT.inject(session, MINUTE, records)
    if late:
        gcp.complete_transitions()
    rules = records[:1]
    assert kinds(await FAULT.observe(session, rules), rules) == ["failed"]
    assert kinds(await FAULT.revert(session, rules), rules) == ["pending"]
    for _ in range(2):
        gcp.complete_transitions()
        await FAULT.revert(session, rules)
    assert kinds(await FAULT.revert(session, rules), rules) == ["done"]
    assert gcp.names("firewalls") == []


async def test_tags_that_somebody_changed_meanwhile_are_read_again(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(FAULT, launch(), MINUTE, networks=network(gcp))
    await FAULT.prepare(session, MINUTE, records)
    gcp.fail(operation="instances.setTags", error="conditionNotMet", status=412)
    outcomes = await FAULT.inject(session, MINUTE, records)
    assert kinds(outcomes, records) == ["pending", "pending"]
    gcp.fail(operation="instances.setTags", error="conditionNotMet", status=412, times=4)
    gcp.complete_transitions()
    outcomes = await FAULT.revert(session, records[1:])
    assert kinds(outcomes, records[1:]) == ["unknown"]


@pytest.mark.usefixtures("few_attempts")
async def test_a_lost_reply_is_noticed(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(FAULT, launch(), MINUTE, networks=network(gcp))
    await FAULT.prepare(session, MINUTE, records)
    gcp.lose_reply(operation="firewalls.insert")
    assert kinds(await FAULT.inject(session, MINUTE, records), records) == ["unknown"] * 2
    assert kinds(await FAULT.observe(session, records), records) == ["applying", "absent"]
    assert kinds(await FAULT.inject(session, MINUTE, records), records) == ["pending"] * 2
    gcp.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 2


async def test_an_instance_that_is_gone_is_told(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records, _ = await isolated(session, gcp, launch(2))
    gcp.complete_transitions()
    gcp.remove_instance("worker-001")
    assert kinds(await FAULT.observe(session, records), records) == ["present", "present", "gone"]
    assert kinds(await FAULT.revert(session, records), records)[1:] == ["pending", "gone"]


async def test_what_the_tag_would_not_cut_off_is_refused(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    crowded = gcp.add_instance("crowded", tags=[f"t{number}" for number in range(64)])
    records = records_of(FAULT, [crowded], MINUTE, networks=network(gcp))
    outcomes = await FAULT.prepare(session, MINUTE, records)
    assert kinds(outcomes, records) == ["done", "rejected"]
    assert "64 network tags" in reasons(outcomes, records)[1]
    lonely = records_of(FAULT, [gcp.add_instance("lonely")], MINUTE)
    assert kinds(await FAULT.prepare(session, MINUTE, lonely), lonely) == ["rejected"]
    with gcp._cloud.lock:
        path = gcp._path("instances", "lonely")
        gcp._cloud.get(path)["networkInterfaces"][0]["stackType"] = "IPV4_IPV6"
    records = records_of(FAULT, [crowded.replace("crowded", "lonely")], networks=network(gcp))
    assert "speaks IPv6" in reasons(await FAULT.prepare(session, MINUTE, records), records)[1]
