"""The ``filter`` parameter of lists.

Compute Engine API reference, ``filter`` of each list method: ``field = value``, ``!=``, ``:``
(has; ``labels.owner:*`` is presence), joined by AND and OR and parenthesised, where
parenthesised expressions side by side are joined by AND; and the older ``field eq regex`` and
``ne``, which match the whole field. AND binds tighter than OR (our choice: the reference
always parenthesises). Any other expression is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from bridge.sandbox.gcp.errors import GoogleError

Matches = Callable[[dict[str, Any]], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<operator>!=|<=|>=|=|<|>|:)"
    r'|"(?P<quoted>[^"]*)"|(?P<word>[^\s()"=!<>:]+))'
)
_SCALARS = {
    "instances": "name id status zone machineType creationTimestamp description cpuPlatform "
    "deletionProtection selfLink scheduling.preemptible",
    "disks": "name id status zone type sizeGb creationTimestamp description selfLink",
    "firewalls": "name id network direction priority disabled creationTimestamp description "
    "selfLink",
    "networks": "name id creationTimestamp description selfLink autoCreateSubnetworks",
    "instanceGroupManagers": "name id zone region targetSize baseInstanceName creationTimestamp "
    "selfLink instanceGroup",
    "operations": "name id status zone region operationType targetLink targetId user "
    "clientOperationId insertTime",
    "zones": "name id status region",
    "managedInstances": "name id instanceStatus currentAction instance",
}


def parse(text: str, collection: str) -> Matches:
    """Parse a filter over the resources of ``collection``. Raises `GoogleError` 400."""
    parser = _Parser(text, collection)
    matches = parser.either()
    parser.expect_end()
    return matches


class _Parser:
    """Recursive descent over one expression."""

    def __init__(self, text: str, collection: str) -> None:
        self._text = text
        self._collection = collection
        self._at = 0

    def _peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self._text, self._at)

    def _take(self, group: str, *values: str) -> str | None:
        match = self._peek()
        if match is None or match[group] is None or (values and match[group] not in values):
            return None
        self._at = match.end()
        return match[group]

    def either(self) -> Matches:
        """Read terms joined by OR."""
        terms = [self.both()]
        while self._take("word", "OR"):
            terms.append(self.both())
        return lambda resource: any(term(resource) for term in terms)

    def both(self) -> Matches:
        """Read factors joined by AND, or standing side by side in parentheses."""
        factors = [self.factor()]
        while self._take("word", "AND") or self._opens():
            factors.append(self.factor())
        return lambda resource: all(factor(resource) for factor in factors)

    def _opens(self) -> bool:
        match = self._peek()
        return match is not None and match["mark"] == "("

    def factor(self) -> Matches:
        """Read a parenthesis or one comparison."""
        if self._take("mark", "("):
            inner = self.either()
            if not self._take("mark", ")"):
                self._refuse()
            return inner
        field = self._field()
        if operator := self._take("word", "eq", "ne"):
            return _whole(field, self._pattern(), negated=operator == "ne")
        operator = self._take("operator", "=", "!=", ":")
        if operator is None:
            self._refuse()
        value = self._take("quoted")
        if value is None:
            value = self._take("word")
        if value is None:
            self._refuse()
        if operator == ":":
            return _present(field) if value == "*" else _has(field, value)
        if "*" in value:
            self._refuse()
        return _equal(field, value, negated=operator == "!=")

    def _field(self) -> str:
        before = self._at
        field = self._take("word") or ""
        known = _SCALARS[self._collection].split()
        if field not in known and not re.fullmatch(r"labels\.[^.]+", field):
            self._at = before
            self._refuse()
        return field

    def _pattern(self) -> re.Pattern[str]:
        before = self._at
        text = self._take("quoted")
        if text is None:
            match = re.compile(r"\s*([^\s()\"]+)").match(self._text, self._at)
            if match is None:
                self._refuse()
            self._at, text = match.end(), match[1]
        try:
            return re.compile(text)
        except re.error:
            self._at = before
            self._refuse()

    def expect_end(self) -> None:
        """Refuse anything that follows the expression."""
        if self._text[self._at :].strip():
            self._refuse()

    def _refuse(self) -> NoReturn:
        rest = self._text[self._at :].strip() or "its end"
        message = (
            f"Invalid value for field 'filter': '{self._text}'. Invalid list filter expression, "
            f"or one that the sandbox does not emulate, at '{rest}'."
        )
        raise GoogleError(400, "invalid", message)


def _value(resource: dict[str, Any], field: str) -> str | None:
    """Answer a field as text; None in its absence."""
    held: Any = resource
    for part in field.split("."):
        held = held.get(part) if isinstance(held, dict) else None
    if isinstance(held, bool):
        return str(held).lower()
    return None if held is None else str(held)


def _equal(field: str, value: str, *, negated: bool) -> Matches:
    return lambda resource: (_value(resource, field) == value) is not negated


def _present(field: str) -> Matches:
    return lambda resource: _value(resource, field) is not None


def _has(field: str, value: str) -> Matches:
    return lambda resource: value in (_value(resource, field) or "")


def _whole(field: str, pattern: re.Pattern[str], *, negated: bool) -> Matches:
    return lambda resource: (pattern.fullmatch(_value(resource, field) or "") is None) is negated
