"""The OpenAPI documents: what they say of each kind, and how clients may ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.sandbox.kubernetes.merge_rules import LIST_KEYS, LIST_TYPE, PATCH_KEY, PATCH_STRATEGY
from bridge.sandbox.kubernetes.openapi import PROTOBUF_V2
from tests.kubernetes_emulator import differences
from tests.kubernetes_emulator.api_calls import eventually
from tests.kubernetes_emulator.definitions import GROUP

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster

PREFIX = ".".join(reversed(GROUP.split(".")))
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@pytest.fixture
def definitions(api: httpx.Client, kinds: None) -> dict[str, Any]:
    """The definitions of version 2, once the custom kinds are among them."""

    def described() -> Any:
        answer = api.get("/openapi/v2", headers={"accept": "application/json"})
        found = answer.json()["definitions"]
        return found if f"{PREFIX}.v1.Typed" in found else None

    found: dict[str, Any] = eventually(described)
    return found


def test_custom_kinds_in_version_2(definitions: dict[str, Any]) -> None:
    probe = definitions[f"{PREFIX}.v1.Probe"]
    assert probe["x-kubernetes-group-version-kind"] == [
        {"group": GROUP, "kind": "Probe", "version": "v1"}
    ]
    assert probe["properties"]["metadata"]["$ref"] == f"#/definitions/{META}"
    spec = probe["properties"]["spec"]
    assert spec["required"] == ["mode", "selector"]
    fields = spec["properties"]
    assert fields["choice"] == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
    }
    assert fields["d"] == {"type": "string"}, "defaults are not shown"
    assert fields["either"] == {"x-kubernetes-int-or-string": True}
    assert fields["nothing"] == {}, "what may be null has no type"
    assert fields["open"] == {"x-kubernetes-preserve-unknown-fields": True}
    assert fields["s"] == {"type": "string", "pattern": "^a+$", "maxLength": 4}
    listed = definitions[f"{PREFIX}.v1.ProbeList"]
    assert listed["required"] == ["items"]
    items = definitions[f"{PREFIX}.v1.Typed"]["properties"]["spec"]["properties"]["items"]
    assert (items[LIST_TYPE], items[LIST_KEYS]) == ("map", ["name"])


@pytest.mark.parametrize(
    ("kind", "field", "key", "strategy"),
    [
        ("core.v1.PodSpec", "containers", "name", "merge"),
        ("core.v1.PodSpec", "volumes", "name", "merge,retainKeys"),
        ("core.v1.PodSpec", "tolerations", None, None),
        ("core.v1.Container", "ports", "containerPort", "merge"),
        ("core.v1.Container", "volumeMounts", "mountPath", "merge"),
        ("core.v1.ServiceSpec", "ports", "port", "merge"),
        ("core.v1.NodeStatus", "conditions", "type", "merge"),
        ("core.v1.ServiceAccount", "secrets", "name", "merge"),
        ("apps.v1.DeploymentSpec", "strategy", None, "retainKeys"),
    ],
)
def test_how_lists_of_built_in_kinds_are_patched(
    definitions: dict[str, Any], kind: str, field: str, key: str | None, strategy: str | None
) -> None:
    described = definitions[f"io.k8s.api.{kind}"]["properties"][field]
    assert (described.get(PATCH_KEY), described.get(PATCH_STRATEGY)) == (key, strategy)


def test_every_reference_leads_somewhere(definitions: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    named = {f"#/definitions/{name}" for name in definitions}
    assert references(definitions) <= named


@pytest.mark.parametrize("media", PROTOBUF_V2)
def test_version_2_in_protobuf(
    api: httpx.Client, definitions: dict[str, Any], cluster: Cluster, media: str
) -> None:
    answer = api.get("/openapi/v2", headers={"accept": f"{media}, application/json;q=0.5"})
    if media not in cluster.by_age(differences.PROTOBUF_NAMES):
        assert answer.content.startswith(b"{"), "the old server knows one spelling only"
        return
    assert answer.content.startswith(b"\n\x032.0"), "swagger, field 1"
    assert f"{PREFIX}.v1.Typed".encode() in answer.content


def test_other_forms_are_not_acceptable(api: httpx.Client) -> None:
    assert api.get("/openapi/v2", headers={"accept": "text/html"}).status_code == 406


def test_version_3(api: httpx.Client, kinds: None, cluster: Cluster) -> None:
    index = api.get("/openapi/v3")
    assert index.status_code == cluster.by_age(differences.OPENAPI_3)
    if index.status_code != 200:
        return
    url = index.json()["paths"][f"apis/{GROUP}/v1"]["serverRelativeURL"]
    answer = api.get(url)
    assert "immutable" in answer.headers["cache-control"]
    schemas = answer.json()["components"]["schemas"]
    spec = schemas[f"{PREFIX}.v1.Probe"]["properties"]["spec"]["properties"]
    assert (spec["d"]["default"], spec["nothing"]["nullable"]) == ("hey", True)
    assert spec["choice"]["oneOf"] == [{"required": ["a"]}, {"required": ["b"]}]
    patch = answer.json()["paths"][f"/apis/{GROUP}/v1/namespaces/{{namespace}}/probes/{{name}}"]
    names = {parameter["name"] for parameter in patch["patch"]["parameters"]}
    assert names == {"dryRun", "fieldManager", "fieldValidation", "force"}
    again = api.get(url, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    stale = api.get(f"/openapi/v3/apis/{GROUP}/v1?hash=OLD")
    assert (stale.status_code, stale.headers["location"]) == (301, url)
