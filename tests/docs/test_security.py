"""Each proof that the page on security names is a test that there is."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_test_that_is_named_is_there() -> None:
    assert len(NAMED) > 40
    for path, name in NAMED:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in {node.name for node in tree.body if isinstance(node, kinds)}, (path, name)


def test_every_attack_in_the_tables_has_a_proof() -> None:
    section = PAGE.partition("## What holds attacks off")[2].partition("## What is not")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    rows = [
        row for row in rows if not row.startswith(("| ---", "| attack", "| what names", "| where"))
    ]
    assert len(rows) > 25
    assert [row for row in rows if "::test_" not in row] == []


def test_the_place_that_repositories_are_searched_for_leads_there() -> None:
    assert "(docs/security.md)" in (ROOT / "SECURITY.md").read_text("utf-8")
