"""What the emulators of AWS, Google Cloud and Azure have in common: their life and their log."""

from __future__ import annotations

from abc import abstractmethod
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar, Self

from bridge.sandbox.calls import Call
from bridge.sandbox.front import CloudApi, Front
from bridge.sandbox.http_server import LOOPBACK, Handler, HttpServer, listen
from bridge.sandbox.misbehaviour import Misbehaving, Misbehaviour


class CloudEmulator(Misbehaving):
    """A cloud's API on loopback, as a context manager or by ``start`` and ``stop``.

    ``port`` 0 takes a free one.
    """

    handler: ClassVar[type[Handler]] = Handler
    """What reads requests off a connection."""

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self._front: Front[Any] | None = None
        self._server: HttpServer | None = None
        self._thread: Thread | None = None

    @abstractmethod
    def _api(self) -> CloudApi[Any]:
        """Build what answers; called once, at the first start."""

    @abstractmethod
    def _empty(self) -> None:
        """Empty the emulated cloud."""

    @abstractmethod
    def complete_transitions(self) -> None:
        """Finish every change of state now instead of when it is due."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Answer the variables that point that cloud's SDK, and a bridge, here."""

    def start(self) -> Self:
        """Listen, with an empty cloud. Raises ``OSError`` for a port that is taken."""
        listener = listen(self._port)
        with listener:
            self._front = self._front or Front(self._api())
            self.reset()
            self._server = HttpServer(listener, self._front, self.handler)
        name = type(self).__name__
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name=name)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Let go of hanging calls, close every connection and wait for every thread."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._running.release()
        self._server.close_connections()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _running(self) -> Front[Any]:
        if self._front is None:
            raise RuntimeError(f"the {type(self).__name__} is not started")
        return self._front

    @property
    def url(self) -> str:
        """The endpoint of every service, without a slash at the end."""
        if self._server is None:
            raise RuntimeError(f"the {type(self).__name__} is not started")
        return f"http://{LOOPBACK}:{self._server.port}"

    def reset(self) -> None:
        """Empty the cloud, the call log and the misbehaviours."""
        self._empty()
        self._running.release()
        self._running.calls.clear()

    @property
    def calls(self) -> list[Call]:
        """Every answered request since the last reset, oldest first."""
        return self._running.calls.snapshot()

    def forget_calls(self) -> None:
        """Empty the call log."""
        self._running.calls.clear()

    def misbehave(self, misbehaviour: Misbehaviour) -> None:
        """Ask for one misbehaviour more."""
        self._running.misbehaviours.add(misbehaviour)

    def behave(self) -> None:
        """Take back every misbehaviour, and let go of the calls that hang."""
        self._running.release()
