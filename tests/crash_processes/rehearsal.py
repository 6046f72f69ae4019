"""Imported by the process that bridges are forked from, and nowhere else.

It does once what every bridge does first (imports, compiled statements, parsed service models),
so that those that are forked from it remember. No thread is left when it is done.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from pathlib import Path

# For their time alone.
import bridge.cli.rescuing
import bridge.dispatch.queue
import providers.aws.provider
import providers.kubernetes.provider
from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.cli import listening
from bridge.settings import Settings
from providers import registry
from providers.aws.clients import Clients
from tests.crash_processes import offspring

REHEARSED = (
    bridge.cli.rescuing,
    bridge.dispatch.queue,
    providers.aws.provider,
    providers.kubernetes.provider,
    listening,
    offspring,
)


async def _rehearse(data: Path) -> None:
    async with Process(Settings(installation="rehearsal", data=data)) as process:
        create_app(process.bridge)
        await process.bridge.store.due()
    clients = Clients()
    for service in ("sts", "ec2", "eks"):
        clients.get(service, "us-east-1")
    clients.close()
    for fault in registry.FAULTS:
        registry.fault(fault)


with tempfile.TemporaryDirectory() as directory:
    asyncio.run(_rehearse(Path(directory)))
gc.collect()
gc.freeze()
