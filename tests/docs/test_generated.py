"""The parts that code declares are in the pages, and as the code declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import generate
from providers import registry


@pytest.mark.parametrize("page", generate.pages(), ids=lambda page: page.name)
def test_a_page_is_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text == generate.renewed(text), "run `python -m docs.generate`"


def test_every_part_stands_in_one_page() -> None:
    written = [
        part["name"]
        for page in generate.pages()
        for part in generate.PART.finditer(page.read_text("utf-8"))
    ]
    assert sorted(written) == sorted(generate.generated())


def test_a_part_that_is_behind_is_found() -> None:
    page = generate.FOLDER / "settings.md"
    text = page.read_text("utf-8")
    behind = text.replace("`FAULTBRIDGE_LEASE`", "`FAULTBRIDGE_LEASES`")
    assert behind != text
    assert generate.renewed(behind) == text


def test_what_is_told_of_a_parameter_is_what_the_fault_declares() -> None:
    table = generate.generated()["action:aws:ec2:stop-instances"]()
    assert "| `startInstancesAfterDuration` | duration | absent |" in table
    assert '| `completeIfInstancesTerminated` | `"true"` or `"false"` | `"false"` |' in table
    assert "| `ec2:StopInstances` | required |" in table
    spec = generate.generated()["action:aws:eks:inject-kubernetes-custom-resource"]()
    assert "| `kubernetesSpec` | string or object | required |" in spec


def _granted(cloud: str) -> set[str]:
    text = generate.generated()[f"rights:{cloud}"]()
    # JSON is YAML too.
    role: Any = yaml.safe_load("".join(text.splitlines(keepends=True)[1:-1]))
    if cloud == "aws":
        (role,) = role["Statement"]
    member = {"aws": "Action", "azure": "Actions", "gcp": "includedPermissions"}[cloud]
    return set(role[member])


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_clouds_role_grants_all_that_its_faults_declare(cloud: str) -> None:
    granted = _granted(cloud)
    faults = [registry.fault(name) for name in registry.FAULTS]
    declared = {right.name for one in faults if one.provider == cloud for right in one.permissions}
    assert len(declared) > 10
    assert declared <= granted
    assert not any("*" in right or " " in right for right in granted)
