"""Files of templates and resources: YAML or JSON, bounded, every oddity with line and column."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bridge.model.notation import Finding, Place, Written, read, read_stream
from bridge.model.notation.within import place_within
from bridge.model.notation.written import parent
from bridge.model.problem import Problem
from providers.kubernetes.spec_text import read_text

LARGEST: Final = 1024 * 1024
"""Bytes of the largest file that is read; a bridge takes no larger request."""
STANDARD_INPUT: Final = "-"
_JSON: Final = ".json"


@dataclass
class TemplateFile:
    """One document of a file: what it holds, where its parts stand, what is wrong with them."""

    name: str
    written: Written
    _texts: dict[str, Written] = field(default_factory=dict, repr=False)

    @property
    def document(self) -> Any:
        """The document; it means something where it is not ``broken``."""
        return self.written.value

    @property
    def broken(self) -> bool:
        """Whether the writing is so wrong that the document cannot be judged."""
        return self.written.broken

    @property
    def problems(self) -> list[Finding]:
        """What is wrong with the writing, with places."""
        return self.written.findings

    def place_of(self, path: str) -> Place | None:
        """Return where a JSON path stands, or the nearest part around it that is written.

        A path may lead on into a text that holds JSON or YAML, as a FIS parameter does.
        """
        around = path
        while around and around not in self.written.places:
            around = parent(around)
        if around in self.written.spans:
            return self._within(around, path[len(around) :].removeprefix("."))
        return self.written.places.get(around)

    def line_of(self, problem: Problem, place: Place | None = None) -> str:
        """Return a problem as ``name:line:column: severity: path: message``."""
        at = place or self.place_of(problem.path)
        where = f"{self.name}:{at.line}:{at.column}" if at else self.name
        return f"{where}: {problem.severity.value}: {problem}"

    def _within(self, path: str, rest: str) -> Place | None:
        """Return the place of a path in the text at another, or of what is wrong with it."""
        whole = self.written.places.get(path)
        if path not in self._texts:
            self._texts[path] = read_text(self.written.spans[path].value)
        inner = self._texts[path]
        if inner.broken:
            place = inner.findings[0].place
        else:
            place = inner.place_of(rest) if rest and isinstance(inner.value, dict) else None
        return (place_within(self.written, path, place) if place else None) or whole


def read_template(name: str) -> TemplateFile:
    """Read a file of one document, or standard input for ``-``. Raises OSError."""
    shown, text = _decoded(name)
    if isinstance(text, Written):
        return TemplateFile(shown, text)
    written = read(text, named_json=name.endswith(_JSON))
    if not isinstance(written.value, dict) and not written.broken:
        message = "holds no template; write an object with description, actions, …"
        written.add(Place(1, 1), message)
    return TemplateFile(shown, written)


def read_documents(name: str) -> list[TemplateFile]:
    """Read every document of a file, or of standard input for ``-``. Raises OSError."""
    shown, text = _decoded(name)
    if isinstance(text, Written):
        return [TemplateFile(shown, text)]
    return [TemplateFile(shown, one) for one in read_stream(text, named_json=name.endswith(_JSON))]


def is_resource(document: Any) -> bool:
    """Whether a document is a custom resource, not a template."""
    return isinstance(document, dict) and ("apiVersion" in document or "kind" in document)


def _decoded(name: str) -> tuple[str, str | Written]:
    """Return what a file is called, and its text, or what is wrong with it."""
    if name == STANDARD_INPUT:
        shown, raw = "<stdin>", sys.stdin.buffer.read(LARGEST + 1)
    else:
        with Path(name).open("rb") as stream:
            shown, raw = name, stream.read(LARGEST + 1)
    refused = Written("")
    if len(raw) > LARGEST:
        refused.add(None, f"the file is larger than {LARGEST} bytes; split it")
        return shown, refused
    try:
        return shown, raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
        refused.add(Place(line, 1), message)
        return shown, refused
