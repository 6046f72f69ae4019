"""Which schemas and which values are refused, and in which words: as a real server recorded it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kubernetes_emulator.api_calls import eventually
from tests.kubernetes_emulator.definitions import GROUP
from tests.kubernetes_emulator.same_as_real.schema_cases import FIELDS, SCHEMAS, VALUES

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster

RECORDED = Path(__file__).parent / "recorded"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CASES = [(field, value) for field, values in VALUES.items() for value in values]


def camel(name: str) -> str:
    first, *rest = re.split("[ -]", name)
    return first + "".join(word.title() for word in rest)


def definition(plural: str, schema: dict[str, Any]) -> dict[str, Any]:
    names = {"plural": plural, "kind": plural.title()}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@pytest.fixture
def values(api: httpx.Client, namespace: str) -> str:
    """The path of the kind that has a field for each keyword."""
    fields = {camel(name): schema for name, schema in FIELDS.items()}
    spec = {"type": "object", "properties": fields}
    schema = {"type": "object", "properties": {"spec": spec}}
    made = api.post(DEFINITIONS, json=definition("values", schema))
    assert made.status_code in (201, 409), made.text
    path = f"/apis/{GROUP}/v1/namespaces/{namespace}/values"
    eventually(lambda: api.get(path).status_code == 200)
    return path


def answered(answer: httpx.Response) -> dict[str, Any]:
    """What of an answer is compared: the code, the causes, and the spec that would be stored."""
    body = answer.json()
    causes = (body.get("details") or {}).get("causes", [])
    listed = sorted({(item["field"], item["reason"], item["message"]) for item in causes})
    kept = body.get("spec") if body["kind"] == "Values" else None
    return {"code": answer.status_code, "causes": [list(item) for item in listed], "spec": kept}


def compare(recorded: str, case: str, answer: dict[str, Any], cluster: Cluster) -> None:
    path = RECORDED / recorded
    known = json.loads(path.read_text()) if path.is_file() else {}
    if cluster.is_real and os.environ.get("FAULTBRIDGE_RECORD"):
        known[case] = answer
        path.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    if cluster.is_real:
        assert answer == known[case]
    else:
        assert aged(answer) == aged(known[case])


def aged(answer: dict[str, Any]) -> dict[str, Any]:
    """Level what the releases write differently: `differences` LIST_INDEX, TOO_MANY, TOO_LONG."""
    levelled = []
    for field, reason, message in answer["causes"]:
        if "at most" in message or "Too long" in message:
            levelled.append((field, "too much", ""))
        elif reason == "FieldValueDuplicate":
            levelled.append((field, reason, message))
        else:
            plain = [re.sub(r"\[\d+\]", "", text) for text in (field, message)]
            levelled.append((plain[0], reason, plain[1]))
    return {**answer, "causes": sorted(set(levelled))}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_of_definitions(api: httpx.Client, cluster: Cluster, name: str) -> None:
    body = definition(re.sub("[^a-z]", "", name.lower()) + "s", SCHEMAS[name])
    answer = api.post(f"{DEFINITIONS}?dryRun=All", json=body)
    compare("definitions.json", name, answered(answer), cluster)


@pytest.mark.parametrize(("field", "value"), CASES, ids=map(json.dumps, CASES))
def test_values(api: httpx.Client, values: str, cluster: Cluster, field: str, value: Any) -> None:
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Values",
        "metadata": {"name": "x"},
        "spec": {camel(field): value},
    }
    answer = api.post(f"{values}?dryRun=All&fieldValidation=Ignore", json=body)
    case = f"{field}: {json.dumps(value, ensure_ascii=False)}"
    compare("values.json", case, answered(answer), cluster)
