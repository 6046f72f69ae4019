"""What only an emulator can be made to do: lost history, refusing hooks, a clock of one's own."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bridge.sandbox.kubernetes import jsonpath, protobuf, table
from bridge.sandbox.kubernetes.identity import AdmissionDeniedError, Identity
from bridge.sandbox.kubernetes.server import KubernetesEmulator, running
from bridge.sandbox.kubernetes.status import ApiError
from tests.kubernetes_emulator.definitions import GROUP, PROBES, definition, probe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROBES_PATH = f"/apis/{GROUP}/v1/namespaces/default/probes"


def connect(emulator: KubernetesEmulator) -> httpx.AsyncClient:
    context = ssl.create_default_context(cadata=emulator.ca_pem)
    headers = {"authorization": "Bearer any"}
    return httpx.AsyncClient(
        base_url=emulator.url, verify=context, headers=headers, trust_env=False
    )


@pytest.fixture
async def emulator() -> AsyncIterator[KubernetesEmulator]:
    async with KubernetesEmulator(history=20) as made:
        made.install(PROBES)
        yield made


@pytest.fixture
async def api(emulator: KubernetesEmulator) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(emulator) as client:
        yield client


async def test_watch_from_a_forgotten_version_is_expired(
    emulator: KubernetesEmulator, api: httpx.AsyncClient
) -> None:
    version = emulator.store.version
    emulator.install(probe("a"))
    emulator.store.compact()
    answer = await api.get(f"{PROBES_PATH}?watch=1&resourceVersion={version}")
    assert answer.status_code == 200
    event = json.loads(answer.text)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_watch_that_falls_behind_is_expired(
    emulator: KubernetesEmulator, api: httpx.AsyncClient
) -> None:
    async with api.stream("GET", f"{PROBES_PATH}?watch=1") as answer:
        lines = answer.aiter_lines()
        emulator.install(probe("a"))
        assert json.loads(await anext(lines))["type"] == "ADDED"
        for number in range(50):
            emulator.install(probe(f"more-{number}"))
        assert json.loads(await anext(lines))["object"]["reason"] == "Expired"


async def test_page_after_a_forgotten_version_is_expired(
    emulator: KubernetesEmulator, api: httpx.AsyncClient
) -> None:
    emulator.install(probe("a"), probe("b"))
    token = (await api.get(f"{PROBES_PATH}?limit=1")).json()["metadata"]["continue"]
    emulator.install(probe("c"))
    emulator.store.compact()
    answer = await api.get(f"{PROBES_PATH}?limit=1&continue={token}")
    assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")


async def test_bookmark_ends_a_watch_that_asked_for_it(api: httpx.AsyncClient) -> None:
    query = "watch=1&timeoutSeconds=1&allowWatchBookmarks=true"
    events = [
        json.loads(line) for line in (await api.get(f"{PROBES_PATH}?{query}")).text.splitlines()
    ]
    assert [event["type"] for event in events] == ["BOOKMARK"]
    assert events[0]["object"]["kind"] == "Probe"


async def test_watch_ends_when_its_client_leaves(
    emulator: KubernetesEmulator, api: httpx.AsyncClient
) -> None:
    async with api.stream("GET", f"{PROBES_PATH}?watch=1"):
        before = emulator.store.readers
    async with asyncio.timeout(10):
        while emulator.store.readers >= before:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


async def test_stopping_ends_watches() -> None:
    async with KubernetesEmulator() as emulator:
        client = connect(emulator)
        request = client.build_request("GET", "/api/v1/pods?watch=1")
        answer = await client.send(request, stream=True)
        async with asyncio.timeout(10):
            leaving = asyncio.ensure_future(emulator.__aexit__(None, None, None))
            assert [line async for line in answer.aiter_lines()] == []
            await client.aclose()
            await leaving


async def test_admission_hook_changes_warns_and_refuses() -> None:
    seen: list[tuple[str, str]] = []

    def admit(
        identity: Identity, verb: str, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> list[str] | None:
        if (new or old or {})["kind"] != "Probe":
            return None
        seen.append((verb, identity.username))
        if verb == "update":
            text = 'admission webhook "vprobe.kb.io" denied the request: Cannot update spec'
            raise AdmissionDeniedError(text)
        if new is not None:
            new["metadata"].setdefault("annotations", {})["seen"] = "yes"
        return ["be careful"]

    async with KubernetesEmulator(admit=admit) as emulator, connect(emulator) as api:
        emulator.install(PROBES)
        made = await api.post(PROBES_PATH, json=probe("a"))
        assert made.json()["metadata"]["annotations"] == {"seen": "yes"}
        assert made.headers["warning"] == '299 - "be careful"'
        headers = {"content-type": "application/merge-patch+json"}
        refused = await api.patch(f"{PROBES_PATH}/a", content=b'{"spec":{"n":1}}', headers=headers)
        assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
        assert refused.json()["message"].endswith("Cannot update spec")
        await api.delete(f"{PROBES_PATH}/a")
    assert [verb for verb, _ in seen] == ["create", "update", "delete"]
    assert {name for _, name in seen} == {"kubernetes-admin"}


async def test_clock_is_the_clusters_own() -> None:
    moment = datetime(2026, 1, 2, 12, tzinfo=UTC)
    clock = [moment]
    async with KubernetesEmulator(now=lambda: clock[0]) as emulator, connect(emulator) as api:
        emulator.install(PROBES, probe("a"))
        clock[0] += timedelta(hours=3, minutes=20)
        accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        answer = await api.get(PROBES_PATH, headers=accept)
    assert answer.json()["rows"][0]["cells"][-1] == "3h20m"
    assert answer.headers.get_list("date") == ["Fri, 02 Jan 2026 15:20:00 GMT"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/watch/pods"),
        ("GET", "/api/v1/namespaces/default/pods/x/log"),
        ("POST", "/api/v1/namespaces/default/pods/x/eviction"),
        ("GET", "/apis/apps/v1/namespaces/default/deployments/x/scale"),
        ("GET", "/api/v1/pods?watch=1&sendInitialEvents=true"),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"),
    ],
)
async def test_what_is_missing_is_refused_by_name(
    api: httpx.AsyncClient, method: str, path: str
) -> None:
    body = {"spec": {"namespace": "default"}} if method == "POST" else None
    answer = await api.request(method, path, json=body)
    assert answer.status_code == 501
    assert answer.json()["message"].startswith("the emulator does not implement ")


async def test_documents_follow_the_definitions(
    emulator: KubernetesEmulator, api: httpx.AsyncClient
) -> None:
    place = f"apis/{GROUP}/v1"
    before = (await api.get("/openapi/v3")).json()["paths"]
    old = (await api.get(before[place]["serverRelativeURL"])).text
    await api.get("/openapi/v2")
    emulator.install(definition("laters", "Later"))
    after = (await api.get("/openapi/v3")).json()["paths"]
    assert before[place] != after[place]
    assert before["api/v1"] == after["api/v1"], "others stay as they are"
    new = (await api.get(after[place]["serverRelativeURL"])).text
    assert (".Later" in old, ".Later" in new) == (False, True)
    assert ".Later" in (await api.get("/openapi/v2")).text


async def test_deep_and_doubled_json(api: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    deep = b'{"a":' * 3000 + b"1" + b"}" * 3000
    answer = await api.post(PROBES_PATH, content=deep, headers=headers)
    assert answer.status_code == 400
    assert "nested deeper" in answer.json()["message"]
    text = json.dumps(probe("a")).replace('"mode": "one"', '"mode": "one", "mode": "all"')
    answer = await api.post(
        f"{PROBES_PATH}?fieldValidation=Strict", content=text.encode(), headers=headers
    )
    assert answer.status_code == 400
    assert 'duplicate field "spec.mode"' in answer.json()["message"]


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"


@pytest.mark.parametrize("applied", [True, False])
async def test_doubled_yaml(api: httpx.AsyncClient, *, applied: bool) -> None:
    path = "/api/v1/namespaces/default/configmaps"

    async def send(text: str, mode: str) -> httpx.Response:
        query = {"fieldValidation": mode, "fieldManager": "me"}
        kind = "application/apply-patch+yaml" if applied else "application/yaml"
        return await api.request(
            "PATCH" if applied else "POST",
            f"{path}/a" if applied else path,
            params=query,
            content=CONFIG + text,
            headers={"content-type": kind},
        )

    answer = await send("  day: one\n  day: two\n", "Strict")
    assert answer.status_code == 400
    assert 'duplicate field "data.day"' in answer.json()["message"]
    answer = await send("  <<: {day: one}\n  day: 2026-01-02\n  day: 2026-01-03\n", "Warn")
    assert (answer.status_code, answer.json()["data"]) == (201, {"day": "2026-01-03"})
    assert "duplicate field" in answer.headers["warning"]
    await api.delete(f"{path}/a")
    answer = await send("  <<: {day: one}\n  day: 2026-01-02\n", "Strict")
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("application/apply-patch+yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: a"),
        ("application/strategic-merge-patch+json", '{"metadata": {"finalizers": [{}]}}'),
    ],
)
async def test_metadata_of_the_wrong_shape_is_refused(
    emulator: KubernetesEmulator, api: httpx.AsyncClient, kind: str, text: str
) -> None:
    emulator.install({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
    answer = await api.patch(
        "/api/v1/namespaces/default/configmaps/a?fieldManager=me",
        content=text,
        headers={"content-type": kind},
    )
    assert answer.status_code == 400
    assert "in body must be of type" in answer.json()["message"]


async def test_rules_that_are_not_evaluated_are_warned_of(api: httpx.AsyncClient) -> None:
    made = definition("rules", "Rule")
    root = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    root["x-kubernetes-validations"] = [{"rule": "true"}]
    answer = await api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=made)
    assert answer.status_code == 201
    assert "does not evaluate x-kubernetes-validations" in answer.headers["warning"]


async def test_webhooks_that_are_not_called_are_warned_of(api: httpx.AsyncClient) -> None:
    made = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "guard"},
        "webhooks": [
            {
                "name": "guard.example.test",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "clientConfig": {"url": "https://guard.example.test"},
            }
        ],
    }
    answer = await api.post(
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", json=made
    )
    assert answer.status_code == 201
    assert "calls no webhooks" in answer.headers["warning"]


async def test_failure_of_the_emulator_shows_no_inner_details(
    emulator: KubernetesEmulator, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the cluster")

    monkeypatch.setattr(emulator.store, "list", broken)
    answer = await api.get(PROBES_PATH)
    assert (answer.status_code, answer.json()["reason"]) == (500, "InternalError")
    assert "secret" not in answer.text


async def test_kubeconfig_leads_to_the_server(emulator: KubernetesEmulator) -> None:
    config = emulator.kubeconfig("some-token")
    assert config["clusters"][0]["cluster"]["server"] == emulator.url
    assert config["users"][0]["user"] == {"token": "some-token"}


def test_install_needs_no_server_and_checks_what_it_gets() -> None:
    emulator = KubernetesEmulator()
    with pytest.raises(LookupError, match="Probe"):
        emulator.install(probe("a"))
    emulator.install(PROBES, probe("a"))
    with pytest.raises(ApiError, match="strict decoding error"):
        emulator.install(probe("b", bogus=1))


def test_runs_beside_code_that_blocks() -> None:
    with running(KubernetesEmulator()) as emulator:
        context = ssl.create_default_context(cadata=emulator.ca_pem)
        with httpx.Client(verify=context, trust_env=False) as client:
            assert client.get(f"{emulator.url}/readyz").text == "ok"


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with running(KubernetesEmulator()) as emulator:
        context = ssl.create_default_context(cadata=emulator.ca_pem)
        with httpx.Client(base_url=emulator.url, verify=context, trust_env=False) as client:
            fastest = min(client.get("/readyz").elapsed for _ in range(20))
    # With Nagle's algorithm on, each answer takes the 40 ms of a delayed acknowledgement.
    assert fastest < timedelta(milliseconds=35)


def test_port_that_is_taken_is_reported() -> None:
    with running(KubernetesEmulator()) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), running(KubernetesEmulator(port=port)):
            pass


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (601, "10m"),
        (3 * 3600 + 60, "3h1m"),
        (9 * 3600 + 60, "9h"),
        (2 * 86400, "2d"),
        (2 * 86400 + 3600, "2d1h"),
        (9 * 86400 + 3600, "9d"),
        (3 * 365 * 86400 + 86400, "3y1d"),
        (9 * 365 * 86400, "9y"),
        (-5, "<invalid>"),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    since = (now - timedelta(seconds=seconds)).isoformat()
    assert table.age(since, now) == text


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.b", 1),
        (".a.none", None),
        (".list[0].k", "x"),
        (".list[-1].k", "y"),
        (".list[*].k", "x"),
        ('.list[?(@.t=="B")].k', "y"),
        (r".labels.example\.com/app", "z"),
        ("{.a.b}", 1),
        (".a[", None),
    ],
)
def test_paths_of_printer_columns(path: str, found: object) -> None:
    obj = {
        "a": {"b": 1},
        "list": [{"t": "A", "k": "x"}, {"t": "B", "k": "y"}],
        "labels": {"example.com/app": "z"},
    }
    assert jsonpath.reader(path)(obj) == found


@pytest.mark.parametrize("body", [b"", b"k8s\x00\x0a", b"k8s\x00\x0a\xff", b"k8s\x00\x0d1234"])
def test_broken_protobuf(body: bytes) -> None:
    with pytest.raises(protobuf.UnreadableError):
        protobuf.parse(body)
