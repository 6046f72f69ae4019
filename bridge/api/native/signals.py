"""Signals: what monitoring systems push, and the runs that it stops."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request

from bridge.api.bridge import Bridge
from bridge.api.limits import parse_json
from bridge.api.native.bodies import read_body
from bridge.api.native.problems import OpenRoute, RefusalError, invalid, problems_of
from bridge.api.native.signal_tokens import admits, unauthorized
from bridge.api.native.topics import Topics
from bridge.client.documents import HeardSignal, SignalReport
from bridge.dialects.signals import (
    SnsMessage,
    UnknownShapeError,
    is_sns,
    notified,
    read_signals,
)
from bridge.engine.signals import Heard, hear
from bridge.model.problem import Problem
from bridge.model.signal import Signal

_log = logging.getLogger(__name__)


class Signals:
    """The endpoint that monitoring systems call."""

    def __init__(self, bridge: Bridge) -> None:
        """Work on a bridge."""
        self._bridge = bridge

    @cached_property
    def _topics(self) -> Topics:
        return Topics(self._bridge.settings.signal_topics, self._bridge.fetch)

    def add_to(self, routes: APIRouter) -> None:
        """Add the route."""
        body = {"content": {"application/json": {"schema": {"type": "object"}}}}
        routes.add_api_route(
            "/v1/signals",
            self.receive,
            methods=["POST"],
            status_code=202,
            route_class_override=OpenRoute,
            openapi_extra={"requestBody": body},
        )

    async def receive(self, request: Request) -> SignalReport:
        """Hear a signal in its sender's own format, and ask the runs to stop that it means."""
        settings = self._bridge.settings
        known = admits(settings.signal_tokens, request)
        if not known and not settings.signal_topics:
            raise unauthorized(closed=not settings.signal_tokens)
        document = await self._document(request, known=known)
        try:
            if not is_sns(document):
                return await self._hear(read_signals(document))
            message = await self._topics.verified(document, self._bridge.store.now())
            if message.type != "Notification":
                return await self._confirmation(message)
            return await self._hear(notified(message, _inner(message)))
        except ValidationError as error:
            raise invalid(problems_of(error)) from None
        except UnknownShapeError as error:
            raise invalid([Problem(path="", message=str(error))]) from None

    async def _document(self, request: Request, *, known: bool) -> Any:
        """Return the body; who shows no token is told nothing of one that is no SNS message."""
        try:
            document = await read_body(request)
        except RefusalError:
            if known:
                raise
            document = None
        if not known and not is_sns(document):
            raise unauthorized(closed=False)
        return document

    async def _confirmation(self, message: SnsMessage) -> SignalReport:
        if message.type == "SubscriptionConfirmation":
            await self._topics.confirm(message)
            return SignalReport(note=f"the subscription to {message.topic} is confirmed")
        _log.warning("the subscription to %s has ended: no signals come from it", message.topic)
        return SignalReport(note=f"the subscription to {message.topic} has ended")

    async def _hear(self, signals: list[Signal]) -> SignalReport:
        bridge = self._bridge
        heard = await hear(
            bridge.store,
            bridge.catalog.stop_source,
            signals,
            memory=bridge.settings.signal_memory,
        )
        stopped = list(dict.fromkeys(run for one in heard for run in one.stopped))
        for run in stopped:
            bridge.dispatcher.wake(run)
        return SignalReport(signals=tuple(map(_rendered, heard)), stopped=tuple(stopped))


def _inner(message: SnsMessage) -> Any:
    try:
        return parse_json(message.message.encode())
    except ValueError:
        raise UnknownShapeError from None


def _rendered(heard: Heard) -> HeardSignal:
    signal = heard.signal
    return HeardSignal(
        source=signal.source,
        value=signal.value,
        state=signal.state,
        reason=signal.reason,
        event=signal.event,
        stopped=heard.stopped,
    )
