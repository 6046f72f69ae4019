"""Clusters that know their clouds' identities: who is bound, and whom the bridge becomes."""

from __future__ import annotations

import json
from dataclasses import replace

from bridge.catalog.grants import documents
from bridge.catalog.needs import BECOMING, GETTING_TOKENS, Need, Place, Who
from iam.acting import Acting
from tests.grants.test_documents import ABOUT, POD_KILL, needs_for


def test_a_cluster_that_knows_its_clouds_identities_wants_no_mapping() -> None:
    place = Place("kubernetes", "k8s:context/lab", namespace="a")
    need = Need(Who.EXPERIMENT, place, "chaos-mesh.org/podchaos:create")
    for cloud, user in (("gcp", "a@p.iam.gserviceaccount.com"), ("azure", "object-id")):
        acting = Acting({"gcp": "a@p.iam.gserviceaccount.com"}, clusters=(("k8s:*", cloud),))
        (roles,) = documents([need], replace(ABOUT, acting=acting, azure="object-id"))
        (_, binding) = roles.body
        assert [one["name"] for one in binding["subjects"]] == [user]
        assert user in roles.title


def test_what_the_bridge_becomes_depends_on_whose_token_the_cluster_knows() -> None:
    spec = {**POD_KILL, "selector": {"namespaces": ["a"]}}
    parameters = {
        "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
        "kubernetesKind": "PodChaos",
        "kubernetesNamespace": "chaos",
        "kubernetesSpec": json.dumps(spec),
        "maxDuration": "PT5M",
    }
    target = {"resourceType": "aws:eks:cluster", "resourceArns": ["k8s:context/laboratory"]}
    action = "aws:eks:inject-kubernetes-custom-resource"
    acting = Acting({"gcp": "a@p.iam.gserviceaccount.com"}, clusters=(("k8s:context/*", "gcp"),))

    def becoming(known: Acting) -> set[str]:
        found = needs_for(action, parameters, key="Cluster", target=target, acting=known)
        return {one.permission for one in found if one.permission in BECOMING}

    assert becoming(acting) == {GETTING_TOKENS}
    assert becoming(replace(acting, clusters=())) == set()
