"""Template files: YAML or JSON, bounded, every oddity reported with its line and column.

YAML is read by its node tree and not by a constructor: what YAML 1.1 would quietly turn into
something else (``yes`` into true, ``012`` into ten, ``1:30`` into ninety, a date into a date) is
reported instead, and nothing in a file can make it grow or run.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from bridge.model.problem import Problem
from bridge.model.wording import child, quote

LARGEST: Final = 1024 * 1024
"""Bytes of the largest file that is read; a bridge takes no larger request."""
DEEPEST: Final = 32
STANDARD_INPUT: Final = "-"

_Loader: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_ESCAPE: Final = re.compile(
    r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE | re.DOTALL
)
"""Any escape of a JSON string; a character in two halves is one that YAML writes in one."""
_LONGEST_NUMBER: Final = 18
_TAG: Final = "tag:yaml.org,2002:"
_OPENING: Final = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING: Final = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


class Place(NamedTuple):
    """Where something stands in a file, counted from 1."""

    line: int
    column: int


@dataclass
class TemplateFile:
    """A file as read: the document, where its parts stand, and what is wrong with the writing."""

    name: str
    document: Any = None
    is_json: bool = False
    problems: list[tuple[Place | None, Problem]] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def place_of(self, path: str) -> Place | None:
        """Return where a JSON path stands, or the nearest part around it that is written."""
        while path:
            if path in self.places:
                return self.places[path]
            path = _parent(path)
        return None

    def line_of(self, problem: Problem, place: Place | None = None) -> str:
        """Return a problem as ``name:line:column: severity: path: message``."""
        at = place or self.place_of(problem.path)
        where = f"{self.name}:{at.line}:{at.column}" if at else self.name
        return f"{where}: {problem.severity.value}: {problem}"


def read_template(name: str) -> TemplateFile:
    """Read a template file, or standard input for ``-``. Raises OSError."""
    if name == STANDARD_INPUT:
        file, raw = TemplateFile("<stdin>"), sys.stdin.buffer.read(LARGEST + 1)
    else:
        with Path(name).open("rb") as stream:
            file, raw = TemplateFile(name), stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        _add(file, None, f"the file is larger than {LARGEST} bytes; split the template")
        return file
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _add(file, Place(line, 1), f"is not UTF-8 (byte {error.start}); save it as UTF-8")
        return file
    _read(file, text)
    return file


def is_resource(document: Any) -> bool:
    """Whether a document is a custom resource, not a template."""
    return isinstance(document, dict) and ("apiVersion" in document or "kind" in document)


def _read(file: TemplateFile, text: str) -> None:
    named_json = file.name.endswith(".json")
    if named_json or text.lstrip().startswith("{"):
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            if named_json:
                _add(file, Place(error.lineno, error.colno), f"is not JSON: {error.msg}")
                return
        except (RecursionError, ValueError):
            pass  # depth and digits are judged below, with their places
        else:
            file.is_json = True
            text = _ESCAPE.sub(_joined, text)
    root = _compose(file, text)
    if root is None:
        return
    file.places[""] = _place(root.start_mark)
    file.document = _value(file, root, "")
    if not isinstance(file.document, dict) and not file.problems:
        _add(file, Place(1, 1), "holds no template; write an object with description, actions, …")


def _compose(file: TemplateFile, text: str) -> yaml.Node | None:
    """Return the node tree, or None with the problems noted.

    The tokens are looked through first: aliases would let the tree refer to itself, and the
    composer recurses as deep as a file is nested.
    """
    depth, aliases = 0, False
    try:
        for token in yaml.scan(text, Loader=_Loader):
            depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
            if depth > DEEPEST:
                message = f"is nested deeper than {DEEPEST} levels; flatten it"
                _add(file, _place(token.start_mark), message)
                return None
            if isinstance(token, yaml.AliasToken):
                aliases = True
                message = f"uses the YAML alias *{token.value}; write the value out"
                _add(file, _place(token.start_mark), message)
        if aliases:
            return None
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(filter(None, (error.problem, error.context)))
        _add(file, _place(mark) if mark else None, f"is not YAML: {words}")
    except (yaml.YAMLError, RecursionError) as error:
        _add(file, None, f"cannot be read: {' '.join(str(error).split())}")
    else:
        if root is None:
            _add(file, None, "is empty; write a template")
        return root
    return None


def _value(file: TemplateFile, node: yaml.Node, path: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(file, node, path)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            where = child(path, index)
            file.places[where] = _place(item.start_mark)
            items.append(_value(file, item, where))
        return items
    try:
        return _scalar(node, is_json=file.is_json)
    except ValueError as error:
        _add(file, _place(node.start_mark), str(error), path)
        return None


def _mapping(file: TemplateFile, node: yaml.MappingNode, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        place = _place(key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            _add(file, place, "a name must be a text; write { name: value }", path)
            continue
        name = str(key.value)
        where = child(path, name)
        if key.tag != f"{_TAG}str":
            _add(
                file, place, f'{quote(name)} is not a text in YAML; write "{name}" in quotes', path
            )
        elif name in found:
            first = file.places[where]
            message = f"stands twice, first in line {first.line}; remove one of them"
            _add(file, place, message, where)
        else:
            file.places[where] = place
            found[name] = _value(file, value, where)
    return found


def _scalar(node: yaml.Node, *, is_json: bool) -> Any:
    text, kind = str(node.value), node.tag.removeprefix(_TAG)
    plain = isinstance(node, yaml.ScalarNode) and node.style is None
    if kind == "str" and plain and _NUMBER.fullmatch(text):
        kind = "float"  # 1e3: text in YAML 1.1, a number in YAML 1.2 and JSON
        if not is_json:
            msg = f"{quote(text)} is a number in some versions of YAML; put it in quotes"
            raise ValueError(msg)
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind in {"int", "float"} and _NUMBER.fullmatch(text):
        return _number(text, whole=kind == "int")
    names = {"bool": "a boolean", "int": "a number", "float": "a number", "timestamp": "a date"}
    meant = names.get(kind, f"a {quote(kind)}")
    msg = f"{quote(text)} is {meant} in YAML, which JSON writes otherwise; put it in quotes"
    raise ValueError(msg)


def _number(text: str, *, whole: bool) -> int | float:
    value = float(text)
    if math.isinf(value) or (whole and len(text) > _LONGEST_NUMBER):
        msg = "is a number too large to be kept; put it in quotes"
        raise ValueError(msg)
    return int(text) if whole else value


def _joined(escape: re.Match[str]) -> str:
    high, low = escape.groups()
    if high is None:
        return escape[0]
    code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    return f"\\U{code:08x}"


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _add(file: TemplateFile, place: Place | None, message: str, path: str = "") -> None:
    file.problems.append((place, Problem(path=path, message=message)))


def _parent(path: str) -> str:
    """Return the path around a path, as `child` builds them."""
    if path.endswith('"]'):
        return path[: path.rindex('["')]
    if path.endswith("]"):
        return path[: path.rindex("[")]
    return path.rpartition(".")[0]
