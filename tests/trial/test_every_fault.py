"""No fault escapes the trial."""

from __future__ import annotations

import pytest

from providers import registry
from providers.contract import Undo
from tests.trial.conftest import CONCERNED
from tests.trial.register import EXEMPT, rigs, untried
from tests.trial.rig import Rig

READS = ("Describe", "Get", "List")


def test_every_fault_has_a_rig() -> None:
    assert untried() == [], (
        "these faults are in providers.registry.FAULTS and nothing tries them: write a Rig for "
        "each, as tests/trial/rig.py says, and list it in RIGS of its cloud's module"
    )


def test_every_rig_has_a_fault() -> None:
    assert rigs().keys() <= registry.FAULTS.keys()


@pytest.mark.parametrize("name", EXEMPT)
def test_the_exempt_touch_nothing(name: str) -> None:
    assert name not in rigs()
    assert EXEMPT[name]
    fault = registry.fault(name)
    assert fault.target is None
    assert fault.effect is None
    for permission in fault.permissions:
        assert permission.name.partition(":")[2].startswith(READS)


@pytest.mark.parametrize("kind", rigs().values(), ids=rigs().keys())
def test_a_rig_is_whole(kind: type[Rig]) -> None:
    assert kind.effects
    assert CONCERNED["undoable"](kind) == bool(kind.undoings)
    fault = registry.fault(kind.fault)
    given = fault.Parameters.model_validate(dict(kind.parameters))
    assert fault.undo(given) is not Undo.LASTING, "give the rig parameters that undo the fault"
    reasons = (kind.no_marks, kind.no_late_failure, kind.no_faulted_state, kind.no_trace)
    assert all(not reason or " " in reason for reason in reasons), "a reason is a sentence"
