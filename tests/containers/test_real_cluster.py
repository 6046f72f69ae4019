"""The example, applied to a real API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.containers.manifests import Manifest, built

pytestmark = pytest.mark.real_cluster

NEWER: Final = {"policy/v1": "policy/v1beta1"}
"""API versions that a server of 1.20 does not have yet, and what it has in their place."""


def kubectl(kubeconfig: Path, *arguments: str, given: str | None = None) -> str:
    done = subprocess.run(
        ["kubectl", "--kubeconfig", kubeconfig, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def applied(real_kubeconfig: Path) -> Iterator[list[Manifest]]:
    manifests = [
        {**one, "apiVersion": NEWER.get(one["apiVersion"], one["apiVersion"])}
        for one in built("example")
    ]
    text = yaml.safe_dump_all(manifests)
    kubectl(real_kubeconfig, "apply", "-f", "-", given=text)
    yield manifests
    kubectl(real_kubeconfig, "delete", "--wait=false", "-f", "-", given=text)


def missing(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Say what of a manifest the server has not kept as it was written."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            yield from missing(value, found.get(key), f"{path}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, pair in enumerate(zip(wanted, found, strict=True)):
            yield from missing(*pair, f"{path}[{number}]")
    elif wanted != found:
        yield f"{path}: {wanted!r} is {found!r}"


def test_the_server_takes_and_keeps_all_of_it(
    applied: list[Manifest], real_kubeconfig: Path
) -> None:
    text = yaml.safe_dump_all(applied)
    kept = json.loads(kubectl(real_kubeconfig, "get", "-o", "json", "-f", "-", given=text))
    assert len(kept["items"]) == len(applied)
    for wanted, found in zip(applied, kept["items"], strict=True):
        assert [*missing(wanted, found)] == []


def test_it_is_applied_again_without_a_change(
    applied: list[Manifest], real_kubeconfig: Path
) -> None:
    text = yaml.safe_dump_all(applied)
    told = kubectl(real_kubeconfig, "apply", "-f", "-", given=text).splitlines()
    assert [line for line in told if not line.endswith(" unchanged")] == []


@pytest.mark.parametrize(
    ("verb", "resource", "allowed"),
    [
        ("create", "tokenreviews.authentication.k8s.io", "yes"),
        ("get", "secrets", "no"),
        ("create", "networkchaos.chaos-mesh.org", "no"),
        ("impersonate", "users", "no"),
        ("create", "subjectaccessreviews.authorization.k8s.io", "no"),
    ],
)
def test_the_account_may_ask_whose_a_token_is_and_nothing_else(
    applied: list[Manifest], real_kubeconfig: Path, verb: str, resource: str, allowed: str
) -> None:
    account = "system:serviceaccount:faultbridge:faultbridge"
    asked = subprocess.run(
        [
            *("kubectl", "--kubeconfig", real_kubeconfig, "auth", "can-i", verb, resource),
            *(f"--as={account}", "--all-namespaces"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.stdout.strip() == allowed
