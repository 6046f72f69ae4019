"""The front of the emulated API server: misbehaviour, then the server itself, then the call log.

The same as that of the emulated clouds (``bridge.sandbox.front``), for a server that is one
asyncio loop: a call that hangs or waits holds up no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from bridge.sandbox.calls import Call, CallLog
from bridge.sandbox.control import CONTROL, ControlPages
from bridge.sandbox.kubernetes.status import ApiError
from bridge.sandbox.kubernetes.streaming import disconnected, first_of
from bridge.sandbox.misbehaviour import Misbehaviour, Misbehaviours

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from bridge.sandbox.kubernetes.application import Application
    from bridge.sandbox.kubernetes.asked import Asked

RETRY_AFTER = 1
"""Seconds that a throttled client is asked to wait, as the API server does."""


class _LostError(Exception):
    """The answer is about to begin, and is not to be sent."""


class Front:
    """Everything between the socket and the emulated API server, as an ASGI application.

    ``now`` is the cluster's clock, whose time each answer bears (by that, not by its own, does a
    client judge the age of objects). ``drop`` ends a scope's connection without another byte.
    """

    def __init__(
        self,
        application: Application,
        calls: CallLog,
        misbehaviours: Misbehaviours,
        *,
        now: Callable[[], datetime],
        drop: Callable[[Scope], None],
    ) -> None:
        self._application = application
        self._calls = calls
        self._misbehaviours = misbehaviours
        self._now = now
        self._drop = drop
        self._pages = ControlPages(calls, misbehaviours, self._behave)
        self._released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        http = Request(scope, receive)
        if http.url.path.startswith(CONTROL):
            page = await self._control(http)
            await page(scope, receive, send)
            return
        log = _Entry(self._calls)
        released = self._released  # before taking: a release in between must reach this call
        asked = await self._application.read(http)
        misbehaviour = self._misbehaviours.take(asked.service, asked.operation)
        kind = misbehaviour.kind if misbehaviour is not None else ""
        if misbehaviour is not None and kind == "delay":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(misbehaviour.seconds):
                    await released.wait()
        if kind == "hang":
            await first_of(released.wait(), disconnected(receive))
            log.write(asked, 0)
            await self._lose(scope, receive)
            return

        async def logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                log.write(asked, 0 if kind == "lose_reply" else message["status"])
                if kind == "lose_reply":
                    raise _LostError
                date = format_datetime(self._now().astimezone(UTC), usegmt=True)
                message["headers"] = [*message["headers"], (b"date", date.encode())]
            await send(message)

        log.handling_begins()
        answer = await self._reply(asked, misbehaviour)
        try:
            await answer(scope, receive, logged)
        except _LostError:
            await self._lose(scope, receive)

    async def _reply(self, asked: Asked, misbehaviour: Misbehaviour | None) -> ASGIApp:
        match misbehaviour:
            case Misbehaviour(kind="fail", error=error, message=message, status=code):
                refusal = ApiError(code, error, message)
                return JSONResponse(refusal.status, code)
            case Misbehaviour(kind="throttle"):
                # Not even a Status: so answers the filter of API Priority and Fairness
                # (k8s.io/apiserver, pkg/server/filters, tooManyRequests).
                return PlainTextResponse(
                    "Too many requests, please try again later.\n",
                    HTTPStatus.TOO_MANY_REQUESTS,
                    {"retry-after": str(RETRY_AFTER)},
                )
            case Misbehaviour(kind="vanish"):
                self._application.vanish(asked)
        fails_late = misbehaviour is not None and misbehaviour.kind == "fail_late"
        return await self._application.answer(asked, fails_late=fails_late)

    async def _lose(self, scope: Scope, receive: Receive) -> None:
        self._drop(scope)
        await disconnected(receive)  # only now will the server not answer in our place

    async def _control(self, http: Request) -> JSONResponse:
        media_type = http.headers.get("content-type", "").partition(";")[0].strip()
        body = await http.body()
        content, code = self._pages.answer(http.method, http.url.path, media_type, body)
        return JSONResponse(content, code)

    def _behave(self) -> None:
        self._misbehaviours.clear()
        self.release()

    def release(self) -> None:
        """Let go of the calls that hang or wait; in the server's loop."""
        released, self._released = self._released, asyncio.Event()
        released.set()


class _Entry:
    """The line of one request in the call log, written when its answer begins."""

    def __init__(self, calls: CallLog) -> None:
        self._calls = calls
        self._at = time.time()
        self._started = self._handling = time.perf_counter()

    def handling_begins(self) -> None:
        self._handling = time.perf_counter()

    def write(self, asked: Asked, status: int) -> None:
        now = time.perf_counter()
        self._calls.add(
            Call(
                service=asked.service,
                operation=asked.operation,
                at=self._at,
                handling=now - self._handling if status else 0.0,
                total=now - self._started,
                status=status,
                caller=asked.caller,
                rights=asked.rights,
            )
        )
