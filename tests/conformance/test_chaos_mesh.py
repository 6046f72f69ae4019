"""Our verdicts beside those of a cluster with Chaos Mesh 2.8.3, case by case.

The cases are data from elsewhere and no part of the project; the test is skipped without them.
`FAULTBRIDGE_CONFORMANCE` names another directory than the one beside the checkout.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from providers.kubernetes.specs import (
    KINDS,
    SPECS,
    Problem,
    check,
    crd_schema,
    json_schema,
    manifest_schema,
)

BESIDE = Path(__file__).parents[2].parent / "shared" / "conformance"
CASES = Path(os.environ.get("FAULTBRIDGE_CONFORMANCE", BESIDE)) / "chaos-mesh" / "cases.jsonl"

pytestmark = pytest.mark.skipif(not CASES.is_file(), reason=f"needs {CASES}")

# Go structs that are embedded in JSON, and fields whose JSON name is not theirs.
EMBEDDED = {
    "AWSSelector",
    "AzureSelector",
    "ContainerSelector",
    "EmbedStatusCheck",
    "GCPSelector",
    "PodHttpChaosActions",
    "PodSelector",
    "TcParameter",
}
# No case of these kinds is in the set; the rates of others stand for what is common.
WITHOUT_CASES = {"BlockChaos"}
RENAMED = {
    "CPUStressor": "cpu",
    "EbsVolume": "volumeID",
    "HTTPStatusCheck": "http",
    "LUN": "lun",
    "MemoryStressor": "memory",
}

# Litmus has no webhook, and no cases.
JUDGED = sorted(kind for kind in SPECS if KINDS[kind].group == "chaos-mesh.org")
CHAOS = [kind for kind in JUDGED if KINDS[kind].chaos]


def cases(kind: str) -> list[dict[str, Any]]:
    with CASES.open(encoding="utf-8") as lines:
        read = [json.loads(line) for line in lines]
    return [case for case in read if case["cr"]["kind"] == kind]


def judged(case: dict[str, Any]) -> list[Problem]:
    resource = case["cr"]
    namespace = resource["metadata"].get("namespace", "default")
    problems = check(resource["apiVersion"], resource["kind"], namespace, resource.get("spec"))
    return [problem for problem in problems if problem.severity == "error"]


def paths_named_by_server(why: str) -> set[str]:
    """The JSON paths in the server's words; webhooks name the fields of Go structs.

    The webhook of PhysicalMachineChaos calls the whole spec "Spec.spec".
    """
    why = why.replace("Spec.spec: Invalid", "Spec: Invalid")
    found = set(re.findall(r"\b(spec[\w.\[\]]*): (?:Required|Invalid|Unsupported)", why))
    found |= set(re.findall(r'unknown field "([^"]+)"', why))
    for path in re.findall(r"\b(Spec[\w.\[\]]*): Invalid value", why):
        steps = [RENAMED.get(step, step) for step in path.split(".") if step not in EMBEDDED]
        found.add(".".join(step[0].lower() + step[1:] for step in steps))
    return found


def on_the_same_branch(ours: str, theirs: str) -> bool:
    """Whether one is the other or contains it: an unknown field inside a text is a wrong type."""
    one, other = (f"{path}.".replace("[", ".[") for path in (ours, theirs))
    return one.startswith(other) or other.startswith(one)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema under strict field validation, which a structural schema cannot say itself."""
    result = dict(schema)
    if "properties" in result:
        result["properties"] = {name: closed(each) for name, each in result["properties"].items()}
        result["additionalProperties"] = False
    if "items" in result:
        result["items"] = closed(result["items"])
    return result


@pytest.fixture(scope="module")
def total() -> Iterator[Counter[str]]:
    """The counts of all kinds together, told after the last."""
    counted = Counter[str]()
    yield counted
    print(f"\nAll kinds: {rates(counted)}")  # noqa: T201 - the rates are what this is run for


def rates(count: Counter[str]) -> str:
    return (
        f"{count['accepted wrongly judged']} of {count['accepted']} accepted cases refused, "
        f"{count['refused wrongly judged']} of {count['refused']} refused cases accepted"
    )


@pytest.mark.parametrize("kind", JUDGED)
def test_verdicts_are_those_of_the_cluster(
    kind: str, total: Counter[str], capsys: pytest.CaptureFixture[str]
) -> None:
    count = Counter[str]()
    wrong = []
    for case in cases(kind):
        errors = judged(case)
        verdict = "accepted" if case["accepted"] else "refused"
        count[verdict] += 1
        if bool(errors) is case["accepted"]:
            count[f"{verdict} wrongly judged"] += 1
            wrong.append((case["id"], case["mutation"], case["why"], errors))
    total.update(count)
    with capsys.disabled():
        print(f"\n{kind}: {rates(count)}")  # noqa: T201 - the rates are what this is run for
    assert count or kind in WITHOUT_CASES
    assert wrong == []


@pytest.mark.parametrize("kind", sorted(set(JUDGED) - WITHOUT_CASES))
def test_errors_stand_where_the_server_saw_them(kind: str) -> None:
    compared = 0
    elsewhere = []
    for case in cases(kind):
        if case["accepted"]:
            continue
        theirs = paths_named_by_server(case["why"])
        ours = {error.path for error in judged(case)}
        compared += bool(theirs)
        missed = [path for path in theirs if not any(on_the_same_branch(o, path) for o in ours)]
        if missed:
            elsewhere.append((case["id"], case["mutation"], missed, ours))
    assert compared
    assert elsewhere == []


@pytest.mark.parametrize("kind", JUDGED)
def test_the_schema_refuses_what_the_crd_refuses(kind: str) -> None:
    schema = closed(crd_schema(kind))
    validator = jsonschema.Draft202012Validator(schema)
    for case in cases(kind):
        if case["why"] == "no such kind/version":
            continue
        refused = not validator.is_valid(case["cr"]["spec"])
        assert refused is (case["refused_by"] == "schema"), (case["id"], case["mutation"])


@pytest.mark.parametrize("kind", JUDGED)
def test_editors_are_told_what_the_crd_says(kind: str) -> None:
    one = jsonschema.Draft202012Validator(json_schema(kind))
    any_kind = jsonschema.Draft202012Validator(manifest_schema())
    for case in cases(kind):
        valid = {one.is_valid(case["cr"]), any_kind.is_valid(case["cr"])}
        told = (case["id"], case["mutation"])
        if case["accepted"]:
            assert valid == {True}, told
        elif case["refused_by"] == "schema":
            assert valid == {False}, told


def test_a_misspelt_kind_is_told_the_nearest() -> None:
    misspelt = [f"{kind}s" for kind in CHAOS]
    found = [case for kind in misspelt for case in cases(kind)]
    assert found
    for case in found:
        kind = case["cr"]["kind"]
        assert judged(case) == [
            Problem(
                "kind",
                f'"{kind}" is not a kind of chaos-mesh.org; did you mean "{kind[:-1]}"?',
            )
        ]
