"""How the lists and maps of built-in kinds are merged, by strategic merge patch and by apply.

The rules are those of Kubernetes 1.32's API types: `patchStrategy` and `patchMergeKey` (strategic
merge patch), `listType`, `listMapKey` and `mapType` (server-side apply). A list that is not named
here is replaced as a whole, a map is merged; the shared tests hold this table against the
OpenAPI document of a real server.
"""

from __future__ import annotations

from typing import Any

PATCH_KEY = "x-kubernetes-patch-merge-key"
PATCH_STRATEGY = "x-kubernetes-patch-strategy"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"

RETAIN_KEYS = "retainKeys"


def _keyed(*keys: str, patch: str | None = "", retain: bool = False) -> dict[str, Any]:
    """Write the rule of a list of objects; patches go by the first key (`patch=None`: by none)."""
    rule: dict[str, Any] = {LIST_TYPE: "map", LIST_KEYS: list(keys)}
    if patch is not None:
        rule[PATCH_KEY] = patch or keys[0]
        rule[PATCH_STRATEGY] = f"merge,{RETAIN_KEYS}" if retain else "merge"
    return rule


_ATOMIC = {MAP_TYPE: "atomic"}
_SET = {LIST_TYPE: "set"}
_CONDITIONS = {"conditions": _keyed("type")}
_CONTAINER = {
    "env": _keyed("name"),
    "ports": _keyed("containerPort", "protocol"),
    "volumeDevices": _keyed("devicePath"),
    "volumeMounts": _keyed("mountPath"),
}

FIELD_RULES: dict[str, dict[str, dict[str, Any]]] = {
    "V1ObjectMeta": {
        "finalizers": {**_SET, PATCH_STRATEGY: "merge"},
        "ownerReferences": _keyed("uid"),
    },
    "V1PodSpec": {
        "containers": _keyed("name"),
        "ephemeralContainers": _keyed("name"),
        "hostAliases": _keyed("ip"),
        "imagePullSecrets": _keyed("name"),
        "initContainers": _keyed("name"),
        "nodeSelector": _ATOMIC,
        "resourceClaims": _keyed("name", retain=True),
        "schedulingGates": _keyed("name"),
        "topologySpreadConstraints": _keyed("topologyKey", "whenUnsatisfiable"),
        "volumes": _keyed("name", retain=True),
    },
    "V1Container": _CONTAINER,
    "V1EphemeralContainer": _CONTAINER,
    "V1ResourceRequirements": {"claims": _keyed("name", patch=None)},
    "V1PodStatus": {
        **_CONDITIONS,
        "hostIPs": {PATCH_KEY: "ip", PATCH_STRATEGY: "merge"},
        "podIPs": _keyed("ip"),
        "resourceClaimStatuses": _keyed("name", retain=True),
    },
    "V1ContainerStatus": {
        "allocatedResourcesStatus": _keyed("name"),
        "volumeMounts": _keyed("mountPath"),
    },
    "V1ResourceStatus": {"resources": _keyed("resourceID", patch=None)},
    "V1ServiceSpec": {
        "ports": _keyed("port", "protocol"),
        "selector": _ATOMIC,
    },
    "V1ServiceStatus": _CONDITIONS,
    "V1ServiceAccount": {"secrets": _keyed("name")},
    "V1NamespaceStatus": _CONDITIONS,
    "V1NodeSpec": {"podCIDRs": {**_SET, PATCH_STRATEGY: "merge"}},
    "V1NodeStatus": {**_CONDITIONS, "addresses": _keyed("type")},
    "V1DeploymentSpec": {"strategy": {PATCH_STRATEGY: RETAIN_KEYS}},
    "V1DeploymentStatus": _CONDITIONS,
    "V1ReplicaSetStatus": _CONDITIONS,
    "V1CustomResourceDefinitionStatus": {"conditions": _keyed("type", patch=None)},
    "V1JSONSchemaProps": {
        "x-kubernetes-validations": {
            **_keyed("rule"),
        },
    },
}
"""By model of the official client, then by field."""

ATOMIC_MODELS = frozenset(
    {
        "RbacV1Subject",
        "V1ConfigMapKeySelector",
        "V1FileKeySelector",
        "V1LabelSelector",
        "V1LocalObjectReference",
        "V1NodeSelector",
        "V1NodeSelectorTerm",
        "V1ObjectFieldSelector",
        "V1ObjectReference",
        "V1OwnerReference",
        "V1ResourceFieldSelector",
        "V1RoleRef",
        "V1SecretKeySelector",
        "V1TypedLocalObjectReference",
    }
)
"""The models whose fields belong to one owner together."""

DEFAULTED_KEYS: dict[str, dict[str, Any]] = {
    "V1ContainerPort": {"protocol": "TCP"},
    "V1ServicePort": {"protocol": "TCP"},
}
"""Keys of list items that may be left out, with the value that they then have."""
