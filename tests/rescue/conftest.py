"""An empty cloud for each test."""

from __future__ import annotations

import pytest

from tests.rescue.doubles import Cloud, new_cloud


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return new_cloud(monkeypatch)
