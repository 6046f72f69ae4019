"""One bridge process: the parts put together, taken up, and let go again."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from bridge.api.authorization import read_policy_file
from bridge.api.authorization.attached import effective
from bridge.api.bridge import Bridge, Preflight
from bridge.catalog import Catalog
from bridge.dispatch import Dispatching, dispatcher_for
from bridge.engine import Engine, Providers, Scheduler
from bridge.engine.preflight import Foreseen, preflight
from bridge.model.inbox import Request, RequestKind
from bridge.model.problem import InvalidDocumentError
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from bridge.store import DataDirectory, Store, sqlite_url
from iam.policy import Attachment, StoredPolicy

RESTORED: Final = (
    "The database was restored from a backup; what it holds as open is undone and nothing more."
)
_LOOK_EVERY: Final = 0.1

_log = logging.getLogger(__name__)


class StartError(Exception):
    """The bridge cannot start as it is set up; the text names the setting and the mend."""


class Process:
    """One running bridge, as an asynchronous context manager.

    Entering it takes the data directory, opens the store, takes over what a dead predecessor
    left, and begins to advance runs. Leaving it drains: faults that are in effect stay for the
    next process, that is what the store is for.

    Raises StartError, or DirectoryInUseError where another bridge runs on the data directory.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        providers: Callable[[Settings], Providers] = Providers,
        catalog: Callable[[Settings], Catalog] = Catalog,
        dispatcher: Callable[[Settings, Store], Dispatching] = dispatcher_for,
        works: bool = True,
        schedules: bool = True,
    ) -> None:
        """Prepare a bridge; other providers and another catalogue are for tests and sandboxes.

        One that does not work only answers requests: workers on its database advance the runs.
        Without ``schedules`` it starts nothing that nobody asks for: it is there for one run.
        """
        self.settings = settings
        self._works = works
        self._make_providers = providers
        self._make_catalog = catalog
        self._make_dispatcher = dispatcher
        self._schedules = schedules
        self._stack = AsyncExitStack()
        self._dispatcher: Dispatching | None = None
        self._bridge: Bridge | None = None
        self._draining = False

    @property
    def bridge(self) -> Bridge:
        """What answers requests; there is one only while the process is entered."""
        if self._bridge is None:
            msg = "the process has not been entered"
            raise RuntimeError(msg)
        return self._bridge

    async def __aenter__(self) -> Self:
        self._require_worker()
        async with AsyncExitStack() as stack:
            store = self._open(stack)
            stack.push_async_callback(store.close)
            if not self.settings.database:
                # Holding the directory proves that whoever held these leases is dead.
                await store.take_over()
            await store.raise_epoch(self.settings.epoch, _stop(store, RESTORED, "restored"))
            providers = self._make_providers(self.settings)
            stack.push_async_callback(providers.close)
            dispatcher = self._make_dispatcher(self.settings, store)
            engine = Engine(
                store,
                providers,
                self.settings,
                worker=_worker_name(),
                wake=dispatcher.wake,
            )
            catalog = self._make_catalog(self.settings)
            self._bridge = Bridge(
                self.settings,
                store,
                catalog,
                dispatcher,
                providers.expect,
                policies=_policies(self.settings),
                preflight=_preflight(providers, catalog, self.settings),
            )
            await _warn_where_nobody_may(self._bridge)
            await _open_dispatcher(dispatcher)
            if self._works:
                scheduler = Scheduler(store, catalog, self.settings) if self._schedules else None
                dispatcher.start(engine, scheduler)
            self._dispatcher = dispatcher
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.drain()
        await self._stack.aclose()

    async def drain(self) -> None:
        """Take nothing new and let calls in flight return, for one call lifetime at most.

        Faults that are in effect stay for the next process.
        """
        if self._dispatcher is not None and not self._draining:
            self._draining = True
            await self._dispatcher.drain(self.settings.call_lifetime.total_seconds())

    async def stop_all(self, reason: str) -> None:
        """Ask every open run of the store to stop and undo everything."""
        store = self.bridge.store
        await store.stop_all(_stop(store, reason, "user"))
        for experiment_id in await store.due():
            self.bridge.dispatcher.wake(experiment_id)

    async def stop(self, experiment_id: str, reason: str) -> None:
        """Ask one run to stop and undo everything."""
        store = self.bridge.store
        request = _stop(store, reason, "user")
        await store.append(request.model_copy(update={"experiment": experiment_id}))
        self.bridge.dispatcher.wake(experiment_id)

    async def settled(self, experiment_id: str | None = None) -> None:
        """Wait until a run, or every run of the store, is over, undone, and unmarked."""
        store = self.bridge.store
        # Another process on the store may be what ends a run, so there is nothing to be told by.
        while True:
            if experiment_id is None:
                is_open = await store.next_due() is not None
            else:
                is_open = await store.is_open(experiment_id)
            if not is_open:
                return
            await asyncio.sleep(_LOOK_EVERY)

    def _require_worker(self) -> None:
        if self._works and self.settings.loop_function and self._make_dispatcher is dispatcher_for:
            msg = (
                "FAULTBRIDGE_LOOP_FUNCTION names a function that advances the runs of "
                "FAULTBRIDGE_DATABASE; leave it out here, or start with --api-only"
            )
            raise StartError(msg)

    def _open(self, stack: AsyncExitStack) -> Store:
        settings = self.settings
        require_installation(settings)
        if settings.database:
            return open_store(settings)
        try:
            directory = DataDirectory(settings.data)
        except OSError as error:
            msg = (
                f"the data directory {settings.data} cannot be used ({error.strerror}); "
                "give another with --data or FAULTBRIDGE_DATA"
            )
            raise StartError(msg) from None
        stack.callback(directory.close)
        return open_store(settings)


