"""HTTPChaos: the rules of its CRD and webhook in Chaos Mesh 2.8.3, and what they let through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos_specs.judged import ONE, errors, judged, warnings

REQUEST = {**ONE, "target": "Request", "port": 80, "abort": True}
RESPONSE = {**ONE, "target": "Response", "port": 80, "delay": "1s"}


@pytest.mark.parametrize(
    "spec",
    [
        {**REQUEST, "method": "GET", "path": "/api", "duration": "5m"},
        {**REQUEST, "request_headers": {"Host": "example.com"}, "path": "*"},
        {**RESPONSE, "code": 404, "response_headers": {"Server": "nginx"}},
        {
            **RESPONSE,
            "replace": {"code": 500, "body": "eyJhIjogMX0K", "headers": {"a": "b"}},
            "patch": {"body": {"type": "JSON", "value": '{"a": 1}'}, "headers": [["a", "b"]]},
        },
        {
            **REQUEST,
            "replace": {"path": "/x", "method": "DELETE", "queries": {"a": "b"}},
            "patch": {"queries": [["a", "b"]]},
            "tls": {
                "secretName": "http-tls",
                "secretNamespace": "default",
                "certName": "tls.crt",
                "keyName": "tls.key",
                "caName": "ca.crt",
            },
        },
    ],
)
def test_the_documented_examples_are_clean(spec: dict[str, Any]) -> None:
    assert judged("HTTPChaos", spec) == []


@pytest.mark.parametrize("port", [None, 0, -1, 2**31])
def test_a_port_is_required_though_the_schema_does_not_say_so(port: int | None) -> None:
    assert list(errors("HTTPChaos", {**REQUEST, "port": port})) == ["spec.port"]


def test_a_port_that_no_machine_has_is_accepted() -> None:
    assert "write 1 to 65535" in warnings("HTTPChaos", {**REQUEST, "port": 70_000})["spec.port"]


@pytest.mark.parametrize("method", ["get", "FETCH", ""])
def test_methods_are_checked_for_requests_only(method: str) -> None:
    assert list(errors("HTTPChaos", {**REQUEST, "method": method})) == ["spec.method"]
    assert (
        "may match nothing" in warnings("HTTPChaos", {**RESPONSE, "method": method})["spec.method"]
    )


def test_the_nearest_method_is_told() -> None:
    told = errors("HTTPChaos", {**REQUEST, "method": "get"})["spec.method"]
    assert told.endswith('did you mean "GET"?')


@pytest.mark.parametrize("delay", ["10", "", "1d"])
def test_a_delay_is_a_duration_and_never_empty(delay: str) -> None:
    assert list(errors("HTTPChaos", {**RESPONSE, "delay": delay})) == ["spec.delay"]


def test_without_any_action_nothing_happens() -> None:
    assert "nothing does" in warnings("HTTPChaos", {**REQUEST, "abort": None})["spec"]
    assert "nothing does" in warnings("HTTPChaos", {**REQUEST, "abort": False})["spec"]
    assert "is empty" in warnings("HTTPChaos", {**REQUEST, "replace": {}})["spec.replace"]
    assert "delays nothing" in warnings("HTTPChaos", {**RESPONSE, "delay": "0s"})["spec.delay"]


def test_what_the_other_target_has_is_idle() -> None:
    told = warnings("HTTPChaos", {**REQUEST, "code": 200, "replace": {"code": 500}})
    assert set(told) == {"spec.code", "spec.replace.code"}
    parts = {"replace": {"path": "/", "method": "GET"}, "patch": {"queries": [["a", "b"]]}}
    told = warnings("HTTPChaos", {**RESPONSE, **parts})
    assert set(told) == {"spec.replace.path", "spec.replace.method", "spec.patch.queries"}


@pytest.mark.parametrize("body", ["hello", "", "YWJj\n", "YWJ"])
def test_a_body_is_base64(body: str) -> None:
    told = errors("HTTPChaos", {**RESPONSE, "replace": {"body": body}})
    assert list(told) == ["spec.replace.body"]


def test_the_mend_of_a_body_is_the_encoded_text() -> None:
    told = errors("HTTPChaos", {**RESPONSE, "replace": {"body": "hello"}})
    assert told["spec.replace.body"].endswith('write "aGVsbG8="')


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        ({"body": {"type": "XML", "value": "{}"}}, "spec.patch.body.type"),
        ({"body": {"type": "JSON", "value": "{"}}, "spec.patch.body.value"),
        ({"headers": [["a", "b"], ["a"]]}, "spec.patch.headers[1]"),
    ],
)
def test_patches_are_read_in_the_pod_only(patch: dict[str, Any], path: str) -> None:
    assert list(warnings("HTTPChaos", {**REQUEST, "patch": patch})) == [path]


@pytest.mark.parametrize("name", ["type", "value"])
def test_a_patch_of_a_body_is_complete(name: str) -> None:
    body = {"type": "JSON", "value": "{}", name: None}
    told = errors("HTTPChaos", {**REQUEST, "patch": {"body": body}})
    assert list(told) == [f"spec.patch.body.{name}"]


def test_names_in_camel_case_are_told_the_ones_in_snake_case() -> None:
    told = errors("HTTPChaos", {**REQUEST, "requestHeaders": {}})["spec.requestHeaders"]
    assert told.endswith('did you mean "request_headers"?')


def test_true_is_not_text() -> None:
    told = errors("HTTPChaos", {**REQUEST, "abort": "true"})["spec.abort"]
    assert told == "must be true or false, is text, write true without quotes"
