"""Label selectors (`a=b,c!=d,e in (f,g),!h`), read token by token as the API server reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bridge.sandbox.kubernetes import status

Test: TypeAlias = Callable[[Mapping[str, str]], bool]

_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")
_SYMBOLS = frozenset({"==", "!=", "=", "!", "<", ">", "(", ")", ",", ""})
_OPERATORS = ("in", "notin", "=", "==", "!=", "gt", "lt")
_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")
_KEY = re.compile(r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")


class _WrongError(ValueError):
    """A requirement that cannot be read; the message is the API server's."""


class _Tokens:
    """The tokens of a selector; "" is its end."""

    def __init__(self, text: str) -> None:
        self._left = [token for token in _TOKEN.findall(text) if token]

    def next(self) -> str:
        return self._left[0] if self._left else ""

    def take(self) -> str:
        return self._left.pop(0) if self._left else ""


def label_selector(text: str) -> Callable[[dict[str, Any]], bool]:
    """Read a label selector. Raises ApiError (400) if malformed."""
    try:
        tests = _requirements(_Tokens(text))
    except _WrongError as error:
        raise status.bad_request(str(error)) from error

    def match(obj: dict[str, Any]) -> bool:
        labels = obj.get("metadata", {}).get("labels") or {}
        return all(test(labels) for test in tests)

    return match


def _requirements(tokens: _Tokens) -> list[Test]:
    tests: list[Test] = []
    while True:
        token = tokens.next()
        if not token:
            return tests
        if token in _SYMBOLS - {"!"}:
            raise _WrongError(f"found '{token}', expected: !, identifier, or 'end of string'")
        try:
            tests.append(_requirement(tokens))
        except _WrongError as error:
            raise _WrongError(f"unable to parse requirement: {error}") from error
        separator = tokens.take()
        if separator not in (",", ""):
            raise _WrongError(f"found '{separator}', expected: ',' or 'end of string'")
        if separator and tokens.next() in _SYMBOLS - {"!"}:
            raise _WrongError(f"found '{tokens.next()}', expected: identifier after ','")


def _requirement(tokens: _Tokens) -> Test:
    absent = tokens.next() == "!" and bool(tokens.take())
    key = tokens.take()
    if key in _SYMBOLS:
        raise _WrongError(f"found '{key}', expected: identifier")
    if not _KEY.match(key):
        raise _WrongError(f'key: Invalid value: "{key}": it is not the name of a label')
    if absent or tokens.next() in ("", ","):
        return lambda labels: (key in labels) != absent
    operator = tokens.take()
    match operator:
        case "in" | "notin":
            values = _values(tokens)
            return lambda labels: (labels.get(key) in values) == (operator == "in")
        case "=" | "==" | "!=":
            value = _value(tokens)
            return lambda labels: (labels.get(key) == value) == (operator != "!=")
        case "<" | ">":
            return _comparison(key, operator, _value(tokens))
        case _:
            raise _WrongError(f"found '{operator}', expected: {', '.join(_OPERATORS)}")


def _value(tokens: _Tokens) -> str:
    if tokens.next() in ("", ","):
        return ""
    value = tokens.take()
    if value in _SYMBOLS:
        raise _WrongError(f"found '{value}', expected: identifier")
    return _checked(value)


def _values(tokens: _Tokens) -> set[str]:
    if (opening := tokens.take()) != "(":
        raise _WrongError(f"found '{opening}' expected: '('")
    values: set[str] = set()
    while True:
        token = tokens.take()
        if token in (",", ")"):
            values.add("")
        elif token in _SYMBOLS:
            raise _WrongError(f"found '{token}', expected: ',', ')' or identifier")
        else:
            values.add(_checked(token))
            token = tokens.take()
            if token not in (",", ")"):
                raise _WrongError(f"found '{token}', expected: ',' or ')'")
        if token == ")":  # noqa: S105 - a bracket is no secret
            return values


def _checked(value: str) -> str:
    if not _VALUE.match(value):
        raise _WrongError(
            f'values[0]: Invalid value: "{value}": a label value has at most 63 characters, '
            "begins and ends with a letter or digit, and holds only those, '-', '_' and '.'"
        )
    return value


def _comparison(key: str, operator: str, value: str) -> Test:
    try:
        bound = int(value)
    except ValueError:
        raise _WrongError(
            f"values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must "
            "be an integer"
        ) from None

    def test(labels: Mapping[str, str]) -> bool:
        try:
            number = int(labels.get(key, ""))
        except ValueError:
            return False
        return number > bound if operator == ">" else number < bound

    return test
