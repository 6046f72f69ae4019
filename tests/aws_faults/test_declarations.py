"""Every fault and resolver of AWS says what it needs, and loads without the SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest

from providers import registry

OURS = [name for name, where in registry.FAULTS.items() if where.startswith("providers.aws.")]
FOUND = [name for name, where in registry.RESOLVERS.items() if where.startswith("providers.aws.")]


@pytest.mark.parametrize("name", OURS)
def test_a_fault_is_declared_in_full(name: str) -> None:
    fault = registry.fault(name)
    assert (fault.id, fault.provider) == (name, "aws")
    assert fault.description().endswith(".")
    assert fault.permissions or name == "aws:fis:wait"
    assert all(field.description for field in fault.Parameters.model_fields.values())
    assert fault.target is None or fault.target.resource_type in registry.RESOLVERS


@pytest.mark.parametrize("name", FOUND)
def test_a_resolver_is_declared_in_full(name: str) -> None:
    resolver = registry.resolver(name)
    assert (resolver.resource_type, resolver.provider) == (name, "aws")
    assert resolver.permissions
    assert resolver.description


def test_declarations_load_without_the_sdk() -> None:
    program = f"""
import sys
from providers import registry
for name in {OURS!r}: registry.fault(name)
for name in {FOUND!r}: registry.resolver(name)
registry.provider_class("aws"), registry.stop_source("aws:cloudwatch:alarm")
print([m for m in ("boto3", "botocore", "moto", "urllib3") if m in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
