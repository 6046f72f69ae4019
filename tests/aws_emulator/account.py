"""An AWS account for a module of tests: the emulator, and the sandbox's estate in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from bridge.sandbox.aws import AwsEmulator, Estate, build


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    with AwsEmulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def estate(aws: AwsEmulator) -> Estate:
    return build(aws, workers=2)
