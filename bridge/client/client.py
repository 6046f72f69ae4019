"""Clients of the native API, for programs that wait and for programs that do not."""

from __future__ import annotations

from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

from bridge.client import calls
from bridge.client.action_templates import ActionTemplatesClient, AsyncActionTemplatesClient
from bridge.client.calls import Call
from bridge.client.documents import (
    CatalogAction,
    CatalogPage,
    Document,
    EventPage,
    ExperimentDetail,
    ExperimentPage,
    ExperimentRecord,
    LeverState,
    StartRequest,
    Validation,
)
from bridge.client.errors import UnreachableError
from bridge.client.grants import Grants, GrantsRequest, grants
from bridge.client.policies import PoliciesClient
from bridge.client.preflight import Preflight, PreflightRequest
from bridge.client.schedules import AsyncSchedulesClient, SchedulesClient
from bridge.model.lever import LeverStatus

if TYPE_CHECKING:
    import httpx

T = TypeVar("T", bound=Document)

TIMEOUT = 30.0
"""Seconds that a bridge may take to answer."""


class Which(TypedDict, total=False):
    """Which runs are listed: those of a template, or those that have not ended."""

    template_id: str | None
    only_open: bool


class Client(SchedulesClient, ActionTemplatesClient, PoliciesClient):
    """A client that waits for each answer.

    Every method raises UnreachableError, RefusedError or FailedError.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: httpx.Auth | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Speak to the bridge at ``url``, such as ``http://127.0.0.1:4520``.

        ``auth`` proves who asks, where the bridge wants to know (`iam.signing.SigningAuth`).
        """
        self.url = url
        import httpx  # noqa: PLC0415 - its documents alone are used without it

        self._http = httpx.Client(**_options(url), auth=auth, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Carry out any call of `bridge.client.calls`."""
        import httpx  # noqa: PLC0415 - as above

        try:
            response = self._http.request(**_request(call))
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise _unreachable(self.url, error) from None
        return call.read(response.status_code, response.content)

    def validate(self, document: Any) -> Validation:
        """Judge a template document; nothing is stored."""
        return self.send(calls.validate(document))

    def preflight(self, request: PreflightRequest) -> Preflight:
        """Ask clouds and clusters what a template lacks; nothing is changed."""
        return self.send(calls.preflight(request))

    def grants(self, request: GrantsRequest) -> Grants:
        """Say what a template needs, and what would grant it."""
        return self.send(grants(request))

    def start(self, request: StartRequest) -> ExperimentDetail:
        """Start a run."""
        return self.send(calls.start(request))

    def experiments(
        self, *, after: str | None = None, limit: int = 100, **which: Unpack[Which]
    ) -> ExperimentPage:
        """List runs, the newest first."""
        return self.send(calls.experiments(after=after, limit=limit, **which))

    def experiment(self, experiment_id: str) -> ExperimentDetail:
        """Show a run."""
        return self.send(calls.experiment(experiment_id))

    def events(self, experiment_id: str, *, after: int = 0, wait: float = 0.0) -> EventPage:
        """Read a run's journal past a place, waiting up to ``wait`` seconds for something new."""
        return self.send(calls.events(experiment_id, after=after, wait=wait))

    def stop(self, experiment_id: str, reason: str | None = None) -> ExperimentDetail:
        """Ask a run to stop and undo everything; one that has ended is shown as it is."""
        return self.send(calls.stop(experiment_id, reason))

    def release(
        self, experiment_id: str, record_id: str, reason: str, **how: bool
    ) -> ExperimentRecord:
        """Give up undoing one record of a run; ``how`` as ``calls.release`` has it."""
        return self.send(calls.release(experiment_id, record_id, reason, **how))

    def lever(self) -> LeverState:
        """Show the safety lever."""
        return self.send(calls.lever())

    def move_lever(self, status: LeverStatus, reason: str) -> LeverState:
        """Engage or disengage the safety lever; a repeat is no error."""
        return self.send(calls.move_lever(status, reason))

    def actions(self) -> CatalogPage:
        """List the actions that a template can use."""
        return self.send(calls.actions())

    def action(self, action_id: str) -> CatalogAction:
        """Show an action, by id or alias."""
        return self.send(calls.action(action_id))


class AsyncClient(AsyncSchedulesClient, AsyncActionTemplatesClient):
    """A client for an event loop.

    Every method raises UnreachableError, RefusedError or FailedError.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: httpx.Auth | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Speak to the bridge at ``url``; a transport may lead to one in this process.

        ``auth`` is as for `Client`.
        """
        self.url = url
        import httpx  # noqa: PLC0415 - its documents alone are used without it

        self._http = httpx.AsyncClient(**_options(url), auth=auth, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Carry out any call of `bridge.client.calls`."""
        import httpx  # noqa: PLC0415 - as above

        try:
            response = await self._http.request(**_request(call))
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise _unreachable(self.url, error) from None
        return call.read(response.status_code, response.content)

    async def validate(self, document: Any) -> Validation:
        """Judge a template document; nothing is stored."""
        return await self.send(calls.validate(document))

    async def preflight(self, request: PreflightRequest) -> Preflight:
        """Ask clouds and clusters what a template lacks; nothing is changed."""
        return await self.send(calls.preflight(request))

    async def grants(self, request: GrantsRequest) -> Grants:
        """Say what a template needs, and what would grant it."""
        return await self.send(grants(request))

    async def start(self, request: StartRequest) -> ExperimentDetail:
        """Start a run."""
        return await self.send(calls.start(request))

    async def experiments(
        self, *, after: str | None = None, limit: int = 100, **which: Unpack[Which]
    ) -> ExperimentPage:
        """List runs, the newest first."""
        return await self.send(calls.experiments(after=after, limit=limit, **which))

    async def experiment(self, experiment_id: str) -> ExperimentDetail:
        """Show a run."""
        return await self.send(calls.experiment(experiment_id))

    async def events(self, experiment_id: str, *, after: int = 0, wait: float = 0.0) -> EventPage:
        """Read a run's journal past a place, waiting up to ``wait`` seconds for something new."""
        return await self.send(calls.events(experiment_id, after=after, wait=wait))

    async def stop(self, experiment_id: str, reason: str | None = None) -> ExperimentDetail:
        """Ask a run to stop and undo everything; one that has ended is shown as it is."""
        return await self.send(calls.stop(experiment_id, reason))

    async def release(
        self, experiment_id: str, record_id: str, reason: str, **how: bool
    ) -> ExperimentRecord:
        """Give up undoing one record of a run; ``how`` as ``calls.release`` has it."""
        return await self.send(calls.release(experiment_id, record_id, reason, **how))

    async def lever(self) -> LeverState:
        """Show the safety lever."""
        return await self.send(calls.lever())

    async def move_lever(self, status: LeverStatus, reason: str) -> LeverState:
        """Engage or disengage the safety lever; a repeat is no error."""
        return await self.send(calls.move_lever(status, reason))

    async def actions(self) -> CatalogPage:
        """List the actions that a template can use."""
        return await self.send(calls.actions())

    async def action(self, action_id: str) -> CatalogAction:
        """Show an action, by id or alias."""
        return await self.send(calls.action(action_id))


class _Options(TypedDict):
    base_url: str
    timeout: float
    trust_env: bool


class _Request(TypedDict):
    method: str
    url: str
    params: dict[str, str | int | float]
    json: dict[str, Any] | None
    timeout: float


def _options(url: str) -> _Options:
    # A proxy from the environment cannot reach our loopback, and need not know what we ask there.
    return {"base_url": url, "timeout": TIMEOUT, "trust_env": not _is_loopback(url)}


def _request(call: Call[Any]) -> _Request:
    return {
        "method": call.method,
        "url": call.path,
        "params": call.query,
        "json": call.body,
        "timeout": TIMEOUT + call.patience,
    }


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _unreachable(url: str, error: Exception) -> UnreachableError:
    shown = urlsplit(url)._replace(query="", fragment="").geturl().rpartition("@")[2]
    reason = str(error) or type(error).__name__
    return UnreachableError(
        f"no bridge answers at {shown} ({reason}); "
        "start one with `faultbridge serve`, or set FAULTBRIDGE_URL to where it is"
    )
