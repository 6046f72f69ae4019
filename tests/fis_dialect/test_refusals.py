"""What is refused: the message names the path and the mend, and nothing is stored."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.dialects.fis.errors import LONGEST_MESSAGE, summary
from bridge.dialects.fis.requests import LONGEST_SPEC
from bridge.model.problem import Problem
from tests.fis_dialect.conftest import Served, check_answer

Create = Callable[..., dict[str, Any]]
Steps = tuple[str | int, ...]

ABSENT = object()


def changed(document: dict[str, Any], steps: Steps, value: Any) -> dict[str, Any]:
    """Return a copy of a document with one place of it set, or removed."""
    copied = copy.deepcopy(document)
    place: Any = copied
    for step in steps[:-1]:
        place = place[step]
    if value is ABSENT:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return copied


CASES: list[tuple[Steps, Any, str]] = [
    (("description",), ABSENT, "description: is required; add it"),
    (("description",), "", "description: is empty; write at least one character"),
    (("description",), "x" * 513, "description: has 513 characters; shorten it to 512"),
    (("description",), 5, "description: is a number, not a string; put it in double quotes"),
    (("roleArn",), ABSENT, "roleArn: is required; add it, such as "),
    (("roleArn",), "arn:aws:iam::123456789012:user/me", "is not the ARN of an IAM role; write"),
    (("roleArn",), "short", 'roleArn: "short" is shorter than 20 characters; write it in full'),
    (("roleArn",), " " * 20, "roleArn: is blank; write at least one character"),
    (("stopConditions",), ABSENT, "stopConditions: is required"),
    (("stopConditions",), {}, "stopConditions: is an object, not a list; put it in [ ]"),
    (("stopConditions", 0, "source"), ABSENT, "stopConditions[0].source: is required"),
    (("stopConditions", 0, "source"), "aws:cloudwatch:alam", 'did you mean "aws:cloudwatch:alarm"'),
    (("stopConditions", 0, "value"), "alarm", "stopConditions[0].value: "),
    (("actions",), ABSENT, "actions: is required"),
    (("actions",), {}, "actions: is empty; add at least one action"),
    (("actions",), [], "actions: is a list, not an object"),
    (("actions", "stop", "actionId"), "aws:ec2:stop", "actions.stop.actionId: there is no action"),
    (("actions", "stop", "actionid"), "x", "actions.stop.actionid: is not a member"),
    (("actions", "stop", "targets"), {}, "actions.stop.targets.Instances: "),
    (("actions", "stop", "targets", "Pods"), "carts", 'Unexpected target "Pods" found'),
    (("actions", "stop", "parameters", "duration"), "PT5M", "stop.parameters.duration: is not a"),
    (
        ("actions", "stop", "parameters", "startInstancesAfterDuration"),
        "PT5S",
        "PT5S is shorter than PT1M",
    ),
    (
        ("actions", "stop", "parameters", "startInstancesAfterDuration"),
        5,
        "is a number, not a string",
    ),
    (
        ("actions", "stop", "parameters", "startInstancesAfterDuration"),
        "x" * 1025,
        "has 1025 characters; shorten it to 1024",
    ),
    (("actions", "stop", "startAfter"), ["rest"], "actions wait for each other"),
    (
        ("actions", "rest", "startAfter"),
        ["stopp"],
        'rest.startAfter[0]: there is no action "stopp"; did you mean "stop"?',
    ),
    (("actions", "a.b"), {"actionId": "x"}, 'actions["a.b"].actionId'),
    (
        ("actions", "x" * 65),
        {"actionId": "aws:fis:wait"},
        "the name has 65 characters; shorten it to 64",
    ),
    (("targets", "carts", "selectionMode"), ABSENT, "targets.carts.selectionMode: is required"),
    (("targets", "carts", "selectionMode"), "HALF", "write ALL, COUNT(n) or PERCENT(n)"),
    (("targets", "carts", "selectionMode"), "PERCENT(101)", "write PERCENT(1) to PERCENT(100)"),
    (("targets", "carts", "resourceType"), "aws:ec2:instances", 'did you mean "aws:ec2:instance"?'),
    (
        ("targets", "carts", "resourceArns"),
        ["arn:aws:ec2:us-east-1:123456789012:instance/i-1"] * 6,
        "targets.carts.resourceArns: has 6 items; list at most 5",
    ),
    (
        ("targets", "carts", "resourceTags"),
        {f"k{n}": "v" for n in range(51)},
        "has 51 entries; give at most 50",
    ),
    (
        ("targets", "carts", "filters", 0, "values"),
        ABSENT,
        "targets.carts.filters[0].values: is required",
    ),
    (
        ("targets", "carts", "parameters"),
        {"zone": "a\nb"},
        "has a character that is not allowed; use letters, digits",
    ),
    (
        ("experimentOptions", "accountTargeting"),
        "multi-account",
        "accountTargeting: targets in several accounts are not supported yet: remove it",
    ),
    (("experimentOptions", "emptyTargetResolutionMode"), "ignore", 'write "fail" or "skip"'),
    (
        ("experimentOptions", "actionsMode"),
        "run-all",
        "experimentOptions.actionsMode: is not a member of this object",
    ),
    (
        ("logConfiguration",),
        {"logSchemaVersion": 2},
        "logConfiguration: logging to CloudWatch Logs or S3 is not supported yet",
    ),
    (
        ("experimentReportConfiguration",),
        {},
        "experimentReportConfiguration: experiment reports are not supported yet: remove it",
    ),
    (("tags",), {"aws:x": "y"}, 'tags["aws:x"]: keys that begin with "aws:" are reserved; choose'),
    (("tags",), {"k": 5}, "tags.k: is a number, not a string"),
    (("clientToken",), "", "clientToken: is blank"),
    (("clientToken",), "x" * 1025, "clientToken: has 1025 characters"),
    (("Description",), "x", 'Description: is not a member of this object; did you mean "desc'),
]


@pytest.mark.parametrize(("steps", "value", "words"), CASES)
def test_a_document_that_is_refused(  # noqa: PLR0917 - a table's columns beside the fixtures
    served: Served, http: Any, template: dict[str, Any], steps: Steps, value: Any, words: str
) -> None:
    document = changed({"clientToken": "t", **template}, steps, value)
    answer = http.post("/experimentTemplates", json=document)
    assert answer.status_code == 400
    assert answer.headers["x-amzn-errortype"] == "ValidationException"
    assert words in answer.json()["message"]
    assert len(answer.json()["message"]) <= 1024
    assert served.templates() == []


def test_the_table_begins_with_a_sound_document(http: Any, template: dict[str, Any]) -> None:
    assert http.post("/experimentTemplates", json={"clientToken": "t", **template}).is_success


def test_all_problems_are_told_at_once(http: Any, template: dict[str, Any]) -> None:
    document = changed(template, ("description",), 5)
    document = changed(document, ("roleArn",), ABSENT)
    document = changed(document, ("targets", "carts", "selectionmode"), "ALL")
    message = http.post("/experimentTemplates", json=document).json()["message"]
    for path in ("clientToken: ", "description: ", "roleArn: ", "targets.carts.selectionmode: "):
        assert path in message


def test_what_does_not_fit_into_a_message_is_counted(http: Any, template: dict[str, Any]) -> None:
    actions = {f"a{n}": {"actionId": "x"} for n in range(40)}
    document = {"clientToken": "t", **template, "actions": actions}
    message = http.post("/experimentTemplates", json=document).json()["message"]
    shown = message.count(".actionId: ")
    assert shown >= 8
    assert message.endswith(f" … and {40 - shown} more")


@pytest.mark.parametrize("length", [1, 1000, 1024, 1025, 5000])
@pytest.mark.parametrize("count", [1, 2, 50])
def test_a_summary_fits_and_shows_the_first_problem(length: int, count: int) -> None:
    message = summary([Problem(path="actions", message="x" * length)] * count)
    assert message.startswith("actions: x")
    assert len(message) <= LONGEST_MESSAGE
    whole = count * (length + len("actions: ")) + 2 * (count - 1)
    if whole > LONGEST_MESSAGE and count > 1:
        assert message.endswith(" more")


def test_a_long_chaos_spec_is_taken_and_reads_back(fis: Any, create: Create) -> None:
    def action(length: int) -> dict[str, Any]:
        spec = json.dumps({"mode": "x" * (length - len('{"mode": ""}'))})
        return {
            "actionId": "aws:eks:inject-kubernetes-custom-resource",
            "parameters": {
                "kubernetesKind": "PodChaos",
                "kubernetesSpec": spec,
                "maxDuration": "PT5M",
            },
            "targets": {"Cluster": "demo"},
        }

    cluster = {
        "resourceType": "aws:eks:cluster",
        "resourceArns": ["arn:aws:eks:us-east-1:123456789012:cluster/demo"],
        "selectionMode": "ALL",
    }
    with pytest.raises(ClientError, match=rf"kubernetesSpec: has 65537 .* to {LONGEST_SPEC}"):
        create(actions={"a": action(LONGEST_SPEC + 1)}, targets={"demo": cluster})
    # Longer than the service model's output shape allows: the one answer that is not held to it.
    fis.meta.events.unregister("after-call.fis", check_answer)
    shown = create(actions={"a": action(LONGEST_SPEC)}, targets={"demo": cluster})
    assert len(shown["actions"]["a"]["parameters"]["kubernetesSpec"]) == LONGEST_SPEC


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("maxResults=0", "maxResults: is less than 1; raise it"),
        ("maxResults=101", "maxResults: is more than 100; lower it"),
        ("maxResults=ten", "maxResults: is a string, not a whole number"),
        ("maxResults=1&maxResults=2", "maxResults: is given 2 times; give it once"),
        ("maxresults=1", 'did you mean "maxResults"?'),
        ("nextToken=", "nextToken: is blank"),
        ("nextToken=" + "x" * 1025, "nextToken: has 1025 characters"),
        ("experimentTemplateId=x", "is not a query parameter of ListExperimentTemplates"),
        ("maxResults=%FF", "the query is not percent-encoded UTF-8"),
        ("nextToken=a%00b", "cannot be stored; remove them"),
    ],
)
def test_query_parameters_have_limits(http: Any, query: str, words: str) -> None:
    answer = http.get(f"/experimentTemplates?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_a_signature_in_the_query_is_left_alone(http: Any) -> None:
    assert http.get("/experiments?X-Amz-Signature=abc&X-Amz-Expires=60").is_success


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/experimentTemplates/" + "x" * 65, "id: has 65 characters; shorten it to 64"),
        ("/experimentTemplates/%20", "id: is blank"),
        ("/experimentTemplates/%FF", "is not UTF-8"),
        ("/experiments/a%00b", "cannot be stored"),
        ("/actions/" + "x" * 129, "id: has 129 characters"),
        ("/tags/short", 'resourceArn: "short" is shorter than 20 characters'),
    ],
)
def test_path_labels_have_limits(http: Any, path: str, words: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_a_label_does_not_belong_into_the_body(http: Any, create: Create) -> None:
    template_id = create()["id"]
    answer = http.patch(f"/experimentTemplates/{template_id}", json={"id": template_id})
    assert "id: belongs into the path or query" in answer.json()["message"]
