"""What one tenant stores another one does not see, of whatever cloud he is.

The store is asked by scope for everything that a tenant may name. What it tells by a run's id alone
(records, journal, inbox) is asked for only once the run was found in the tenant's own scope, which
`tests/authorization/test_tricks.py` holds every route to.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.model.action_template import ActionTemplate, Reference
from bridge.model.moment import Micros
from bridge.model.scope import Scope
from bridge.store import Store, Token
from iam.policy import Attachment, AuditEntry, StoredPolicy
from tests.schedules.conftest import schedule
from tests.store.conftest import SCOPE, Time, experiment, template

ACCOUNT, REGION = SCOPE.account, SCOPE.region
OTHERS = [
    Scope(cloud="aws", account="210987654321", region=REGION),
    Scope(cloud="aws", account=ACCOUNT, region="us-east-1"),
    Scope(cloud="azure", account=ACCOUNT, region=REGION),
    Scope(cloud="azure", account="6f1d2c3b-4a59-6877-8695-a4b3c2d1e0f0", region="shop"),
    Scope(cloud="gcp", account=ACCOUNT, region=REGION),
    Scope(cloud="gcp", account="shop-prod", region="europe-west1"),
]
TOKEN = Token("create", "once", "same")
PLAN = replace(TOKEN, operation="plan")
SLOW = ActionTemplate(
    name="mine",
    description="slow",
    max_duration="PT5M",
    api_version="chaos-mesh.org/v1alpha1",
    kind="PodChaos",
    namespace="shop",
    spec={"action": "pod-kill"},
)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    """A store with one thing of each kind in the first tenant's scope."""
    time = Time()
    opened = Store.open("sqlite://", clock=time, inline=True)
    made = await opened.create_template(template(), TOKEN)
    await opened.start_experiment(
        experiment(time, alarm="latency"), replace(TOKEN, operation="start")
    )
    planned = schedule(made.id, time.now)
    await opened.create_schedule(planned.model_copy(update={"scope": SCOPE}), PLAN)
    await opened.create_action_template(SCOPE, SLOW)
    policy = StoredPolicy("mine", "", {}, Attachment(("*",)), time.now, time.now)
    await opened.change_policy(SCOPE, "mine", lambda _: policy)
    entry = AuditEntry(Micros(1), "eve", "fis:ListActions", "*", "allowed", "", "r", "a", {})
    await opened.append_audit(SCOPE, [entry])
    yield opened
    await opened.close()


async def asked(store: Store, scope: Scope) -> dict[str, Any]:
    """Return what a tenant is told who knows every id."""
    (planned,) = await store.schedules(SCOPE)
    (run,) = await store.experiments(SCOPE)
    return {
        "template": await store.template(scope, "EXT0001"),
        "templates": await store.templates(scope),
        "experiment": await store.experiment(scope, run.id),
        "experiments": await store.experiments(scope),
        "schedule": await store.schedule(scope, planned.id),
        "schedules": await store.schedules(scope),
        "schedule_and_slots": await store.schedule_and_slots(scope, planned.id),
        "schedule_of_token": await store.schedule_of_token(scope, PLAN),
        "action_template": await store.action_template(scope, Reference("mine")),
        "action_templates": await store.action_templates(scope),
        "action_template_versions": await store.action_template_versions(scope, "mine"),
        "policies": await store.policies(scope),
        "policy_generation": await store.policy_generation(scope),
        "audit": await store.audit(scope, before=None, limit=10),
        "watchers": await store.watchers(scope, "alarm", "latency"),
    }


CHANGES = {
    "append_audit",
    "change_policy",
    "claim_poll",
    "create_action_template",
    "add_action_template_version",
    "delete_action_template",
    "delete_schedule",
    "delete_template",
    "save_readings",
    "wake_watchers",
    "holders",  # of a run's resources: whether others have them is the guard against overlaps
    "readings",  # of an alarm, not of a tenant
    "decide_slots",
}


def test_everything_that_is_asked_by_scope_is_asked_here() -> None:
    by_scope = {
        name
        for name, method in inspect.getmembers(Store, inspect.iscoroutinefunction)
        if not name.startswith("_") and "scope" in inspect.signature(method).parameters
    }
    known = set(inspect.getsource(asked).split('"')) | CHANGES
    assert by_scope <= known


@pytest.mark.parametrize("other", OTHERS, ids=str)
async def test_nothing_of_another_tenant_is_told_or_taken(store: Store, other: Scope) -> None:
    (planned,) = await store.schedules(SCOPE)
    assert all((await asked(store, SCOPE)).values())
    assert not any((await asked(store, other)).values())
    assert await store.delete_template(other, "EXT0001") is None
    assert await store.delete_schedule(other, planned.id) is None
    assert not await store.delete_action_template(other, Reference("mine"))
    assert all((await asked(store, SCOPE)).values())


@pytest.mark.parametrize("other", OTHERS, ids=str)
async def test_a_token_of_another_tenant_answers_nothing_of_his(store: Store, other: Scope) -> None:
    """A client token is one tenant's: whoever guesses it must not be shown what it made."""
    number = 10 + OTHERS.index(other)
    mine = template(number).model_copy(update={"scope": other})
    assert (await store.create_template(mine, replace(TOKEN, fingerprint="other"))).id == mine.id
    await store.delete_template(other, mine.id)
