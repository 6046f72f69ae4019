"""StatusChecks and RemoteClusters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kubernetes.specs import Problem, check, crd_schema

CHAOS_MESH = "chaos-mesh.org/v1alpha1"
CRITERIA = {"statusCode": "200"}
HTTP = {"url": "http://front-end/health", "criteria": CRITERIA}


def status_check(**fields: Any) -> list[Problem]:
    spec = {"type": "HTTP", "http": HTTP, **fields}
    spec = {name: value for name, value in spec.items() if value is not ...}
    return check(CHAOS_MESH, "StatusCheck", "default", spec)


def told(problems: list[Problem], severity: str) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == severity}


def test_a_check_with_all_there_is() -> None:
    everything = {**HTTP, "method": "POST", "body": "x", "headers": {"Accept": ["text/html"]}}
    assert (
        status_check(
            http=everything,
            mode="Synchronous",
            duration="1m",
            timeoutSeconds=1,
            intervalSeconds=1,
            failureThreshold=1,
            successThreshold=1,
            recordsHistoryLimit=1000,
        )
        == []
    )


def test_the_one_type_is_in_the_schema() -> None:
    told_type = crd_schema("StatusCheck")["properties"]["type"]
    assert (told_type["enum"], told_type["default"]) == (["HTTP"], "HTTP")
    assert "default" not in crd_schema("StatusCheck")["properties"]["mode"]


def test_the_webhook_wants_type_and_request() -> None:
    assert told(status_check(type=...), "error") == {"spec.type": 'is required, write "HTTP"'}
    assert told(status_check(http=...), "error").keys() == {"spec.http"}
    assert told(status_check(http={}), "error").keys() == {"spec.http.url", "spec.http.criteria"}


@pytest.mark.parametrize(
    "field", ["timeoutSeconds", "intervalSeconds", "failureThreshold", "successThreshold"]
)
@pytest.mark.parametrize("value", [0, -1, "1", 1.5, True])
def test_numbers_begin_at_one(field: str, value: Any) -> None:
    assert told(status_check(**{field: value}), "error").keys() == {f"spec.{field}"}


def test_records_end_at_a_thousand() -> None:
    assert told(status_check(recordsHistoryLimit=1001), "error").keys() == {
        "spec.recordsHistoryLimit"
    }


@pytest.mark.parametrize("code", ["1", "999", "+200", "200-299", "299-200", "007"])
def test_codes_that_are_taken(code: str) -> None:
    http = {**HTTP, "criteria": {"statusCode": code}}
    assert told(status_check(http=http), "error") == {}


@pytest.mark.parametrize(
    "code", ["", "0", "1000", "2xx", "200-", "-200", "200-299-300", "0-200", "200 - 299", "٢٠٠"]
)
def test_codes_that_are_refused(code: str) -> None:
    http = {**HTTP, "criteria": {"statusCode": code}}
    found = told(status_check(http=http), "error")
    assert found.keys() == {"spec.http.criteria.statusCode"}
    assert 'write it like "200"' in found["spec.http.criteria.statusCode"]


def test_a_range_that_holds_nothing() -> None:
    http = {**HTTP, "criteria": {"statusCode": "299-200"}}
    found = told(status_check(http=http), "warning")["spec.http.criteria.statusCode"]
    assert found.endswith('write the smaller first, "200-299"')


@pytest.mark.parametrize(
    "url", ["", "a/b", "front-end", ":x", "http://a b/", "http://a/%zz", "http://[::1", "a\x00b"]
)
def test_urls_that_are_refused(url: str) -> None:
    assert told(status_check(http={**HTTP, "url": url}), "error").keys() == {"spec.http.url"}


@pytest.mark.parametrize(
    "url",
    [
        "http://123.123.123.123",
        "https://user:secret@front-end.sock-shop:8080/a?b=c#d",
        "http://[::1]:80/x",
        "HTTP://a",
        "http://a/b%20c",
    ],
)
def test_urls_that_can_be_asked(url: str) -> None:
    assert status_check(http={**HTTP, "url": url}) == []


@pytest.mark.parametrize("url", ["/health", "ftp://a/b", "front-end:8080", "*"])
def test_urls_that_are_taken_and_cannot_be_asked(url: str) -> None:
    found = status_check(http={**HTTP, "url": url})
    assert told(found, "error") == {}
    assert "every check fails" in told(found, "warning")["spec.http.url"]


def test_what_does_nothing() -> None:
    found = told(status_check(mode="Continuous", successThreshold=2, duration="-1s"), "warning")
    assert found.keys() == {"spec.successThreshold", "spec.duration"}


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_makes_it_raise(url: str, code: str) -> None:
    http = {"url": url, "criteria": {"statusCode": code}}
    for problem in status_check(http=http):
        assert problem.path.startswith("spec.http.")


def remote(**fields: Any) -> list[Problem]:
    secret = {"name": "far", "namespace": "chaos-mesh", "key": "kubeconfig"}
    spec = {"namespace": "chaos-mesh", "version": "2.8.3", "kubeConfig": {"secretRef": secret}}
    return check(CHAOS_MESH, "RemoteCluster", "default", {**spec, **fields})


def test_a_remote_cluster_takes_any_override() -> None:
    assert remote(configOverride={"dashboard": {"create": False}, "x": [None, 1]}) == []
    assert told(remote(configOverride=[]), "error").keys() == {"spec.configOverride"}


def test_what_a_remote_cluster_needs() -> None:
    found = told(remote(kubeConfig={"secretRef": {"nam": "x"}}), "error")
    inside = "spec.kubeConfig.secretRef"
    assert found.keys() == {f"{inside}.{name}" for name in ("name", "namespace", "key", "nam")}
    assert told(remote(version=""), "warning").keys() == {"spec.version"}
