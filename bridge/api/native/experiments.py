"""Runs: started, listed, shown, followed, stopped; and records released."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from bridge.api.authorization import Access, Ask, Asking, resources
from bridge.api.authorization.templates import starting
from bridge.api.bridge import Bridge
from bridge.api.native.bodies import described, read_document, token_of
from bridge.api.native.problems import conflict, invalid, not_found
from bridge.api.native.rendering import (
    FINDINGS,
    render_detail,
    render_event,
    render_record,
    render_summary,
)
from bridge.api.native.templates import accept, stored_template
from bridge.client.documents import (
    EventPage,
    ExperimentDetail,
    ExperimentPage,
    ExperimentPhase,
    ExperimentRecord,
    ReleaseRequest,
    StartRequest,
    StopRequest,
)
from bridge.engine import new_experiment
from bridge.engine.signals import heard_readings
from bridge.model import inbox
from bridge.model.experiment import Experiment
from bridge.model.identifiers import new_experiment_id
from bridge.model.inbox import RequestKind
from bridge.model.problem import Problem
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import quote
from bridge.store import Reading, TokenConflictError

LONGEST_WAIT: Final = 20.0
"""Seconds that one request for events may wait; proxies and drains bear so much."""
_LOOK_EVERY: Final = 0.1
_FINDINGS: Final = 1000
"""Journal entries of what a run's targets came to and what was refused, at most."""


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    after: str | None = Field(default=None, max_length=64)
    limit: int = Field(default=100, ge=1, le=100)
    template_id: str | None = Field(default=None, alias="templateId", pattern="^[0-9A-Za-z]{1,64}$")
    open: bool = False


class _Patience(BaseModel):
    model_config = ConfigDict(extra="forbid")

    wait: float = Field(default=0.0, ge=0, le=LONGEST_WAIT, allow_inf_nan=False)


class _Place(_Patience):
    after: int = Field(default=0, ge=0, lt=2**63)
    limit: int = Field(default=100, ge=1, le=1000)


