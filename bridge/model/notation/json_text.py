"""JSON, read to the letter: every place is kept, and what was probably meant is said."""

from __future__ import annotations

import math
import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined] # not in the stubs
from typing import Any, Final, NoReturn

from bridge.model.notation.written import Place, Span, Written, deeper, twice
from bridge.model.wording import child, quote

LARGEST_NUMBER: Final = 1 << 64
"""Whole numbers are kept up to 64 bits, with or without a sign: no field of any cloud has more."""
_LONGEST_NUMBER: Final = 400
"""Characters; Python takes its time with numbers of thousands of digits."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_NUMBERLIKE: Final = re.compile(r"[-+.]?[0-9][-+.0-9A-Za-z_]*")
_WORD: Final = re.compile(r"[^\s,:{}\[\]\"']{1,64}")
_HALF: Final = re.compile("[\ud800-\udfff]")
_SMART: Final = (
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{DOUBLE LOW-9 QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
_CLOSING: Final = {"{": "}", "[": "]"}
_LITERALS: Final = {"true": True, "false": False, "null": None}


class NotJsonError(Exception):
    """The text is no JSON from here on.

    ``sure`` where nothing else can be meant: what is written here is no YAML either, or YAML
    would read something else than its author sees.
    """

    def __init__(self, place: Place, message: str, *, sure: bool) -> None:
        """Say where, what, and what to write."""
        super().__init__(message)
        self.place = place
        self.sure = sure


def read_json(text: str, *, deepest: int) -> Written:
    """Read one JSON document. Raises NotJsonError."""
    return _Reader(text, deepest).document()


class _Reader:
    def __init__(self, text: str, deepest: int) -> None:
        self._text = text
        self._deepest = deepest
        self._at = 0
        self._opened: list[tuple[str, int]] = []
        self._written = Written(text, is_json=True)

    def document(self) -> Written:
        self._skip()
        self._written.places[""] = self._place(self._at)
        self._written.value = self._value("")
        self._skip()
        if self._at < len(self._text):
            self._odd("more follows after the end of the document; remove it")
        return self._written

    def _value(self, path: str) -> Any:
        start, sign = self._at, self._peek()
        if sign == "{":
            return self._object(path)
        if sign == "[":
            return self._list(path)
        if sign == '"':
            text = self._string()
            self._written.spans[path] = Span(start, self._at, '"', text)
            return text
        number = _NUMBERLIKE.match(self._text, start)
        if number is not None:
            return self._number(number[0], path)
        word = _WORD.match(self._text, start)
        if word is not None and word[0] in _LITERALS:
            self._at = word.end()
            return _LITERALS[word[0]]
        if sign in _CLOSING.values() or sign == ",":
            self._refuse("a value is missing here; write one, or null")
        return self._odd("this is no value; put a text in double quotes", sure=word is None)

    def _object(self, path: str) -> dict[str, Any]:
        self._open()
        found: dict[str, Any] = {}
        first: dict[str, Place] = {}
        self._skip()
        while self._peek() != "}":
            if self._peek() != '"':
                lost = self._peek() in {",", ":", "]"}
                self._odd("a name is missing here; write it in double quotes", sure=lost)
            start = self._at
            name = self._string()
            place = self._place(start)
            self._skip()
            if self._peek() != ":":
                self._odd(f"a colon is missing after the name {quote(name)}; write it")
            self._at += 1
            self._skip()
            where = child(path, name)
            if name in found:
                self._written.add(place, twice(first[name]), where)
                self._value(where)
            else:
                first[name] = self._written.places[where] = place
                found[name] = self._value(where)
            self._separate()
        self._close()
        return found

    def _list(self, path: str) -> list[Any]:
        self._open()
        found: list[Any] = []
        self._skip()
        while self._peek() != "]":
            where = child(path, len(found))
            self._written.places[where] = self._place(self._at)
            found.append(self._value(where))
            self._separate()
        self._close()
        return found

    def _separate(self) -> None:
        """Pass the comma between two members; what closes stays."""
        self._skip()
        opener = self._opened[-1][0]
        sign = self._peek()
        if sign == ",":
            comma = self._at
            self._at += 1
            self._skip()
            if self._peek() == _CLOSING[opener]:
                self._refuse("the comma before the end is one too many; remove it", comma)
        elif sign in _CLOSING.values() and sign != _CLOSING[opener]:
            place = self._place(self._opened[-1][1])
            self._refuse(
                f"{sign} closes the {opener} of line {place.line}, column {place.column}; "
                f"write {_CLOSING[opener]}"
            )
        elif sign == ";":
            self._refuse("a semicolon parts nothing; write a comma")
        elif sign != _CLOSING[opener]:
            self._odd("a comma is missing before this; write it", sure=sign in ('"', "{", "["))

    def _open(self) -> None:
        self._opened.append((self._peek(), self._at))
        if len(self._opened) > self._deepest:
            self._refuse(deeper(self._deepest))
        self._at += 1

    def _close(self) -> None:
        self._opened.pop()
        self._at += 1

    def _string(self) -> str:
        start = self._at
        try:
            text, self._at = scanstring(self._text, start + 1, True)
        except JSONDecodeError as error:
            self._refuse_string(start, error)
        if "\\" in self._text[start : self._at] and _HALF.search(text):
            message = "half of a character (\\ud800 to \\udfff) stands alone; write it in full"
            self._written.add(self._place(start), message)
        return str(text)

    def _refuse_string(self, start: int, error: JSONDecodeError) -> NoReturn:
        begun = self._place(start)
        if error.pos >= len(self._text) or error.pos == start:
            self._refuse('the text that begins here is not closed; write " at its end', start)
        sign = self._text[error.pos]
        if sign in "\r\n":
            self._refuse(
                f"the text that begins in column {begun.column} is not closed in its line; "
                'write " at its end, or \\n for a line break',
                error.pos,
            )
        if sign == "\t":
            self._refuse("a tab within a text; write \\t", error.pos)
        if sign < " ":
            self._refuse(f"a control character within a text; write \\u{ord(sign):04x}", error.pos)
        escape = self._text[error.pos : error.pos + 2]
        if escape == "\\'":
            self._refuse("' needs no backslash; write ' alone", error.pos)
        self._refuse(f"{quote(escape)} is no escape of JSON; write \\\\ for a backslash", error.pos)

    def _number(self, text: str, path: str) -> int | float | None:
        match = _NUMBER.fullmatch(text)
        if match is None:
            if not any(sign.isalpha() for sign in text) or text[:2].lower() == "0x":
                self._refuse(f"{quote(text)} is no number of JSON; write digits, as in 0.5 or 10")
            self._odd(f"{quote(text)} is no value; put a text in double quotes", sure=False)
        start = self._at
        self._at += len(text)
        try:
            return number_of(text, whole=match[1] is None and match[2] is None)
        except ValueError as error:
            self._written.add(self._place(start), str(error), path)
            return None

    def _odd(self, message: str, *, sure: bool = True) -> NoReturn:
        """Refuse what stands here: as what it looks like, else with this message."""
        rest = self._text[self._at : self._at + 4]
        if not rest:
            if not self._opened:
                self._refuse("is empty; write a value", sure=True)
            sign, offset = self._opened[-1]
            place = self._place(offset)
            self._refuse(
                f"the text ends, and the {sign} of line {place.line}, column {place.column} is "
                f"not closed; write {_CLOSING[sign]}"
            )
        if rest[0] in _SMART:
            self._refuse('a typographic quote; write " in its place')
        if rest.startswith(("//", "/*")):
            self._refuse("JSON has no comments; remove it, or write YAML with #")
        if rest.startswith('\\"'):
            self._refuse('\\" is escaped once too often; write " in its place')
        if rest.startswith("---"):
            sure = False
        if rest[0] in "'#":
            self._refuse(
                "a text is in single quotes; write double ones"
                if rest[0] == "'"
                else "JSON has no comments; remove it",
                sure=False,
            )
        self._refuse(message, sure=sure)

    def _refuse(self, message: str, at: int | None = None, *, sure: bool = True) -> NoReturn:
        raise NotJsonError(self._place(self._at if at is None else at), message, sure=sure)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        if space is not None:
            self._at = space.end()

    def _place(self, offset: int) -> Place:
        return self._written.lines.place(offset)


def number_of(text: str, *, whole: bool) -> int | float:
    """Return a number of JSON. Raises ValueError where it would not be kept as written."""
    if len(text) <= _LONGEST_NUMBER:
        if not whole and math.isfinite(number := float(text)):
            return number
        if whole and abs(integer := int(text)) < LARGEST_NUMBER:
            return integer
    msg = "is a number too large to be kept; write a smaller one, or put it in quotes"
    raise ValueError(msg)
