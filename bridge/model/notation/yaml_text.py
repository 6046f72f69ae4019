"""YAML, read by its node tree and not by a constructor.

What YAML 1.1 would quietly turn into something else (``yes`` into true, ``012`` into ten, ``1:30``
into ninety, a date into a date) is refused by name, so is what is text only because YAML does not
know better (``None``), and nothing in a text can make it grow or run.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.reader import Reader, ReaderError

from bridge.model.notation.json_text import number_of
from bridge.model.notation.written import Place, Span, Written, deeper, twice
from bridge.model.problem import Severity
from bridge.model.wording import child, quote

_Loader: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_TAG: Final = "tag:yaml.org,2002:"
_STRANGE: Final = Reader.NON_PRINTABLE
_OPENING: Final = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING: Final = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_NEAR: Final = 100
_ESCAPE: Final = re.compile(r"\\[nrtux\"'\\]")
_COMMENT: Final = re.compile(r"(?:^|[\s,{\[])/[/*]")
_NOTHING: Final = frozenset({"None", "undefined"})
_NO_NUMBER: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_LOOKS: Final = (
    ("//", "looks like a comment, which begins with # in YAML; mend it, or put it in quotes"),
    ("/*", "looks like a comment, which begins with # in YAML; mend it, or put it in quotes"),
    ('\\"', 'has its quotes escaped once too often; write " in place of \\"'),
    *(
        (sign, "begins with a typographic quote; write \" or ' in its place")
        for sign in "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
        "\N{DOUBLE LOW-9 QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}"
        "\N{RIGHT SINGLE QUOTATION MARK}"
    ),
)
"""What a plain text may begin with though its author meant something else."""
_KINDS: Final = {
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "timestamp": "a date",
}
_COLLECTIONS: Final = frozenset({f"{_TAG}map", f"{_TAG}seq"})


def read_yaml(text: str, *, deepest: int) -> list[Written]:
    """Read every document of a text. What cannot be read is one document with a finding."""
    broken = Written(text)
    if strange := _STRANGE.search(text):
        message = f"has the character U+{ord(strange[0]):04X}, which YAML does not allow"
        broken.add(broken.lines.place(strange.start()), f"{message}; remove it")
        return [broken]
    try:
        if not _fit(broken, deepest):
            return [broken]
        roots = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(filter(None, (error.problem, error.context)))
        near = text[max(0, mark.index - _NEAR) : mark.index] if mark else ""
        if "\\'" in near:
            words += "; in single quotes ' is written '', or write the text in double quotes"
        elif _COMMENT.search(near):
            words += "; a comment begins with #, not with // or /*"
        broken.add(_place(mark) if mark else None, f"is not YAML: {words}")
    except (ReaderError, yaml.YAMLError, RecursionError) as error:
        broken.add(None, f"cannot be read: {' '.join(str(error).split())[:200]}")
    else:
        return [_Tree(text, root).written for root in roots]
    return [broken]


def _fit(written: Written, deepest: int) -> bool:
    """Look through the tokens first.

    Aliases would let the tree refer to itself, and the composer recurses as deep as a text is
    nested.
    """
    depth = 0
    for token in yaml.scan(written.text, Loader=_Loader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > deepest:
            written.add(_place(token.start_mark), deeper(deepest))
            return False
        if isinstance(token, yaml.AliasToken):
            message = f"uses the YAML alias {quote('*' + token.value)}; write the value out"
            written.add(_place(token.start_mark), message)
            if written.full:
                return False
    return not written.findings


class _Tree:
    """One document, from its nodes."""

    def __init__(self, text: str, root: yaml.Node) -> None:
        self.written = Written(text)
        self.written.places[""] = _place(root.start_mark)
        # In braces it may be meant as the object of a programming language.
        self._braces = bool(getattr(root, "flow_style", False))
        self.written.value = self._value(root, "")

    def _value(self, node: yaml.Node, path: str) -> Any:
        written = self.written
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
            message = f"has the YAML tag {quote(node.tag)}, which JSON does not have; remove it"
            written.add(_place(node.start_mark), message, path)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                where = child(path, index)
                written.places[where] = _place(item.start_mark)
                items.append(self._value(item, where))
            return items
        try:
            value = _scalar(node)
        except ValueError as error:
            written.add(_place(node.start_mark), str(error), path)
            return None
        if isinstance(value, str) and isinstance(node, yaml.ScalarNode):
            span = Span(node.start_mark.index, node.end_mark.index, node.style or "", value)
            written.spans[path] = span
            if self._braces and span.style == "'" and _ESCAPE.search(value):
                message = "has a backslash, which stands for itself in single quotes; write it in"
                place = _place(node.start_mark)
                written.add(place, f"{message} double quotes", path, Severity.WARNING)
        return value

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        written = self.written
        found: dict[str, Any] = {}
        first: dict[str, Place] = {}
        for key, value in node.value:
            place = _place(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                written.add(place, "a name must be a text; write { name: value }", path)
                continue
            name = str(key.value)
            where = child(path, name)
            if key.tag != f"{_TAG}str":
                message = f'{quote(name)} is not a text in YAML; write "{name[:64]}" in quotes'
                written.add(place, message, path)
            elif looks := _looks(key):
                written.add(place, looks, path)
            elif name in found:
                written.add(place, twice(first[name]), where)
            else:
                first[name] = written.places[where] = place
                found[name] = self._value(value, where)
                if node.flow_style and _nothing(value):
                    message = f"the name {quote(name)} has no value; write one after a colon"
                    written.add(place, f"{message}, or null", where)
        return found


def _nothing(node: yaml.Node) -> bool:
    """Whether nothing at all is written: in braces that is a colon or a value forgotten."""
    return isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style


def is_doubtful(text: str) -> bool:
    """Whether a text must be in quotes, so that every reader takes it for a text."""
    try:
        _refuse_doubtful(text)
    except ValueError:
        return True
    return any(text.startswith(start) for start, _ in _LOOKS)


def _looks(node: yaml.ScalarNode) -> str:
    """Return what is wrong with a plain text that begins as something else would."""
    if node.style:
        return ""
    text = str(node.value)
    for start, words in _LOOKS:
        if text.startswith(start):
            return f"{quote(text)} {words}"
    return ""


def _scalar(node: yaml.Node) -> Any:
    text, kind = str(node.value), node.tag.removeprefix(_TAG)
    if kind == "str":
        if isinstance(node, yaml.ScalarNode) and not node.style:
            _refuse_doubtful(text)
            if looks := _looks(node):
                raise ValueError(looks)
        return text
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind in {"int", "float"} and _NUMBER.fullmatch(text):
        return number_of(text, whole=kind == "int")
    meant = _KINDS.get(kind, f"a {quote(kind)}")
    msg = f"{quote(text)} is {meant} in YAML, which JSON writes otherwise; put it in quotes"
    raise ValueError(msg)


def _refuse_doubtful(text: str) -> None:
    """Raise ValueError for a plain text that others than YAML 1.1 read as something else."""
    if _NUMBER.fullmatch(text):  # 1e3: text in YAML 1.1, a number in YAML 1.2 and JSON
        msg = f"{quote(text)} is a number in some versions of YAML; put it in quotes"
        raise ValueError(msg)
    if text in _NOTHING:
        msg = f"{quote(text)} is a text in YAML; write null for nothing, or put it in quotes"
        raise ValueError(msg)
    if text in _NO_NUMBER:
        msg = f"{quote(text)} is no number of JSON; write a number, or put it in quotes"
        raise ValueError(msg)


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)