class Experiments:
    """The operations on the runs of one bridge."""

    def __init__(self, bridge: Bridge) -> None:
        """Work on a bridge."""
        self._bridge = bridge

    def add_to(self, routes: APIRouter) -> None:
        """Add the routes."""
        one = "/v1/experiments/{experiment_id}"
        routes.add_api_route(
            "/v1/experiments",
            self.start,
            methods=["POST"],
            status_code=201,
            openapi_extra=described(StartRequest),
        )
        routes.add_api_route("/v1/experiments", self.listed, methods=["GET"])
        routes.add_api_route(one, self.show, methods=["GET"])
        routes.add_api_route(one + "/phase", self.phase, methods=["GET"])
        routes.add_api_route(one + "/events", self.events, methods=["GET"])
        routes.add_api_route(
            one + "/stop",
            self.stop,
            methods=["POST"],
            status_code=202,
            openapi_extra=described(StopRequest),
        )
        routes.add_api_route(
            one + "/records/{record_id:path}/release",
            self.release,
            methods=["POST"],
            status_code=202,
            openapi_extra=described(ReleaseRequest),
        )

    async def start(self, request: Request, access: Asking) -> ExperimentDetail:
        """Start a run of a document, which is stored as a template, or of a stored template."""
        asked = await read_document(request, StartRequest)
        if (asked.template is None) == (asked.template_id is None):
            message = 'give either "template" (a document) or "templateId", not both or none'
            raise invalid([Problem(path="template", message=message)])
        bridge = self._bridge
        token = token_of(asked, asked.client_token, "v1/start")
        experiment_id = new_experiment_id()

        def start(template: ExperimentTemplate) -> list[Ask]:
            return starting(template, experiment_id, asked.tags)

        if asked.template is not None:
            template = await accept(
                bridge, access, asked.template, tags=asked.tags, token=token, further=start
            )
        else:
            wanted = asked.template_id or ""
            template = await stored_template(bridge, access, wanted, asked.tags, start)
        fresh = new_experiment(
            template,
            experiment_id=experiment_id,
            now=bridge.store.now(),
            tags=asked.tags,
            actions_mode=asked.actions_mode,
            started_by=access.who,
        )
        try:
            experiment = await bridge.store.start_experiment(fresh, token)
        except TokenConflictError as error:
            raise conflict(f"clientToken: {error}") from None
        bridge.dispatcher.wake(experiment.id)
        if experiment.id == fresh.id:
            # Nothing has become of it yet, so there is nothing to look up.
            return render_detail(experiment, now=bridge.store.now())
        return await self._detail(experiment)

    async def listed(self, page: Annotated[_Page, Query()], access: Asking) -> ExperimentPage:
        """List runs, the newest first."""
        await access.require(Ask("fis:ListExperiments"))
        if page.after is not None and await self._stored(page.after) is None:
            raise self._absent(page.after)
        found = await self._bridge.store.experiments(
            self._bridge.scope,
            template_id=page.template_id,
            only_open=page.open,
            after=page.after,
            limit=page.limit + 1,
        )
        shown = found[: page.limit]
        return ExperimentPage(
            experiments=tuple(render_summary(experiment) for experiment in shown),
            next=shown[-1].id if len(found) > page.limit else None,
        )

    async def show(self, experiment_id: str, access: Asking) -> ExperimentDetail:
        """Show a run: actions, targets, records, stop conditions, and why it failed."""
        return await self._detail(await self._find(access, "fis:GetExperiment", experiment_id))

    async def phase(
        self, experiment_id: str, patience: Annotated[_Patience, Query()], access: Asking
    ) -> ExperimentPhase:
        """Say how far a run has come, in one word; waits for its end as long as it is asked to."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience.wait
        experiment = await self._find(access, "fis:GetExperiment", experiment_id)
        while not experiment.status.ended and loop.time() < until:
            await asyncio.sleep(_LOOK_EVERY)
            experiment = await self._stored(experiment.id) or experiment
        shown = await self._detail(experiment)
        return ExperimentPhase(
            id=shown.id,
            phase="left-behind" if shown.left_behind else shown.status.value,
            ended=shown.status.ended,
            reason=shown.reason,
        )

    async def events(
        self, experiment_id: str, place: Annotated[_Place, Query()], access: Asking
    ) -> EventPage:
        """Read a run's journal past a place; waits for something new as long as it is asked to."""
        loop = asyncio.get_running_loop()
        until = loop.time() + place.wait
        experiment = await self._find(access, "fis:GetExperiment", experiment_id)
        while True:
            found = await self._bridge.store.journal(
                experiment.id, after=place.after, limit=place.limit
            )
            if found or experiment.status.ended or loop.time() >= until:
                break
            await asyncio.sleep(_LOOK_EVERY)
            # The state first: an end that is seen here stands in the journal that is read next.
            experiment = await self._stored(experiment.id) or experiment
        return EventPage(
            events=tuple(render_event(event) for event in found),
            next=found[-1].sequence if found else place.after,
            ended=experiment.status.ended,
        )

    async def stop(self, experiment_id: str, request: Request, access: Asking) -> ExperimentDetail:
        """Ask a run to stop and undo everything; one that has ended is shown as it is."""
        asked = await read_document(request, StopRequest)
        experiment = await self._find(access, "fis:StopExperiment", experiment_id)
        if not experiment.status.ended:
            details = {"reason": asked.reason, "cause": "user", **access.who}
            await self._ask(experiment, RequestKind.STOP, details)
        return await self._detail(experiment)

    async def release(
        self, experiment_id: str, record_id: str, request: Request, access: Asking
    ) -> ExperimentRecord:
        """Give up undoing one record; what is left of the fault is the operator's then."""
        asked = await read_document(request, ReleaseRequest)
        experiment = await self._find(access, "faultbridge:ReleaseRecord", experiment_id)
        wanted = unquote(record_id)
        records = await self._bridge.store.records(experiment.id)
        record = next((record for record in records if record.id == wanted), None)
        if record is None:
            raise not_found(
                f"experiment {experiment.id} has no record {quote(wanted)}; "
                "GET /v1/experiments/{id} lists those that it has"
            )
        if record.phase.ended:
            raise conflict(
                f"record {record.id} has ended already ({record.phase.value}); "
                "there is nothing to release"
            )
        details: dict[str, Any] = {"record": record.id, "reason": asked.reason, **access.who}
        if asked.force:
            details |= {"force": True, "webhooks": asked.remove_webhooks}
        await self._ask(experiment, RequestKind.RELEASE, details)
        return render_record(record)

    async def _ask(
        self, experiment: Experiment, kind: RequestKind, details: dict[str, Any]
    ) -> None:
        store = self._bridge.store
        await store.append(
            inbox.Request(experiment=experiment.id, kind=kind, at=store.now(), details=details)
        )
        self._bridge.dispatcher.wake(experiment.id)

    async def _find(self, access: Access, action: str, segment: str) -> Experiment:
        """Return a run by its id in a path, if the action is allowed on it.

        Whether there is one is told to those only to whom it is.
        """
        experiment_id = unquote(segment)
        found = await self._stored(experiment_id)
        arn = resources.experiment(self._bridge.scope, experiment_id)
        await access.require(Ask(action, arn, tags={} if found is None else found.tags))
        if found is None:
            raise self._absent(experiment_id)
        return found

    async def _stored(self, experiment_id: str) -> Experiment | None:
        if not experiment_id.isalnum():  # all ids are; other text may be more than a database takes
            return None
        return await self._bridge.store.experiment(self._bridge.scope, experiment_id)

    def _absent(self, experiment_id: str) -> Exception:
        return not_found(
            f"there is no experiment {quote(experiment_id)} in {self._bridge.scope}; "
            "`faultbridge experiments` lists those that there are"
        )

    async def _readings(self, scope: Scope, source: str, values: list[str]) -> dict[str, Reading]:
        bridge = self._bridge
        with suppress(KeyError):  # the run may be older than the catalogue
            known = bridge.catalog.stop_source(source)
            if known.pushed:
                memory = bridge.settings.signal_memory
                return await heard_readings(bridge.store, known, values, memory=memory)
        return await bridge.store.readings(scope, source, values)

    async def _detail(self, experiment: Experiment) -> ExperimentDetail:
        store = self._bridge.store
        watched = experiment.template.watched
        readings: dict[str, Reading] = {}
        for source in sorted({condition.source for condition in watched}):
            values = [c.value or "" for c in watched if c.source == source]
            readings |= await self._readings(experiment.scope, source, values)
        return render_detail(
            experiment,
            now=store.now(),
            records=await store.records(experiment.id),
            readings=readings,
            findings=await store.journal(experiment.id, kinds=FINDINGS, limit=_FINDINGS),
        )
