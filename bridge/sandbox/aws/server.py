"""An AWS account on loopback: moto's, with the real rules where moto is kinder than AWS."""

from __future__ import annotations

import base64
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.moto_api._internal.models import moto_api_backend

from bridge.sandbox.aws.application import Application
from bridge.sandbox.aws.calls import Call
from bridge.sandbox.aws.clock import Clock, system_clock
from bridge.sandbox.aws.cloud import (
    ACCOUNT_ID,
    CALLER_ARN,
    CALLER_KEY_ID,
    CALLER_NAME,
    CALLER_SECRET,
    Cloud,
)
from bridge.sandbox.aws.http_server import LOOPBACK, HttpServer, listen
from bridge.sandbox.aws.misbehaviour import ANY, Misbehaviour

_only_one = Lock()


class AwsEmulator:
    """A running AWS emulator, as a context manager or by ``start`` and ``stop``.

    Any AWS SDK or CLI works against it with the variables of ``environment``. It listens on
    loopback only. moto keeps its accounts in the process, so one emulator runs per process;
    each start begins with an empty account.
    """

    account_id = ACCOUNT_ID
    caller_arn = CALLER_ARN

    def __init__(
        self,
        *,
        port: int = 0,
        region: str = "us-east-1",
        clock: Clock = system_clock,
        transition_seconds: float = 1.0,
        terminated_visible_seconds: float = 3600.0,
        permissions: bool = True,
    ) -> None:
        """Describe the account; nothing runs before ``start``.

        ``port`` 0 takes a free one. ``transition_seconds`` is how long an instance or an
        attachment takes to change its state, and ``clock`` what measures it. With
        ``permissions`` a call signed by an assumed role is checked against its policies.
        """
        self.region = region
        self._port = port
        self._cloud = Cloud(clock, transition_seconds, terminated_visible_seconds)
        self._permissions = permissions
        self._application: Application | None = None
        self._server: HttpServer | None = None
        self._thread: Thread | None = None

    def start(self) -> Self:
        """Listen, with an empty account.

        Raises ``RuntimeError`` while another emulator runs in the process, ``OSError`` for a
        port that is taken.
        """
        if not _only_one.acquire(blocking=False):
            message = "an AwsEmulator already runs in this process, and moto holds one world only"
            raise RuntimeError(message)
        try:
            listener = listen(self._port)
        except OSError:
            _only_one.release()
            raise
        self._application = Application(self._cloud, permissions=self._permissions)
        self.reset()
        with listener:
            self._server = HttpServer(listener, self._application)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="aws-emulator")
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
        _only_one.release()

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
    def _running(self) -> Application:
        if self._application is None:
            message = "the AwsEmulator is not started"
            raise RuntimeError(message)
        return self._application

    @property
    def url(self) -> str:
        """The endpoint of every service, without a slash at the end."""
        if self._server is None:
            message = "the AwsEmulator is not started"
            raise RuntimeError(message)
        return f"http://{LOOPBACK}:{self._server.port}"

    def environment(self) -> dict[str, str]:
        """Answer the variables that point any AWS SDK or CLI here, with the caller's keys."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": CALLER_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": CALLER_SECRET,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    def reset(self) -> None:
        """Empty the account, the call log and the misbehaviours."""
        with self._cloud.lock:
            moto_api_backend.reset()
            self._cloud.transitions.clear()
            self._cloud.never_ran.clear()
            _create_caller(self.region)
        self._running.release()
        self._running.calls.clear()

    def complete_transitions(self) -> None:
        """Finish every change of state now instead of when it is due."""
        self._cloud.complete_transitions()

    def set_cluster_endpoint(self, name: str, *, endpoint: str, ca_pem: str) -> None:
        """Let DescribeCluster answer a real endpoint and certificate authority.

        moto makes up both. Raises ``KeyError`` for a cluster that does not exist.
        """
        cluster: Any = eks_backends[self.account_id][self.region].clusters[name]
        cluster.endpoint = endpoint
        cluster.certificate_authority = {"data": base64.b64encode(ca_pem.encode()).decode()}

    @property
    def calls(self) -> list[Call]:
        """Every answered request since the last reset, oldest first."""
        return self._running.calls.snapshot()

    def forget_calls(self) -> None:
        """Empty the call log."""
        self._running.calls.clear()

    def fail(
        self,
        *,
        service: str = ANY,
        operation: str = ANY,
        error: str,
        message: str = "The sandbox was told to fail here.",
        status: int = 400,
        times: float = 1,
    ) -> None:
        """Answer the next ``times`` calls with ``error`` and HTTP ``status``, without effect."""
        self._ask(
            Misbehaviour("fail", service, operation, times, error, message=message, status=status)
        )

    def delay(
        self, *, seconds: float, service: str = ANY, operation: str = ANY, times: float = 1
    ) -> None:
        """Wait ``seconds`` of real time before handling the next ``times`` calls."""
        self._ask(Misbehaviour("delay", service, operation, times, seconds=seconds))

    def hang(self, *, service: str = ANY, operation: str = ANY, times: float = 1) -> None:
        """Leave the next ``times`` calls without answer and effect until ``behave``."""
        self._ask(Misbehaviour("hang", service, operation, times))

    def lose_reply(self, *, service: str = ANY, operation: str = ANY, times: float = 1) -> None:
        """Carry out the next ``times`` calls, and drop the connection instead of answering."""
        self._ask(Misbehaviour("lose_reply", service, operation, times))

    def behave(self) -> None:
        """Take back every misbehaviour, and let go of the calls that hang."""
        self._running.release()

    def _ask(self, misbehaviour: Misbehaviour) -> None:
        self._running.misbehaviours.add(misbehaviour)


def _create_caller(region: str) -> None:
    """Make the sandbox's own user with its fixed keys, so that its identity is a real ARN."""
    backend = iam_backends[ACCOUNT_ID]["aws"]
    user = backend.create_user(region, CALLER_NAME)
    key = user.create_access_key(prefix="AKIA")
    key.access_key_id, key.secret_access_key = CALLER_KEY_ID, CALLER_SECRET
    backend.access_keys[CALLER_KEY_ID] = key
