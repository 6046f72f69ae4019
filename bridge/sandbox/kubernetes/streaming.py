"""The answer to a watch: events as they happen, until the time is up or the client has gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.types import Message, Receive, Scope, Send

    from bridge.sandbox.kubernetes.negotiation import Form
    from bridge.sandbox.kubernetes.watch import Watch


class WatchAnswer:
    """Streams a watch, as an ASGI application; ``stopping`` ends it."""

    def __init__(self, watch: Watch, form: Form, stopping: asyncio.Event) -> None:
        self._watch = watch
        self._form = form
        self._stopping = stopping

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the whole answer."""
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-cache, private")]
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        # An empty piece makes the server send the headers before the first event.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await first_of(self._stream(send), disconnected(receive))

    async def _stream(self, send: Send) -> None:
        first = True
        async with contextlib.aclosing(self._watch.events(self._stopping)) as events:
            async for kind, obj in events:
                event = self._form.event(kind, obj, first=first)
                first = False
                await send(_piece(json.dumps(event).encode() + b"\n", more=True))
        await send(_piece(b"", more=False))


async def first_of(*works: Coroutine[Any, Any, Any]) -> None:
    """Wait until one has ended, and cancel the others. Raises what one of them raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone; what it still sends is thrown away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
