"""The emulator as a whole: a cluster's API server on loopback, with TLS.

    async with KubernetesEmulator() as cluster:
        cluster.install(manifest)
        use(cluster.url, cluster.ca_pem, cluster.kubeconfig(token="anything"))

It is a public test double: what it serves behaves as the real API server does, and what it does
not implement it refuses with a `Status` that says so (501, or 405 and 415 where a real server
would refuse as well).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from bridge.sandbox.calls import Call, CallLog
from bridge.sandbox.kubernetes.access import Access
from bridge.sandbox.kubernetes.application import Application
from bridge.sandbox.kubernetes.call import Call as RegistryCall
from bridge.sandbox.kubernetes.deletion import Collector
from bridge.sandbox.kubernetes.front import Front
from bridge.sandbox.kubernetes.identity import Admit, Authenticate, Authorize, Identity, RulesOf
from bridge.sandbox.kubernetes.objects import Object, ObjectStore
from bridge.sandbox.kubernetes.registry import Registry
from bridge.sandbox.kubernetes.request import RequestInfo
from bridge.sandbox.kubernetes.resource_table import ResourceTable
from bridge.sandbox.kubernetes.sockets import certificates, listen
from bridge.sandbox.misbehaviour import Misbehaving, Misbehaviour, Misbehaviours

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from starlette.types import Scope

log = logging.getLogger(__name__)

FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

_ADMINISTRATOR = Identity("kubernetes-admin", groups=("system:masters", "system:authenticated"))


class _Server(uvicorn.Server):
    """A server within somebody else's process: it leaves the signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def anybody(_token: str) -> Identity:
    """Take every bearer token for the administrator's: the default of a cluster under test."""
    return _ADMINISTRATOR


