"""Whatever a template looks like and whatever happens to it, the world ends as it began."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.template import TemplateAction
from tests.engine.world import SCOPE, Bench, Killed, Thing, action, halt, things

NAMES = ("a", "b", "c", "d")


@st.composite
def templates(draw: st.DrawFn) -> dict[str, TemplateAction]:
    """Draw up to six actions, each after some of those before it."""
    made: dict[str, TemplateAction] = {}
    for number in range(draw(st.integers(1, 6))):
        after = tuple(
            draw(st.lists(st.sampled_from(sorted(made)), unique=True, max_size=2)) if made else ()
        )
        kind = draw(st.sampled_from(["halt", "flicker", "pause"]))
        minutes = f"PT{draw(st.integers(1, 9))}M"
        if kind == "halt":
            target = draw(st.sampled_from(NAMES))
            one = halt(after=after, target=target, length=minutes)
            touched = draw(st.sampled_from(("", *NAMES)))
            one = one.model_copy(update={"parameters": {**one.parameters, "touches": touched}})
        elif kind == "flicker":
            # Things of its own: it does not share them with what halts.
            one = action("flicker", after=after, limit=minutes).model_copy(
                update={"targets": {"Things": "spare"}}
            )
            if any(other.action_id == "test:flicker" for other in made.values()):
                one = action("pause", after=after, duration=minutes)
        else:
            one = action("pause", after=after, duration=minutes)
        made[f"act{number}"] = one
    return made


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    actions=templates(),
    settle=st.integers(0, 20),
    stop_after=st.none() | st.integers(0, 900),
    death=st.none() | st.integers(1, 60),
    vanishing=st.none() | st.tuples(st.sampled_from(NAMES), st.integers(0, 600)),
)
def test_the_world_ends_as_it_began(
    actions: dict[str, TemplateAction],
    settle: int,
    stop_after: int | None,
    death: int | None,
    vanishing: tuple[str, int] | None,
) -> None:
    asyncio.run(_live(actions, settle, stop_after, death, vanishing))


async def _live(
    actions: dict[str, TemplateAction],
    settle: int,
    stop_after: int | None,
    death: int | None,
    vanishing: tuple[str, int] | None,
) -> None:
    bench = Bench()
    bench.world.settle = settle * SECOND
    bench.world.things = {name: Thing() for name in (*NAMES, "spare")}
    targets = {name: things(name) for name in (*NAMES, "spare")}
    run = await bench.start(actions, targets)
    left = death

    def hook(_point: str) -> None:
        nonlocal left
        if left is not None:
            left -= 1
            if left == 0:
                raise Killed

    bench.world.hook = hook
    happenings = sorted(
        ([(stop_after, "stop")] if stop_after is not None else [])
        + ([(vanishing[1], "vanish")] if vanishing else [])
    )
    passed = 0
    for at, what in [*happenings, (24 * 3600, "end")]:
        await _drive(bench, at - passed)
        passed = at
        if what == "stop":
            await bench.store.append(
                Request(experiment=run, kind=RequestKind.STOP, at=bench.store.now())
            )
        elif what == "vanish" and vanishing:
            bench.world.things.pop(vanishing[0])
    done = await bench.store.experiment(SCOPE, run)
    assert done is not None
    assert done.status.ended
    assert all(state.status.ended for state in done.actions.values())
    for name, (state, marks) in bench.world.snapshot().items():
        assert (name, state, marks) == (name, "running", frozenset())
    for name in bench.world.things:
        begun, undone = (bench.world.effects[what, name] for what in ("stopped", "running"))
        assert begun == undone
    assert all(record.phase.ended for record in await bench.store.records(run))


async def _drive(bench: Bench, seconds: int) -> None:
    end = Micros(bench.world.now + seconds * SECOND)
    try:
        await bench.drive(seconds=seconds)
    except Killed:
        bench.restart()
        await bench.store.take_over()
        await bench.drive(seconds=max(0.0, (end - bench.world.now) / SECOND))
