"""Before a run: whether its identities may do what it needs, and whether what it needs is there.

The same questions are asked at the beginning of every run; here they are asked without one, and
about everything that is declared: what nobody can answer is said to be so. Nothing is changed
anywhere. Only the stop conditions are read as the bridge itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bridge.catalog.cloud_chaos import lowered
from bridge.catalog.needs import Who, needs_of
from bridge.engine.context import words
from bridge.engine.findings import STOP_CONDITIONS, Asked, Finding, findings, known
from bridge.engine.targets import resolve_all
from bridge.model.experiment import FailureCode
from providers.checks import Check, Verdict, collected
from providers.contract import (
    AccessDeniedError,
    Caller,
    RightAsked,
    StopState,
)

if TYPE_CHECKING:
    from bridge.catalog import Catalog
    from bridge.engine.providers import Providers
    from bridge.engine.targets import TargetResult
    from bridge.model.template import ExperimentTemplate
    from providers.contract import Group, Session

SESSION: Final = "preflight"
"""What the cloud's audit log shows as the name of a preflight's session."""


@dataclass(frozen=True)
class Foreseen:
    """What a run would find if it began now."""

    findings: list[Finding]
    """What is known of each right, and of what must be there."""
    template: ExperimentTemplate
    """As the engine would run it."""
    targets: Mapping[str, TargetResult]
    groups: Mapping[str, Sequence[Group]]
    """What actions reach beyond their targets, by action; without an entry nobody could tell."""
    conditions: Mapping[tuple[str, str], StopState]
    """Stop conditions by source and value; without an entry one was not, or cannot be, read."""


async def preflight(
    providers: Providers,
    catalog: Catalog,
    template: ExperimentTemplate,
    *,
    installation: str,
    on_behalf_of: str = "",
) -> Foreseen:
    """Ask everything that can be asked about a template without errors, expanded before.

    Never raises ProviderError. Raises KeyError and InvalidDocumentError for a template that the
    catalogue refuses.
    """
    return await _Preflight(providers, catalog, template, installation, on_behalf_of).foreseen()


class _Preflight:
    def __init__(
        self,
        providers: Providers,
        catalog: Catalog,
        template: ExperimentTemplate,
        installation: str,
        on_behalf_of: str,
    ) -> None:
        self._providers = providers
        self._catalog = catalog
        self._template = lowered(template)
        self._needs = needs_of(
            template, catalog, providers.acting(template.scope, template.identity)
        )
        self._caller = Caller(
            template.scope, template.identity, SESSION, installation, on_behalf_of
        )
        self._sessions: dict[str, Session] = {}
        self._asked: dict[str, Asked] = {}
        """By path in the template."""
        self._groups: dict[str, Sequence[Group]] = {}
        self._states: dict[tuple[str, str], StopState] = {}

    async def foreseen(self) -> Foreseen:
        results, _ = await asyncio.gather(
            resolve_all(self._providers, self._session, SESSION, self._template),
            self._stop_conditions(),
        )
        for result in results:
            self._asked[f"targets.{result.name}"] = _of_target(result)
        taken = {result.name: result for result in results}
        await asyncio.gather(*(self._action(name, taken) for name in self._template.actions))
        await asyncio.gather(*(self._reach(name, taken) for name in self._template.actions))
        await self._foretell()
        found = findings(self._template, self._needs, self._asked)
        return Foreseen(found, self._template, taken, self._groups, self._states)

    async def _session(self, provider: str) -> Session:
        if provider not in self._sessions:
            self._sessions[provider] = await self._providers.session(provider, self._caller)
        return self._sessions[provider]

    async def _action(self, name: str, results: dict[str, TargetResult]) -> None:
        action = self._template.actions[name]
        asked = self._asked.setdefault(f"actions.{name}", Asked())
        fault = self._providers.fault(action.action_id)
        targets = [results[target] for target in action.targets.values()]
        taken = [resource for target in targets for resource in target.taken]
        if targets and not taken:
            asked.silent = "its targets were not found, so nothing could be asked of them"
            return
        with collected() as asked.checks:
            try:
                session = await self._session(fault.provider)
                parameters = self._catalog.parameters_of(action)
                denials = await fault.review(session, parameters, taken)
            except AccessDeniedError as error:
                asked.denied = str(error)
                return
            except Exception as error:  # noqa: BLE001 - a provider's bug is a finding
                asked.failed = words(error)
                return
        told = {check.reason for check in asked.checks}
        for denial in denials:
            if denial.reason not in told:
                asked.checks.append(
                    Check(
                        "a rehearsal of the action",
                        Verdict.MISSING,
                        fault.provider,
                        taken[0].id if taken and fault.provider == "kubernetes" else "",
                        reason=denial.reason,
                        mend=denial.mend,
                    )
                )

    async def _reach(self, name: str, results: dict[str, TargetResult]) -> None:
        """Note what an action reaches. A run asks it for guardrails only: nothing fails by it."""
        action = self._template.actions[name]
        if self._asked[f"actions.{name}"].silence:
            return
        fault = self._providers.fault(action.action_id)
        taken = [one for target in action.targets.values() for one in results[target].taken]
        with collected(), suppress(Exception):
            session = await self._session(fault.provider)
            parameters = self._catalog.parameters_of(action)
            self._groups[name] = await fault.reached(session, parameters, taken)

    async def _stop_conditions(self) -> None:
        asked = self._asked.setdefault(STOP_CONDITIONS, Asked())
        scope, reader = self._template.scope, replace(self._caller, identity=None, name="reader")
        for name in sorted({one.source for one in self._template.watched}):
            source = self._providers.stop_source(name)
            if source.pushed:
                continue
            values = [one.value or "" for one in self._template.watched if one.source == name]
            try:
                session = await self._providers.session(source.provider, reader)
                states = await source.read(session, values)
            except AccessDeniedError as error:
                asked.denied = str(error)
            except Exception as error:  # noqa: BLE001 - as above
                asked.failed = words(error)
            else:
                self._states |= {(name, value): states[value] for value in states}
                gone = [
                    value for value in values if states.get(value) in (None, StopState.UNREADABLE)
                ]
                asked.checks += [
                    Check(
                        f"stop condition {value}",
                        Verdict.MISSING,
                        scope.cloud,
                        scope.account,
                        reason=f"Stop condition {value} does not exist or cannot be read.",
                    )
                    for value in gone
                ]

    async def _foretell(self) -> None:
        """Let clouds foretell what no review has asked for."""
        open_needs = defaultdict(list)
        for need in self._needs:
            if (
                need.who is Who.EXPERIMENT
                and known(need, self._needs, self._asked)[0] is Verdict.UNCHECKED
            ):
                open_needs[need.place.cloud].append(need)
        for cloud, needs in open_needs.items():
            if cloud not in self._sessions:
                continue
            asked = self._asked.setdefault(f"foretold.{cloud}", Asked())
            rights = [
                RightAsked(
                    one.permission,
                    one.resources,
                    one.conditions,
                    one.place.account,
                    one.place.namespace,
                )
                for one in needs
            ]
            with collected() as asked.checks:
                await self._providers.provider(cloud).foretell(self._sessions[cloud], rights)


def _of_target(result: TargetResult) -> Asked:
    failure = result.failure
    if failure is None:
        return Asked()
    if failure.code is FailureCode.AUTHORIZATION:
        return Asked(denied=failure.reason)
    return Asked(failed=failure.reason)
