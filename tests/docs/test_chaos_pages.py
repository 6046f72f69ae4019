"""The pages of chaos kinds: each kind has one, its example works, and its mistakes are mistakes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from docs import chaos_pages
from providers.kubernetes.specs import KINDS, SPECS, json_schema
from tests.docs.pages import ROOT

DOCS = ROOT / "docs" / "chaos"
TRAPS = [(kind, trap) for kind in sorted(SPECS) for trap in chaos_pages.traps()[kind]]


def test_every_kind_has_a_page_an_example_and_mistakes() -> None:
    pages = {page.stem for page in DOCS.glob("*.md")} - {"selectors"}
    assert pages == {kind.lower() for kind in SPECS}
    assert chaos_pages.examples().keys() == set(SPECS)
    assert chaos_pages.traps().keys() == set(SPECS)


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_an_example_works(kind: str) -> None:
    example = chaos_pages.examples()[kind]
    assert example["apiVersion"] == KINDS[kind].api_version
    assert chaos_pages.told(kind, example["spec"]) == []
    jsonschema.Draft202012Validator(json_schema(kind)).validate(example)


@pytest.mark.parametrize(("kind", "trap"), TRAPS, ids=[f"{k}: {t['what']}" for k, t in TRAPS])
def test_a_mistake_is_told(kind: str, trap: dict[str, Any]) -> None:
    assert chaos_pages.told(kind, chaos_pages.mistaken(kind, trap))


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_every_field_of_a_kind_is_in_its_page(kind: str) -> None:
    text = (DOCS / f"{kind.lower()}.md").read_text("utf-8")
    for field in json_schema(kind)["properties"]["spec"].get("properties", {}):
        assert f"| `{field}` |" in text


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_every_field_says_what_it_is(kind: str) -> None:
    silent = [row for row in chaos_pages.fields(kind) if not row[4] and "[" not in row[1]]
    assert silent == []
