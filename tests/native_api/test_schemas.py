"""The JSON Schemas that the bridge serves to editors."""

from __future__ import annotations

import jsonschema

from providers.kubernetes.specs import SPECS
from tests.native_api.conftest import Here


async def test_schemas_are_listed_and_each_is_served(here: Here) -> None:
    listed = (await here.http.get("/v1/schemas")).json()
    assert {entry["kind"] for entry in listed["schemas"]} == set(SPECS)
    for entry in listed["schemas"]:
        assert entry["description"]
        answer = await here.http.get(entry["schema"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/schema+json"
        schema = answer.json()
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["properties"]["kind"] == {"const": entry["kind"]}
        assert schema["properties"]["apiVersion"] == {"const": entry["apiVersion"]}
    everything = (await here.http.get(listed["any"])).json()
    assert set(SPECS) <= set(everything["$defs"])


async def test_what_has_no_schema_is_told_the_nearest(here: Here) -> None:
    for path in ("chaos-mesh.org/v1alpha1/NetworkCaos", "chaosmesh.org/v1alpha1/NetworkChaos"):
        answer = await here.http.get(f"/v1/schemas/{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert 'did you mean "chaos-mesh.org/v1alpha1/NetworkChaos"' in answer.json()["detail"]
    answer = await here.http.get("/v1/schemas/chaos-mesh.org/v1alpha1/WorkflowNode")
    assert answer.status_code == 404
