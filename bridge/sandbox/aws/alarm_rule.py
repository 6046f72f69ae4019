"""The rule expression of a composite alarm, and whether it holds.

CloudWatch API reference, PutCompositeAlarm, AlarmRule: ``ALARM(x)``, ``OK(x)``,
``INSUFFICIENT_DATA(x)``, ``TRUE``, ``FALSE``, ``AND``, ``OR``, ``NOT``, parentheses. The
reference does not say which operator binds tighter; here NOT does before AND before OR.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
_TOKEN = re.compile(
    r"\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*"
    r'(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s()"]+))\s*\)'
    r"|(?P<word>\(|\)|AND\b|OR\b|NOT\b|TRUE\b|FALSE\b))"
)

StateOf = Callable[[str], str]
"""Answers the state of the alarm of that name."""


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """A parsed expression: the names of the alarms in it, and its verdict on their states."""

    children: frozenset[str]
    holds: Callable[[StateOf], bool]


def parse(text: str) -> AlarmRule:
    """Parse ``text``.

    Raises ``ValueError`` that quotes the place at which the expression cannot be read.
    """
    parser = _Parser(text)
    holds = parser.either()
    parser.expect_end()
    return AlarmRule(frozenset(parser.children), holds)


class _Parser:
    """Recursive descent over one expression."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._at = 0
        self.children: set[str] = set()

    def _peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self._text, self._at)

    def _take(self, word: str) -> bool:
        match = self._peek()
        if match and match["word"] == word:
            self._at = match.end()
            return True
        return False

    def either(self) -> Callable[[StateOf], bool]:
        """Read terms joined by OR."""
        terms = [self.both()]
        while self._take("OR"):
            terms.append(self.both())
        return lambda state_of: any(term(state_of) for term in terms)

    def both(self) -> Callable[[StateOf], bool]:
        """Read factors joined by AND."""
        factors = [self.factor()]
        while self._take("AND"):
            factors.append(self.factor())
        return lambda state_of: all(factor(state_of) for factor in factors)

    def factor(self) -> Callable[[StateOf], bool]:
        """Read one state, constant, negation or parenthesis."""
        if self._take("NOT"):
            negated = self.factor()
            return lambda state_of: not negated(state_of)
        if self._take("("):
            inner = self.either()
            if not self._take(")"):
                self._refuse()
            return inner
        for word, verdict in (("TRUE", True), ("FALSE", False)):
            if self._take(word):
                return lambda _, verdict=verdict: verdict  # type: ignore[misc]  # bound early
        match = self._peek()
        if match is None or match["state"] not in _STATES:
            self._refuse()
        self._at = match.end()
        state, name = match["state"], match["quoted"] or match["bare"]
        name = name.rsplit(":alarm:", 1)[-1]
        self.children.add(name)
        return lambda state_of: state_of(name) == state

    def expect_end(self) -> None:
        """Refuse anything that follows the expression."""
        if self._text[self._at :].strip():
            self._refuse()

    def _refuse(self) -> NoReturn:
        rest = self._text[self._at :].strip() or "the end"
        message = f"AlarmRule cannot be read at {rest!r}"
        raise ValueError(message)