def require_installation(settings: Settings) -> None:
    """Raise StartError where the installation has no name."""
    if not settings.installation:
        msg = (
            "FAULTBRIDGE_INSTALLATION is not set; name this installation as no other on "
            'the same accounts is named, such as "payments-prod". The name is written on '
            "every resource that a fault touches, so that `faultbridge rescue` finds it"
        )
        raise StartError(msg)


def _preflight(providers: Providers, catalog: Catalog, settings: Settings) -> Preflight:
    async def asked(template: ExperimentTemplate, principal: str) -> Foreseen:
        return await preflight(
            providers,
            catalog,
            template,
            installation=settings.installation,
            on_behalf_of=principal,
        )

    return asked


async def _warn_where_nobody_may(bridge: Bridge) -> None:
    """Say so where callers must prove who they are and none of them may do anything."""
    if not bridge.settings.asks_who_calls:
        return
    stored = await bridge.store.policies(bridge.scope)
    if all(attachment == Attachment() for _, attachment in effective(bridge.policies, stored)):
        _log.warning(
            "no policy is attached to anybody, so nobody may do anything: name a policy file in "
            "FAULTBRIDGE_POLICIES that attaches FaultbridgeAdministrator to somebody"
        )


def _policies(settings: Settings) -> dict[str, StoredPolicy]:
    path = settings.policies
    if path is None:
        return {}
    try:
        return read_policy_file(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        msg = f"FAULTBRIDGE_POLICIES: {path} cannot be read ({reason})"
        raise StartError(msg) from None
    except InvalidDocumentError as error:
        raise StartError(f"FAULTBRIDGE_POLICIES: {path}: {error}") from None


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name; on SQLite the data directory must be there.

    Raises StartError.
    """
    if settings.database:
        return _open_store(settings.database, "FAULTBRIDGE_DATABASE")
    return _open_store(sqlite_url(settings.data), f"the data directory {settings.data}")


def _open_store(url: str, named: str) -> Store:
    # The driver's own words may quote the URL and its password.
    try:
        return Store.open(url)
    except CommandError:
        msg = f"the database of {named} was written by a newer Faultbridge; run that version"
        raise StartError(msg) from None
    except ModuleNotFoundError as error:
        msg = f"the database of {named} needs a driver: pip install 'faultbridge[postgres]'"
        raise StartError(msg) from error
    except SQLAlchemyError as error:
        msg = (
            f"the database of {named} cannot be opened ({type(error).__name__}); check the URL, "
            "the rights, and that it answers"
        )
        raise StartError(msg) from None


async def _open_dispatcher(dispatcher: Dispatching) -> None:
    try:
        await dispatcher.open()
    except Exception as error:  # noqa: BLE001 - its words may quote the URL and its password
        msg = (
            f"the queue of FAULTBRIDGE_DATABASE cannot be opened ({type(error).__name__}); check "
            "that the user of the URL may create tables, and that PostgreSQL is 15 or newer"
        )
        raise StartError(msg) from None


def _stop(store: Store, reason: str, cause: str) -> Request:
    return Request(
        experiment="",  # the store fills in each run's
        kind=RequestKind.STOP,
        at=store.now(),
        details={"reason": reason, "cause": cause},
    )


def _worker_name() -> str:
    """Return a name that no other worker on the store has, telling where to look for it."""
    return f"{socket.gethostname()[:64]}-{os.getpid()}-{secrets.token_hex(4)}"
