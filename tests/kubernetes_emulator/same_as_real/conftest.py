"""The custom resources that the shared tests work on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes_emulator.api_calls import eventually
from tests.kubernetes_emulator.definitions import GROUP, PROBES, SPLITS, TYPEDS

if TYPE_CHECKING:
    import httpx


def is_served(api: httpx.Client, path: str) -> bool:
    return api.get(path).status_code == 200


@pytest.fixture
def kinds(api: httpx.Client) -> None:
    """The custom resources, defined and served."""
    for defined in (PROBES, SPLITS, TYPEDS):
        made = api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=defined)
        assert made.status_code in (201, 409), made.text
        plural = defined["spec"]["names"]["plural"]
        eventually(partial(is_served, api, f"/apis/{GROUP}/v1/{plural}"))


@pytest.fixture
def probes(kinds: None, namespace: str) -> str:
    """The path of this test's probes."""
    return f"/apis/{GROUP}/v1/namespaces/{namespace}/probes"


@pytest.fixture
def splits(kinds: None, namespace: str) -> str:
    """The path of this test's splits, which have a status subresource."""
    return f"/apis/{GROUP}/v1/namespaces/{namespace}/splits"


@pytest.fixture
def maps(namespace: str) -> str:
    """The path of this test's config maps."""
    return f"/api/v1/namespaces/{namespace}/configmaps"
