"""The catalogue of what the providers really have."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from bridge.catalog import ActionEntry, Catalog
from bridge.settings import Settings
from providers import registry

CATALOG = Catalog(Settings())

_STRICT_ID = re.compile(r"aws:[0-9a-z-]+:[0-9A-Za-z/-]+")
_SCRIPT = """
import sys
before = set(sys.modules)  # a library's .pth file makes a namespace, without code
from bridge.catalog import Catalog
from bridge.settings import Settings
catalog = Catalog(Settings())
assert catalog.actions and catalog.target_types
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded & {"boto3", "botocore", "kubernetes", "moto", "google", "azure"}))
"""


def test_no_cloud_sdk_is_loaded_for_it() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_it_holds_everything_that_is_registered() -> None:
    assert {entry.id for entry in CATALOG.actions} == set(registry.FAULTS)
    assert {entry.resource_type for entry in CATALOG.target_types} == set(registry.RESOLVERS)


@pytest.mark.parametrize("entry", CATALOG.actions, ids=lambda entry: entry.id)
def test_each_action_is_described(entry: ActionEntry) -> None:
    assert entry.description
    assert _STRICT_ID.fullmatch(entry.name)
    assert all(parameter.description for parameter in entry.parameters.values())
    for resource_type in entry.targets.values():
        assert CATALOG.target_type(resource_type) is not None
