"""Which notation a text is in, and the text read in it."""

from __future__ import annotations

from typing import Final

from bridge.model.notation.json_text import NotJsonError, read_json
from bridge.model.notation.written import Lines, Place, Written
from bridge.model.notation.yaml_text import read_yaml
from bridge.model.problem import Severity

DEEPEST: Final = 32
"""Levels of nesting; a Workflow with embedded containers has about twelve."""

_BYTE_ORDER_MARK: Final = "\ufeff"


def read(text: str, *, named_json: bool = False, deepest: int = DEEPEST) -> Written:
    """Read a text that is one document; ``named_json`` where it can be nothing but JSON.

    Never raises: what is wrong is a finding. The value is None where there is none.
    """
    documents = read_stream(text, named_json=named_json, deepest=deepest)
    first = documents[0]
    if len(documents) > 1:
        place = documents[1].places.get("")
        first.add(place, f"a second document begins here, of {len(documents)}; leave one")
    return first


def read_stream(text: str, *, named_json: bool = False, deepest: int = DEEPEST) -> list[Written]:
    """Read every document of a text, at least one; in YAML a line ``---`` parts them."""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    empty = Written(text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = "half of a character stands alone here; write it in full"
        empty.add(Lines(text).place(error.start), message)
        return [empty]
    if named_json or text.lstrip()[:1] in {"{", "[", '"'}:
        found = _json_first(text, named_json=named_json, deepest=deepest)
    else:
        found = read_yaml(text, deepest=deepest)
    # A file may begin or end with the line that parts documents.
    found = [one for one in found if one.value is not None or one.findings]
    if not found:
        empty.add(None, "is empty; write a document")
        return [empty]
    return [_unwrapped(one, deepest) for one in found]


def _json_first(text: str, *, named_json: bool, deepest: int) -> list[Written]:
    try:
        return [read_json(text, deepest=deepest)]
    except NotJsonError as error:
        refused = Written(text)
        message = str(error)
        begins = "" if message.startswith(("is nested", "is empty")) else "is not JSON: "
        refused.add(error.place, begins + message)
        if named_json or error.sure:
            return [refused]
    return read_yaml(text, deepest=deepest)


def _unwrapped(written: Written, deepest: int) -> Written:
    """Look into a document that is one text in quotes: JSON that was escaped once too often."""
    inner = written.value
    if not isinstance(inner, str) or not inner.lstrip().startswith(("{", "[")):
        return written
    try:
        found = read_json(inner, deepest=deepest)
    except NotJsonError as error:
        message = f"is JSON written as a text, and within it is not JSON: {error}"
        written.add(written.places.get(""), message)
        return written
    place = written.places.get("") or Place(1, 1)
    within = found.findings
    # Places of the inner text mean nothing in this one.
    written.value, written.is_json, written.spans = found.value, False, {}
    written.places = {"": place}
    for one in within:
        written.add(place, one.problem.message, one.problem.path, one.problem.severity)
    message = 'is JSON written as a text; write the object itself, without the outer " and \\'
    written.add(place, message, severity=Severity.WARNING)
    return written
