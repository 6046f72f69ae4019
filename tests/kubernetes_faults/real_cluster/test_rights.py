"""Who may do what, by a real cluster's RBAC, and what its other refusals are taken for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.contract import Effect
from tests.kubernetes_faults.one_run import NETWORK_DELAY, eventually
from tests.kubernetes_faults.real_cluster.differences import USER_NAME
from tests.kubernetes_faults.real_cluster.real import MERGE, client

pytestmark = pytest.mark.real_cluster
Start = Callable[..., Any]
NOT_AUTHORIZED = "Not authorized to perform the required action."


async def test_the_grant_for_somebody_without_rights_is_enough_and_no_more(
    cluster: Any, start: Start, namespace: str, kubeconfig: Path
) -> None:
    spec = {**NETWORK_DELAY, "selector": {"namespaces": ["sock-shop"]}}
    run = await start(context="nobody", kubernetesNamespace=namespace, kubernetesSpec=spec)
    denials = await run.review()
    assert [denial.reason for denial in denials] == [
        f"{NOT_AUTHORIZED} The context's user may not {verb} networkchaos.chaos-mesh.org in "
        f"namespace {place} of cluster nobody."
        for verb, place in (
            ("create", namespace),
            ("get", namespace),
            ("delete", namespace),
            ("create", "sock-shop"),
        )
    ]
    (mend,) = {denial.mend for denial in denials}
    assert str(USER_NAME.in_1_20) in mend
    cluster.install(*yaml.safe_load_all(mend.replace(str(USER_NAME.in_1_20), "nobody")))
    await eventually(run.review, lambda left: left == [])
    with client(kubeconfig, "nobodytoken") as nobody:
        assert [v for v in _VERBS if cluster.allowed(nobody, v, namespace)] == _GRANTED
        assert [v for v in _VERBS if cluster.allowed(nobody, v, "sock-shop")] == ["create"]
        assert [v for v in _VERBS if cluster.allowed(nobody, v, "default")] == []

    await run.start()
    cluster.controllers.take_up(cluster.one())
    cluster.controllers.inject(cluster.one())
    assert (await run.observe()).effect is Effect.PRESENT
    await run.revert()
    cluster.controllers.let_go(cluster.one())
    assert (await run.revert()).kind == "done"


_VERBS = ["create", "get", "list", "watch", "patch", "update", "delete", "deletecollection"]
_GRANTED = ["create", "get", "list", "watch", "delete"]


async def test_without_rights_each_step_is_refused_by_name(cluster: Any, start: Start) -> None:
    run = await start(context="nobody")
    assert (await run.prepare()).kind == "done"  # whoever is known may ask what is served
    for outcome, doing, verb in (
        (await run.inject(), "inject", "create"),
        (await run.revert(), "get", "get"),
    ):
        assert outcome.kind == "rejected"
        assert outcome.reason.startswith(
            f"Unable to {doing} custom resource: {NOT_AUTHORIZED} Cluster nobody answered the "
            "context's user: networkchaos.chaos-mesh.org "
        )
        assert f'User "nobody" cannot {verb} resource "networkchaos"' in outcome.reason
    assert cluster.all_chaos() == []


async def test_a_token_that_is_not_accepted(cluster: Any, start: Start) -> None:
    run = await start(context="stale")
    wanted = (
        f"{NOT_AUTHORIZED} Cluster stale does not accept the credentials of its context "
        "(HTTP 401): log in again."
    )
    assert [denial.reason for denial in await run.review()] == [wanted]
    refused = await run.prepare()
    assert refused.kind == "rejected"
    assert refused.reason == f"Unable to get custom resource: {wanted}"


async def test_a_context_without_credentials(cluster: Any, start: Start) -> None:
    run = await start(context="anonymous")
    (denial,) = await run.review()
    assert 'User "system:anonymous" cannot create' in denial.reason
    refused = await run.prepare()
    assert refused.kind == "rejected"
    assert 'User "system:anonymous" cannot get path' in refused.reason


async def test_a_quota_is_no_lack_of_rights(cluster: Any, start: Start, namespace: str) -> None:
    nothing = {"count/networkchaos.chaos-mesh.org": "0"}
    about = {"name": "none", "namespace": namespace}
    spec = {"hard": nothing}
    cluster.install({"kind": "ResourceQuota", "metadata": about, "spec": spec})
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/none/status"
    counted = {"status": {"hard": nothing, "used": nothing}}  # as the quota's controller does
    assert cluster.api.patch(path, json=counted, headers=MERGE).status_code == 200
    run = await start(kubernetesNamespace=namespace)
    (denial,) = await eventually(run.review, bool)
    assert NOT_AUTHORIZED not in denial.reason
    assert denial.reason.startswith(
        "Unable to inject custom resource: Kubernetes API returned status code 403. "
    )
    assert "exceeded quota: none, requested: count/networkchaos.chaos-mesh.org=1" in denial.reason
    await run.prepare()
    assert NOT_AUTHORIZED not in (await run.inject()).reason


async def test_a_namespace_that_is_going_is_no_lack_of_rights(
    cluster: Any, start: Start, namespace: str
) -> None:
    keeper = {"kind": "ConfigMap", "metadata": {"name": "keeper", "finalizers": ["a.test/b"]}}
    keepers = f"/api/v1/namespaces/{namespace}/configmaps"
    assert cluster.api.post(keepers, json=keeper).status_code == 201
    assert cluster.api.delete(f"/api/v1/namespaces/{namespace}").status_code == 200
    run = await start(kubernetesNamespace=namespace)
    (denial,) = await eventually(run.review, bool)
    assert NOT_AUTHORIZED not in denial.reason
    assert f"namespace {namespace} because it is being terminated" in denial.reason
    without = {"metadata": {"finalizers": None}}
    assert cluster.api.patch(f"{keepers}/keeper", json=without, headers=MERGE).is_success
