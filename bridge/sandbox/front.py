"""The front of every emulated cloud: misbehaviour, then the cloud itself, then the call log.

A WSGI application. What the cloud says is its `CloudApi`'s; the front adds what no real cloud
has: the pages under ``/_faultbridge/`` with the log of calls and the misbehaviours to come.
"""

from __future__ import annotations

import json
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from threading import Event
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from werkzeug.wrappers import Request, Response

from bridge.sandbox.calls import Call, CallLog
from bridge.sandbox.control import CONTROL, ControlPages
from bridge.sandbox.misbehaviour import Misbehaviour, Misbehaviours
from bridge.sandbox.transitions import LateFailure

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Asked(Protocol):
    """One request as its cloud reads it; see `Call` for the words."""

    @property
    def service(self) -> str:
        """The API's name of the service."""

    @property
    def operation(self) -> str:
        """The API's name of the operation; empty where there is none such."""

    @property
    def caller(self) -> str:
        """Who signed it."""

    @property
    def rights(self) -> tuple[str, ...]:
        """What the real cloud asks of the caller."""


A = TypeVar("A", bound=Asked)


class CloudApi(ABC, Generic[A]):
    """What one emulated cloud answers. Its methods are called from several threads at once."""

    @abstractmethod
    def read(self, environ: Environ) -> A:
        """Find out what a request asks for. Never raises."""

    @abstractmethod
    def answer(self, asked: A, failing: LateFailure | None) -> Response:
        """Carry the request out. With ``failing``, what it begins fails in the end."""

    @abstractmethod
    def refuse(self, asked: A, code: str, message: str, status: int) -> Response:
        """Write an error in the cloud's own shape."""

    @abstractmethod
    def throttle(self, asked: A) -> Response:
        """Write what the cloud answers to who asks too often."""

    @abstractmethod
    def vanish(self, asked: A) -> None:
        """Delete the resources that the request names, at once and without a trace."""


class Front(Generic[A]):
    """Everything between the socket and an emulated cloud."""

    def __init__(self, api: CloudApi[A]) -> None:
        self._api = api
        self.calls = CallLog()
        self.misbehaviours = Misbehaviours()
        self._pages = ControlPages(self.calls, self.misbehaviours, self.release)
        self._released = Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO", "").startswith(CONTROL):
            return self._control(environ)(environ, start_response)
        arrived, started = time.time(), time.perf_counter()
        released = self._released  # before taking: a release in between must reach this call
        asked = self._api.read(environ)
        misbehaviour = self.misbehaviours.take(asked.service, asked.operation)
        kind = misbehaviour.kind if misbehaviour is not None else ""
        handling, reply = 0.0, None
        if misbehaviour is not None and kind == "delay":
            released.wait(misbehaviour.seconds)
        if kind == "hang":
            released.wait()
        else:
            before = time.perf_counter()
            reply = self._reply(asked, misbehaviour)
            handling = time.perf_counter() - before
        if kind in ("hang", "lose_reply"):
            reply = None
        self.calls.add(
            Call(
                service=asked.service,
                operation=asked.operation,
                at=arrived,
                handling=handling,
                total=time.perf_counter() - started,
                status=reply.status_code if reply else 0,
                caller=asked.caller,
                rights=asked.rights,
            )
        )
        if reply is None:
            _drop_connection(environ)
        return reply(environ, start_response)

    def _reply(self, asked: A, misbehaviour: Misbehaviour | None) -> Response:
        failing = None
        match misbehaviour:
            case Misbehaviour(kind="fail", error=error, message=message, status=status):
                return self._api.refuse(asked, error, message, status)
            case Misbehaviour(kind="throttle"):
                return self._api.throttle(asked)
            case Misbehaviour(kind="vanish"):
                self._api.vanish(asked)
            case Misbehaviour(kind="fail_late", error=error, message=message):
                failing = LateFailure(error, message)
        return self._api.answer(asked, failing)

    def _control(self, environ: Environ) -> Response:
        request = Request(environ)
        content, status = self._pages.answer(
            request.method, request.path, request.mimetype, request.get_data()
        )
        return Response(json.dumps(content), status, content_type="application/json")

    def release(self) -> None:
        """Behave well from now on, and let go of the calls that hang."""
        self.misbehaviours.clear()
        released, self._released = self._released, Event()
        released.set()


def _drop_connection(environ: Environ) -> NoReturn:
    """End the connection without an answer; the server then cleans up after it."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    message = "the sandbox dropped this connection as it was told to"
    raise ConnectionResetError(message)
