"""Schedules: created, listed, shown, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from bridge.api.authorization import Access, Ask, Asking, resources
from bridge.api.authorization.templates import starting
from bridge.api.bridge import Bridge
from bridge.api.native.bodies import described, read_document, token_of
from bridge.api.native.problems import conflict, invalid, not_found
from bridge.api.native.schedule_documents import (
    changed_schedule,
    new_schedule,
    render_schedule,
    render_schedule_detail,
)
from bridge.api.native.templates import accept, stored_template
from bridge.client.schedules import (
    ScheduleChange,
    ScheduleDetail,
    SchedulePage,
    ScheduleRequest,
)
from bridge.engine.slots import changed
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.schedule import Schedule
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import quote
from bridge.store import TokenConflictError

_ATTEMPTS: Final = 5
"""How often a change is tried that meets another, such as a slot that is being started."""


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(default=None, max_length=64)
    limit: int = Field(default=100, ge=1, le=100)


class Schedules:
    """The operations on the schedules of one bridge."""

    def __init__(self, bridge: Bridge) -> None:
        """Work on a bridge."""
        self._bridge = bridge

    def add_to(self, routes: APIRouter) -> None:
        """Add the routes."""
        every, one = "/v1/schedules", "/v1/schedules/{schedule_id}"
        body = described(ScheduleRequest)
        routes.add_api_route(
            every, self.create, methods=["POST"], status_code=201, openapi_extra=body
        )
        routes.add_api_route(every, self.listed, methods=["GET"])
        routes.add_api_route(one, self.show, methods=["GET"])
        body = described(ScheduleChange)
        routes.add_api_route(one, self.change, methods=["PATCH"], openapi_extra=body)
        routes.add_api_route(one, self.delete, methods=["DELETE"])

    async def create(self, request: Request, access: Asking) -> ScheduleDetail:
        """Schedule a document, which is stored as a template, or a stored template."""
        asked = await read_document(request, ScheduleRequest)
        if (asked.template is None) == (asked.template_id is None):
            message = 'give either "template" (a document) or "templateId", not both or none'
            raise invalid([Problem(path="template", message=message)])
        bridge = self._bridge
        token = token_of(asked, asked.client_token, "v1/schedule")
        try:
            earlier = token and await bridge.store.schedule_of_token(bridge.scope, token)
            if earlier:
                await access.require(self._ask("CreateSchedule", earlier.id, asked.tags))
                return await self._detail(earlier.id)
            now = bridge.store.now()
            fresh = new_schedule(asked, scope=bridge.scope, template="", now=now)

            def further(template: ExperimentTemplate) -> list[Ask]:
                own = self._ask("CreateSchedule", fresh.id, asked.tags)
                return [own, *_runs(template, asked.tags)]

            if asked.template is not None:
                template = await accept(
                    bridge, access, asked.template, tags=asked.tags, token=token, further=further
                )
            else:
                wanted = asked.template_id or ""
                template = await stored_template(bridge, access, wanted, asked.tags, further)
            fresh = fresh.model_copy(update={"template_id": template.id})
            return await self._detail((await bridge.store.create_schedule(fresh, token)).id)
        except InvalidDocumentError as error:
            raise invalid(error.problems) from None
        except TokenConflictError as error:
            raise conflict(f"clientToken: {error}") from None

    async def listed(self, page: Annotated[_Page, Query()], access: Asking) -> SchedulePage:
        """List schedules in order of creation."""
        await access.require(Ask("faultbridge:ListSchedules"))
        if page.after is not None:
            await self._find(page.after)
        found = await self._bridge.store.schedules(
            self._bridge.scope, after=page.after, limit=page.limit + 1
        )
        shown = found[: page.limit]
        return SchedulePage(
            schedules=tuple(render_schedule(one) for one in shown),
            next=shown[-1].id if len(found) > page.limit else None,
        )

    async def show(self, schedule_id: str, access: Asking) -> ScheduleDetail:
        """Show a schedule, its next slots, and what became of the latest ones."""
        await access.require(self._ask("GetSchedule", unquote(schedule_id)))
        return await self._detail(unquote(schedule_id))

    async def change(self, schedule_id: str, request: Request, access: Asking) -> ScheduleDetail:
        """Change what is given of a schedule: `paused` pauses it or lets it go on."""
        asked = await read_document(request, ScheduleChange)
        await access.require(self._ask("UpdateSchedule", unquote(schedule_id), asked.tags))
        store = self._bridge.store
        for _ in range(_ATTEMPTS):
            before = await self._find(unquote(schedule_id))
            now = store.now()
            try:
                wanted = changed_schedule(before, asked, now)
            except InvalidDocumentError as error:
                raise invalid(error.problems) from None
            await self._require_runs(access, before, wanted)
            after, slots = changed(before, wanted, now)
            if await store.update_schedule(after, before=before, slots=slots):
                return await self._detail(after.id)
        raise conflict(
            f"schedule {quote(unquote(schedule_id))} is being changed by others; ask again"
        )

    async def delete(self, schedule_id: str, access: Asking) -> ScheduleDetail:
        """Delete a schedule and what it remembers; its runs are left alone."""
        await access.require(self._ask("DeleteSchedule", unquote(schedule_id)))
        found = await self._detail(unquote(schedule_id))
        if await self._bridge.store.delete_schedule(self._bridge.scope, found.id) is None:
            raise _absent(self._bridge, found.id)
        return found

    async def _require_runs(self, access: Access, before: Schedule, wanted: Schedule) -> None:
        """Go on only if whoever changes a schedule may start what it will start."""

        def runs(template: ExperimentTemplate) -> list[Ask]:
            return _runs(template, wanted.tags)

        names = (wanted.template_id, wanted.tags)
        if names != (before.template_id, before.tags):
            await stored_template(self._bridge, access, *names, runs)
            return
        # A template that has gone, or is refused today, must not keep anybody from pausing it.
        template = await self._bridge.store.template(wanted.scope, wanted.template_id)
        if template is not None and not wanted.paused:
            await access.require(*runs(template))

    def _ask(self, action: str, schedule_id: str, tags: Mapping[str, str] | None = None) -> Ask:
        arn = resources.ours(self._bridge.scope, resources.SCHEDULE, schedule_id)
        return Ask(f"faultbridge:{action}", arn, request_tags=tags or {})

    async def _find(self, schedule_id: str) -> Schedule:
        found = None
        if schedule_id.isalnum():  # all ids are; other text may be more than a database takes
            found = await self._bridge.store.schedule(self._bridge.scope, schedule_id)
        if found is None:
            raise _absent(self._bridge, schedule_id)
        return found

    async def _detail(self, schedule_id: str) -> ScheduleDetail:
        # Both at one moment: a slot that is decided in between would contradict the schedule.
        found = None
        if schedule_id.isalnum():
            found = await self._bridge.store.schedule_and_slots(self._bridge.scope, schedule_id)
        if found is None:
            raise _absent(self._bridge, schedule_id)
        return render_schedule_detail(*found)


def _runs(template: ExperimentTemplate, tags: Mapping[str, str]) -> list[Ask]:
    """Return what starting the runs of a schedule asks for; their ids are not known yet."""
    return starting(template, "*", tags)


def _absent(bridge: Bridge, schedule_id: str) -> Exception:
    return not_found(
        f"there is no schedule {quote(schedule_id)} in {bridge.scope}; "
        "`faultbridge schedule list` lists those that there are"
    )