class KubernetesEmulator(Misbehaving):
    """A Kubernetes API server in memory.

    `now` is the cluster's clock. `authenticate` tells who a bearer token is (by default everybody
    is the administrator), `authorize` what they may do (by default everything), `rules` lists
    what they may do (SelfSubjectRulesReview; 501 without it), `admit` is asked before an object
    is stored. `version` is what `/version` answers. `port=0` takes a free one.
    `history` is how many changes a watch can go back.

    `store` is the cluster's memory, for controllers that live beside the API server.

    What it is told to do wrong, and `calls`, may be used from any thread. `service` is the API
    group (`core` for the one without a name) and `operation` verb and resource: `create
    networkchaos`. A chaos resource whose creation fails late is never injected, one whose
    deletion does never recovers; a call that vanishes deletes the object that its path names.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        authenticate: Authenticate = anybody,
        authorize: Authorize | None = None,
        rules: RulesOf | None = None,
        admit: Admit | None = None,
        version: str = "1.32",
        port: int = 0,
        history: int = 1000,
    ) -> None:
        self._table = ResourceTable()
        self.store = ObjectStore(
            now, status_is_separate=self._table.status_is_separate, history=history
        )
        self._registry = Registry(self.store, self._table, admit)
        self._access = Access(authenticate, authorize, rules)
        self._version = version
        self._port = port
        self._calls = CallLog()
        self._misbehaviours = Misbehaviours()
        self._front: Front | None = None
        self._server: _Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = contextlib.AsyncExitStack()
        self.ca_pem = ""
        """The certificate of the throw-away CA, once the server runs."""
        for name in FIRST_NAMESPACES:
            self.install({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def calls(self) -> list[Call]:
        """Every answered request, oldest first; a watch from when its answer begins."""
        return self._calls.snapshot()

    def forget_calls(self) -> None:
        """Empty the call log."""
        self._calls.clear()

    def misbehave(self, misbehaviour: Misbehaviour) -> None:
        """Ask for one misbehaviour more."""
        self._misbehaviours.add(misbehaviour)

    def behave(self) -> None:
        """Take back every misbehaviour, and let go of the calls that hang."""
        self._misbehaviours.clear()
        if self._front is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._front.release)

    def break_connections(self) -> None:
        """Break every open connection, watches included, as a network that fails does."""
        for connection in list(self._server.server_state.connections if self._server else ()):
            if connection.transport is not None:
                connection.transport.abort()

    def kubeconfig(self, token: str, *, namespace: str = "default") -> dict[str, Any]:
        """Write a kubeconfig for a bearer token."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "emulator",
            "contexts": [
                {
                    "name": "emulator",
                    "context": {"cluster": "emulator", "user": "user", "namespace": namespace},
                }
            ],
            "clusters": [
                {
                    "name": "emulator",
                    "cluster": {
                        "server": self.url,
                        "certificate-authority-data": base64.b64encode(
                            self.ca_pem.encode()
                        ).decode(),
                    },
                }
            ],
            "users": [{"name": "user", "user": {"token": token}}],
        }

    def install(self, *manifests: Object) -> list[Object]:
        """Create objects as the administrator, without HTTP; works before the server runs.

        The objects go through the same checks as any other. Raises ApiError for a wrong one, and
        LookupError for a kind that is not served.
        """
        # A copy as JSON has it. The way of a request's body would take as long as all the rest.
        return [
            self._registry.install(self._call(manifest), json.loads(json.dumps(manifest)))
            for manifest in manifests
        ]

    def _call(self, manifest: Object) -> RegistryCall:
        group, _, version = manifest["apiVersion"].rpartition("/")
        resource = next(
            (
                item
                for item in self._table
                if (item.group, item.version, item.kind) == (group, version, manifest["kind"])
            ),
            None,
        )
        if resource is None:
            raise LookupError(f"no resource serves {manifest['apiVersion']} {manifest['kind']}")
        namespace = ""
        if resource.namespaced:
            namespace = manifest["metadata"].get("namespace", "default")
        info = RequestInfo(
            "create",
            "",
            is_resource=True,
            group=group,
            version=version,
            resource=resource.plural,
            namespace=namespace,
        )
        query = {"fieldValidation": "Strict"}
        return RegistryCall(_ADMINISTRATOR, info, resource, query, is_tracked=False)

    async def __aenter__(self) -> Self:
        """Start listening."""
        context, self.ca_pem = certificates()
        application = Application(self._registry, self._table, self._access, self._version)
        front = Front(
            application, self._calls, self._misbehaviours, now=self.store.now, drop=self._drop
        )
        listener = listen(self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            front,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            ssl_context_factory=lambda _config, _default: context,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        self._front, self._server, self._loop = front, server, asyncio.get_running_loop()
        collecting = asyncio.ensure_future(Collector(self.store, self._registry.forget).run())
        collecting.add_done_callback(_report_death)
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))

        async def stop() -> None:
            self._front = None
            self._misbehaviours.clear()
            front.release()
            application.stopping.set()
            collecting.cancel()
            server.should_exit = True
            await asyncio.wait((serving, collecting))
            for connection in list(server.server_state.connections):
                # A client that does not answer the end of TLS would keep its socket open.
                if connection.transport is not None:
                    connection.transport.abort()
            await asyncio.sleep(0)
            listener.close()

        self._running.push_async_callback(stop)
        return self

    def _drop(self, scope: Scope) -> None:
        """End the connection that a request came by."""
        for connection in list(self._server.server_state.connections if self._server else ()):
            is_its = getattr(connection, "client", None) == scope["client"]
            if is_its and connection.transport is not None:
                connection.transport.abort()

    async def __aexit__(self, *_: object) -> None:
        """Stop listening; the store stays readable."""
        await self._running.aclose()


@contextlib.contextmanager
def running(emulator: KubernetesEmulator) -> Generator[KubernetesEmulator, None, None]:
    """Run an emulator in a thread with a loop of its own, for callers that block.

    The store and `install` belong to that loop while it runs: use them before or after.
    """
    ready = threading.Event()
    ending: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        end = asyncio.Event()
        ending.append((asyncio.get_running_loop(), end))
        async with emulator:
            ready.set()
            await end.wait()

    with ThreadPoolExecutor(1, thread_name_prefix="kubernetes-emulator") as pool:
        serving = pool.submit(asyncio.run, serve())
        serving.add_done_callback(lambda _serving: ready.set())
        ready.wait()
        try:
            yield emulator
        finally:
            if ending and not serving.done():
                loop, end = ending[0]
                loop.call_soon_threadsafe(end.set)
            serving.result()


def _report_death(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the cluster's own controllers died", exc_info=error)
