"""What a seed makes up: templates, and what happens to the world while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from bridge.model.moment import SECOND
from bridge.model.template import TemplateAction, TemplateTarget
from providers.contract import StopState
from tests.engine.world import World, action, halt, things

ALARM: Final = "alarm"
_A_WHILE: Final = 900


@dataclass(frozen=True)
class Happening:
    """Something that happens to the world at a time after the start."""

    seconds: int
    words: str
    happen: Callable[[], object]


def template(
    draw: Random, names: list[str], spare: str
) -> tuple[dict[str, TemplateAction], dict[str, TemplateTarget]]:
    """Return up to five actions, each after some of those before it, and their targets."""
    targets: dict[str, TemplateTarget] = {spare: things(spare)}
    actions: dict[str, TemplateAction] = {}
    flickering = False
    for index in range(draw.randint(1, 5)):
        after = tuple(draw.sample(sorted(actions), min(len(actions), draw.randint(0, 2))))
        kind = draw.choice(("halt", "halt", "halt", "stay", "pause", "flicker", "blink"))
        minutes = f"PT{draw.randint(1, 9)}M"
        target = f"target{index}"
        targets[target] = things(*draw.sample(names, draw.randint(1, 2)))
        if kind in {"halt", "stay"}:
            touched = draw.choice(("", "", *names))
            length = minutes if kind == "halt" else None
            one = halt(after=after, target=target, length=length, touches=touched)
        elif kind == "flicker" and not flickering:
            # Things of its own: it does not share them with what halts.
            flickering, target = True, spare
            one = action("flicker", after=after, limit=minutes)
        elif kind == "blink":
            one = action("blink", after=after)
        else:
            one = action("pause", after=after, duration=minutes)
        if one.targets:
            one = one.model_copy(update={"targets": {"Things": target}})
        actions[f"act{index}"] = one
    used = {name for one in actions.values() for name in one.targets.values()}
    return actions, {name: target for name, target in targets.items() if name in used}


def happenings(  # noqa: C901 - one condition for each thing that may happen
    draw: Random, world: World, names: list[str]
) -> Iterator[Happening]:
    """Return what happens to the cloud and the database meanwhile."""

    def change(words: str, **values: object) -> Happening:
        def happen() -> None:
            for name, value in values.items():
                setattr(world, name, value)

        return Happening(draw.randint(0, _A_WHILE), words, happen)

    def later(words: str, name: str, seconds: int) -> Happening:
        def happen() -> None:
            setattr(world, name, world.now + seconds * SECOND)

        return Happening(draw.randint(0, _A_WHILE), f"{words} for {seconds} s", happen)

    def period(words: str, name: str, during: object, after: object) -> Iterator[Happening]:
        begins = change(words, **{name: during})
        yield begins
        ends = begins.seconds + draw.choice((10, 60, 400))
        yield Happening(ends, f"{words}: over", lambda: setattr(world, name, after))

    if draw.random() < 0.3:
        alarms = {ALARM: StopState.TRIGGERED}
        yield Happening(draw.randint(0, _A_WHILE), ALARM, lambda: world.alarms.update(alarms))
    if draw.random() < 0.2:
        gone = draw.choice(names)
        yield Happening(
            draw.randint(0, _A_WHILE), f"{gone} vanishes", lambda: world.things.pop(gone, None)
        )
    if draw.random() < 0.3:
        yield from period("the cloud refuses to inject", "refuse_calls", True, False)
    if draw.random() < 0.3:
        yield from period("the cloud refuses to undo", "broken", "throttled", "")
    if draw.random() < 0.3:
        yield change("replies get lost", lose_replies=draw.randint(1, 3))
    if draw.random() < 0.2:
        yield later("nothing can be looked at", "blind_until", draw.choice((20, 100)))
    if draw.random() < 0.2:
        yield later("the database is away", "database_back", draw.choice((5, 45, 300)))
