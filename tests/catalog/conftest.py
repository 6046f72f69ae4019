"""A catalogue of doubles, and a template that it has nothing against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.catalog import Catalog
from bridge.dialects.fis import parse_template
from bridge.model.moment import Micros
from bridge.model.problem import Problem, Severity
from bridge.model.scope import Scope
from bridge.settings import Settings
from tests.catalog.doubles import FAULTS, RESOLVERS, STOP_SOURCES

ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
INSTANCE = "arn:aws:ec2:us-east-1:123456789012:instance/i-0a1b2c3d4e5f60718"
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:latency"

Judge = Callable[..., list[Problem]]


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(Settings(), faults=FAULTS, resolvers=RESOLVERS, stop_sources=STOP_SOURCES)


@pytest.fixture
def judge(catalog: Catalog) -> Judge:
    """Return what the catalogue says of a template made of the given parts."""

    def problems(**parts: Any) -> list[Problem]:
        document = {
            "description": "a test",
            "roleArn": ROLE,
            "stopConditions": [{"source": "aws:cloudwatch:alarm", "value": ALARM}],
            "actions": {"rest": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}}},
        } | parts
        scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
        parsed = parse_template(document, template_id="EXT1", scope=scope, now=Micros(0))
        assert parsed.problems == []
        assert parsed.template is not None
        return catalog.validate(parsed.template)

    return problems


@pytest.fixture
def errors(judge: Judge) -> Callable[..., dict[str, str]]:
    """Return path → message of the errors alone."""

    def of(**parts: Any) -> dict[str, str]:
        return {p.path: p.message for p in judge(**parts) if p.severity is Severity.ERROR}

    return of


@pytest.fixture
def warnings(judge: Judge) -> Callable[..., dict[str, str]]:
    """Return path → message of the warnings alone."""

    def of(**parts: Any) -> dict[str, str]:
        return {p.path: p.message for p in judge(**parts) if p.severity is Severity.WARNING}

    return of
