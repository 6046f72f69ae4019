"""One fault of one run, driven as the engine drives it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bridge.model.record import Record
from providers.contract import Effect, Observation, Plan, Resource
from providers.kubernetes.custom_resource import InjectCustomResource
from providers.kubernetes.session import KubernetesSession

INSTALLATION = "here"
FAULT = InjectCustomResource()
NETWORK_DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "duration": "180s",
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}


class Run:
    """One action of one run, driven as the engine drives it."""

    def __init__(self, session: KubernetesSession, cluster_id: str, **parameters: Any) -> None:
        self.session = session
        self.parameters = FAULT.Parameters.model_validate(
            {
                "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
                "kubernetesKind": "NetworkChaos",
                "kubernetesNamespace": "default",
                "kubernetesSpec": NETWORK_DELAY,
                "maxDuration": "PT5M",
            }
            | parameters
        )
        self.resources = [Resource("aws:eks:cluster", cluster_id)]
        plan = Plan(session.caller.name, "latency", session.caller.installation, None)
        (subject,) = FAULT.subjects(self.parameters, self.resources, plan)
        self.record = Record(
            id=f"{plan.experiment}/latency/0",
            action="latency",
            holders=("latency",),
            fault=FAULT.id,
            resource=subject.resource,
            effect=FAULT.effect,
            state=subject.state,
        )

    async def review(self) -> list[Any]:
        return await FAULT.review(self.session, self.parameters, self.resources)

    async def prepare(self) -> Any:
        outcomes = await FAULT.prepare(self.session, self.parameters, [self.record])
        return outcomes[self.record.id]

    async def inject(self) -> Any:
        outcomes = await FAULT.inject(self.session, self.parameters, [self.record])
        return outcomes[self.record.id]

    async def start(self) -> None:
        assert (await self.prepare()).kind == "done"
        assert (await self.inject()).kind == "pending"

    async def observe(self) -> Observation:
        seen = await FAULT.observe(self.session, [self.record])
        return seen[self.record.id]

    async def revert(self) -> Any:
        return (await FAULT.revert(self.session, [self.record]))[self.record.id]

    async def until(self, *effects: Effect) -> Observation:
        """Look until one of the effects is seen; nothing else ends it but the time limit."""
        seen: Observation = await eventually(self.observe, lambda look: look.effect in effects)
        return seen

    async def until_gone(self) -> None:
        await eventually(self.revert, lambda outcome: outcome.kind == "done")


async def eventually(
    look: Callable[[], Any], wanted: Callable[[Any], bool], *, within: float = 10
) -> Any:
    """Repeat a look until it answers what is wanted; fails after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not wanted(seen := await look()):
        assert time.monotonic() < deadline, f"still {seen}"
        await asyncio.sleep(0.02)
    return seen
