"""Each fault that bears a mark says what undoing it means: rescue says so before it acts."""

from __future__ import annotations

import pytest

from providers import registry
from providers.kubernetes.resource import FAULT
from providers.marks import MarkedFault


@pytest.mark.parametrize("name", sorted(registry.FAULTS))
def test_what_undoing_means_is_said_by_those_that_bear_marks(name: str) -> None:
    fault = registry.fault(name)
    marked = isinstance(fault, MarkedFault) or name == FAULT
    assert bool(fault.undoing) is marked
    if marked:
        assert fault.undoing[0].islower(), "it follows a colon"
        assert not fault.undoing.endswith(".")
