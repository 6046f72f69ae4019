"""Each trial runs once for every rig that it concerns, in an empty cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from providers import registry
from providers.contract import Undo
from tests.trial.register import rigs
from tests.trial.rig import Rig, World

Worlds = Callable[[type[World]], World]


def _undo(rig: type[Rig]) -> Undo:
    fault = registry.fault(rig.fault)
    return fault.undo(fault.Parameters.model_validate(dict(rig.parameters)))


CONCERNED: Final[dict[str, Callable[[type[Rig]], bool]]] = {
    "rig": lambda rig: True,
    "undoable": lambda rig: _undo(rig) is not Undo.NONE,
    "irreversible": lambda rig: _undo(rig) is Undo.NONE,
    "marking": lambda rig: not rig.no_marks,
    "contested": lambda rig: not (rig.no_marks or rig.no_foreign_marks),
    "unmarking": lambda rig: bool(rig.no_marks),
    "preventable": lambda rig: not rig.no_faulted_state,
    "late": lambda rig: not rig.no_late_failure,
    "never_late": lambda rig: bool(rig.no_late_failure),
    "telling": lambda rig: not rig.no_trace,
    "untelling": lambda rig: bool(rig.no_trace),
    "once": lambda rig: not rig.no_repeat,
    "vanishing": lambda rig: not rig.no_resource,
    "vanishing_undoable": lambda rig: bool(rig.undoings) and not rig.no_resource_undoing,
}
"""Name of a trial's parameter → which rigs it is run with."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a trial with each rig that the name of its parameter stands for."""
    for name, concerns in CONCERNED.items():
        if name in metafunc.fixturenames:
            chosen = [rig for rig in rigs().values() if concerns(rig)]
            ids = [rig.fault for rig in chosen]
            metafunc.parametrize(name, chosen, ids=ids, indirect=True)


@pytest.fixture(scope="package")
def worlds() -> Iterator[Worlds]:
    """Start a world when it is first needed; stop all when the suite is over."""
    started: dict[type[World], World] = {}
    with ExitStack() as stack:

        def world(kind: type[World]) -> World:
            if kind not in started:
                made = kind()
                stack.enter_context(made.shared())
                started[kind] = made
            return started[kind]

        yield world


async def _fresh(request: Any, worlds: Worlds) -> AsyncIterator[Rig]:
    kind: type[Rig] = request.param
    world = worlds(kind.world)
    async with world.fresh():
        yield kind(world)


def _fixture(name: str) -> Any:
    return pytest.fixture(name=name)(_fresh)


# A fixture for each name, all alike: which rigs it is made with is the name's meaning.
for _name in CONCERNED:
    globals()[_name] = _fixture(_name)
