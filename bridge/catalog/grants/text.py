"""Grants for people: each document ready to be copied, then why each right is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import yaml

from bridge.catalog.grants.document import Document
from bridge.catalog.needs import Need


def as_text(made: Sequence[Document], left_out: Sequence[Need]) -> str:
    """Return all documents with their reasons, then what was left out and what that loses."""
    lines: list[str] = []
    for document in made:
        lines += [*_document(document), ""]
    if left_out:
        lines.append("Not granted, and what is lost without it:")
        lines += [f"  {line}" for one in left_out for line in reason(one)]
    if not made and not left_out:
        lines.append("Nothing: the template needs no right.")
    return "\n".join(lines).rstrip("\n")


def _document(document: Document) -> Iterator[str]:
    yield f"# {document.title}"
    if document.body is not None:
        yield from written(document).splitlines()
    for command in document.commands:
        yield f"#   {command}"
    for one in document.grants:
        yield from (f"# {line}" for line in reason(one))


def written(document: Document) -> str:
    """Return the body in the form in which its cloud takes it: JSON, or YAML."""
    if document.cloud in ("kubernetes", "gcp"):
        many = document.body if document.kind == "manifest" else [document.body]
        return str(yaml.safe_dump_all(many, sort_keys=False, width=100)).rstrip("\n")
    return json.dumps(document.body, indent=2, ensure_ascii=False)


def reason(one: Need) -> Iterator[str]:
    """Yield a right in words: where, for which part of the template, and why."""
    need = "" if one.required else f", {one.need}"
    yield f"{one.permission} ({one.place}{need}): {', '.join(one.wanted_by)}"
    for note in one.notes:
        yield f"  {note}"
