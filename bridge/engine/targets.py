"""From a template's targets to resources: resolution and selection, once per run."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.engine.context import words
from bridge.model.experiment import FailureCode, ResolvedTarget
from bridge.model.template import EmptyTargets, SelectionMode
from providers.contract import (
    AccessDeniedError,
    FenceLostError,
    ProviderError,
    Resource,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bridge.engine.providers import Providers
    from bridge.model.template import ExperimentTemplate, TemplateTarget
    from providers.contract import Session


@dataclass(frozen=True)
class TargetFailure:
    """Why a target ends the run before it has begun."""

    target: str
    code: FailureCode
    reason: str
    transient: bool = False


@dataclass(frozen=True)
class TargetResult:
    """What one target came to."""

    name: str
    taken: Sequence[Resource] = ()
    found: int = 0
    """How many there were to take from."""
    among: Sequence[Resource] = ()
    """Those that there were to take from."""
    failure: TargetFailure | None = None


def select(
    experiment: str, name: str, target: TemplateTarget, found: Sequence[Resource]
) -> list[Resource]:
    """Take as many of the found resources as the selection mode says.

    The draw is random over resources but fixed by the run's id, so that a repeat after a
    crash takes the same ones.
    """
    size = target.selection_mode.size(len(found))
    if target.selection_mode.mode is SelectionMode.ALL:
        return list(found)
    draw = random.Random(f"{experiment}/{name}")  # noqa: S311 - a draw of lots, no secret
    taken = set(draw.sample(range(len(found)), size))
    return [resource for index, resource in enumerate(found) if index in taken]


async def resolve_target(
    providers: Providers,
    session: Callable[[str], Awaitable[Session]],
    experiment: str,
    template: ExperimentTemplate,
    name: str,
) -> TargetResult:
    """Resolve one target. Never raises: what went wrong is in the result."""
    target = template.targets[name]
    resolver = providers.resolver(target.resource_type)

    def failed(code: FailureCode, reason: str, *, transient: bool = False) -> TargetResult:
        return TargetResult(name, failure=TargetFailure(name, code, reason, transient))

    try:
        resolution = await resolver.resolve(await session(resolver.provider), target)
    except (TransientError, FenceLostError) as error:
        # A process that slept past its lease has not been refused anything.
        return failed(FailureCode.DEPENDENCY, str(error), transient=True)
    except ProviderError as error:
        denied = isinstance(error, AccessDeniedError)
        code = FailureCode.AUTHORIZATION if denied else FailureCode.DEPENDENCY
        return failed(code, f"Error resolving targets. {error}")
    except Exception as error:  # noqa: BLE001 - a provider's bug fails the run, not the bridge
        return failed(FailureCode.INTERNAL, f"Error resolving targets. {words(error)}")
    if resolution.missing:
        # A target named by its id must exist, whatever the mode for empty targets.
        names = ", ".join(resolution.missing)
        return failed(FailureCode.TARGET, f"Target {name}: not found: {names}")
    taken = select(experiment, name, target, resolution.found)
    if not taken and template.empty_targets is EmptyTargets.FAIL:
        if resolution.found:
            reason = (
                f"Target {name}: {target.selection_mode} of {len(resolution.found)} found "
                "selects less than one resource; raise it or use COUNT(1)"
            )
        else:
            reason = f"Target resolution returned empty set (target {name})"
        return failed(FailureCode.TARGET, reason)
    return TargetResult(name, taken, len(resolution.found), resolution.found)


async def resolve_all(
    providers: Providers,
    session: Callable[[str], Awaitable[Session]],
    experiment: str,
    template: ExperimentTemplate,
) -> list[TargetResult]:
    """Resolve every target of a template, at once."""
    return list(
        await asyncio.gather(
            *(
                resolve_target(providers, session, experiment, template, name)
                for name in template.targets
            )
        )
    )


def as_resolved(
    template: ExperimentTemplate, results: Sequence[TargetResult]
) -> list[ResolvedTarget]:
    """Return the resources as the run keeps them."""
    return [
        ResolvedTarget(
            target=result.name,
            resource_type=template.targets[result.name].resource_type,
            id=resource.id,
            information=dict(resource.information),
        )
        for result in results
        for resource in result.taken
    ]
