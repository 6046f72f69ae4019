"""Every fault and resolver of Azure says what it needs, and loads without the SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest

from providers import registry

OURS = [name for name, where in registry.FAULTS.items() if where.startswith("providers.azure.")]
FOUND = [name for name, where in registry.RESOLVERS.items() if where.startswith("providers.azure.")]


@pytest.mark.parametrize("name", OURS)
def test_a_fault_is_declared_in_full(name: str) -> None:
    fault = registry.fault(name)
    assert (fault.id, fault.provider) == (name, "azure")
    assert fault.description().endswith(".")
    assert all("/" in right.name for right in fault.permissions)
    assert all(field.description for field in fault.Parameters.model_fields.values())
    assert fault.target is not None
    assert fault.target.resource_type in FOUND


@pytest.mark.parametrize("name", FOUND)
def test_a_resolver_is_declared_in_full(name: str) -> None:
    resolver = registry.resolver(name)
    assert (resolver.resource_type, resolver.provider) == (name, "azure")
    assert resolver.permissions
    assert resolver.description


def test_declarations_load_without_the_sdk() -> None:
    program = f"""
import asyncio, sys
from providers import registry
from bridge.model.scope import Scope
from bridge.settings import Settings
from providers.contract import Caller
for name in {OURS!r}: registry.fault(name)
for name in {FOUND!r}: registry.resolver(name)
provider = registry.provider_class("azure")(Settings())
scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
found = asyncio.run(provider.find_marks(Caller(scope, None, "reader", "lab")))
print(list(found.found), [m for m in ("azure", "requests", "msal") if m in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[] []"
