"""The whole sandbox, and a template of it that is asked about, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.api.native.judging import read
from bridge.catalog import Catalog
from bridge.engine import Providers
from bridge.engine.findings import Finding
from bridge.engine.preflight import preflight
from bridge.model.scope import Scope
from bridge.sandbox.world import World
from bridge.settings import Settings

THREE_CLOUDS = Path(__file__).parents[2] / "examples/fis/three-clouds.json"


@dataclass(frozen=True)
class Asked:
    """What a preflight found."""

    found: list[Finding]

    def verdicts(self, what: str) -> list[str]:
        """Return every verdict on a right or a thing, once."""
        return sorted({one.verdict.value for one in self.found if one.what == what})

    def missing(self) -> dict[str, Finding]:
        """Return what is missing, by name."""
        return {one.what: one for one in self.found if one.verdict.value == "missing"}


Ask = Callable[[dict[str, Any]], Awaitable[Asked]]


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def world() -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        async with World() as made:
            for name, value in made.environment().items():
                patch.setenv(name, value)
            yield made


@pytest.fixture
def document() -> dict[str, Any]:
    """The example that breaks something in each cloud."""
    found: dict[str, Any] = json.loads(THREE_CLOUDS.read_text())
    return found


@pytest_asyncio.fixture(loop_scope="package")
async def ask(world: World) -> AsyncIterator[Ask]:
    settings = Settings()
    catalog, providers = Catalog(settings), Providers(settings)
    scope = Scope(cloud="aws", account=settings.account, region=settings.region)

    async def asked(document: dict[str, Any]) -> Asked:
        parsed = read(catalog, scope, document)
        assert parsed.template is not None, parsed.problems
        found = await preflight(
            providers, catalog, parsed.template, installation=settings.installation
        )
        return Asked(found.findings)

    yield asked
    await providers.close()


@pytest.fixture
def rights(world: World) -> Iterator[Callable[..., None]]:
    """Add a statement to the policies of the sandbox's role, for one test."""
    with closing(world.client("iam")) as iam:

        def changed(effect: str, *actions: str) -> None:
            statement = {"Effect": effect, "Action": list(actions), "Resource": "*"}
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            iam.put_role_policy(
                RoleName="my-fis-role", PolicyName="changed", PolicyDocument=json.dumps(policy)
            )

        changed("Allow", "ec2:DescribeInstances")
        yield changed
        iam.delete_role_policy(RoleName="my-fis-role", PolicyName="changed")
