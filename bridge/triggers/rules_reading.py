"""The document of trigger rules, read strictly: whatever does not fit is told by its path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from bridge.model.action_template import Reference
from bridge.model.notation import read
from bridge.model.problem import InvalidDocumentError, Problem, Severity
from bridge.model.wording import child, quote, suggestion
from bridge.triggers.expressions import Expression, ExpressionError
from bridge.triggers.rules import FROM, Rule, Rules, Start, Stop, Value

LARGEST: Final = 256 * 1024
"""Bytes of a document."""
MOST_RULES: Final = 100
_LONGEST_NAME: Final = 64
_RULE: Final = ("name", "when", "start", "stop", "eventId", "reason")
_START: Final = ("templateId", "actionTemplate", "tags")
_WITH_ACTION_TEMPLATE: Final = ("parameters", "roleArn", "cluster", "stopConditions")
_STOP: Final = ("experimentId", "templateId", "tags")


def read_rules_file(path: Path) -> Rules:
    """Read a file of rules, YAML or JSON. Raises OSError, and InvalidDocumentError."""
    with path.open("rb") as stream:
        raw = stream.read(LARGEST + 1)
    try:
        return read_rules(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidDocumentError([Problem("", "is not UTF-8; save it as UTF-8")]) from None


def read_rules(text: str) -> Rules:
    """Read rules from the text of a YAML or JSON document.

    Raises InvalidDocumentError with every problem, each with its JSON path, and with its line
    and column where the writing itself is wrong.
    """
    if len(text) > LARGEST:
        raise InvalidDocumentError([Problem("", f"is larger than {LARGEST} bytes; split it")])
    written = read(text)
    wrong = [one for one in written.findings if one.problem.severity is Severity.ERROR]
    if wrong:
        raise InvalidDocumentError(
            [
                Problem(
                    one.problem.path,
                    f"line {one.place.line}, column {one.place.column}: {one.problem.message}"
                    if one.place
                    else one.problem.message,
                )
                for one in wrong
            ]
        )
    reading = _Reading()
    found = reading.rules(written.value)
    if reading.problems:
        raise InvalidDocumentError(reading.problems)
    return Rules(tuple(found))


class _Reading:
    """Reads the parts of a document and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def rules(self, document: Any) -> list[Rule]:
        members = self._object(document, "", ("rules",))
        listed = members.get("rules")
        if not isinstance(listed, list) or not 0 < len(listed) <= MOST_RULES:
            self._wrong("rules", f"must be a list of 1 to {MOST_RULES} rules")
            return []
        found: dict[str, Rule] = {}
        for index, one in enumerate(listed):
            path = child("rules", index)
            rule = self._rule(one, path)
            if rule is None:
                continue
            if rule.name in found:
                self._wrong(child(path, "name"), f"{quote(rule.name)} stands twice; rename one")
            found[rule.name] = rule
        return list(found.values())

    def _rule(self, raw: Any, path: str) -> Rule | None:
        members = self._object(raw, path, _RULE)
        if not members:
            return None
        name = members.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            message = f"must be a text of 1 to {_LONGEST_NAME} characters: runs are told by it"
            self._wrong(child(path, "name"), message)
        if ("start" in members) == ("stop" in members):
            self._wrong(path, 'must have either "start" or "stop"')
            return None
        if "stop" in members and "eventId" in members:
            message = "is for rules that start something: to stop twice is to stop once; remove it"
            self._wrong(child(path, "eventId"), message)
        if "start" in members and "reason" in members:
            message = "is for rules that stop something; remove it, or write tags"
            self._wrong(child(path, "reason"), message)
        does: Start | Stop
        if "start" in members:
            does = self._start(members["start"], child(path, "start"))
        else:
            does = self._stop(members["stop"], child(path, "stop"))
        return Rule(
            path=path,
            name=str(name),
            does=does,
            when=self._expression(members, path, "when"),
            event_id=self._expression(members, path, "eventId"),
            reason=self._value(members, path, "reason", texts=True),
        )

    def _start(self, raw: Any, path: str) -> Start:
        members = self._object(raw, path, (*_START, *_WITH_ACTION_TEMPLATE))
        if members and ("templateId" in members) == ("actionTemplate" in members):
            self._wrong(path, 'must have either "templateId" or "actionTemplate"')
        tags = self._values(members, path, "tags", texts=True)
        if "actionTemplate" not in members:
            for name in _WITH_ACTION_TEMPLATE:
                if name in members:
                    message = "goes with an action template; a stored template says it itself"
                    self._wrong(child(path, name), f"{message}: remove it")
            template = self._value(members, path, "templateId", texts=True)
            return Start(path, template_id=template, tags=tags)
        if members.get("roleArn") is None:
            message = "is required: the role as which the fault is injected, as in a FIS template"
            self._wrong(child(path, "roleArn"), message)
        return Start(
            path,
            action_template=self._reference(members["actionTemplate"], path),
            parameters=self._values(members, path, "parameters"),
            role=self._value(members, path, "roleArn", texts=True),
            cluster=self._value(members, path, "cluster", texts=True),
            stop_conditions=self._stop_conditions(members, path),
            tags=tags,
        )

    def _stop(self, raw: Any, path: str) -> Stop:
        members = self._object(raw, path, _STOP)
        if members and sum(name in members for name in _STOP) != 1:
            self._wrong(path, 'must have one of "experimentId", "templateId" and "tags"')
        tags = self._values(members, path, "tags", texts=True)
        if "tags" in members and not tags:
            self._wrong(child(path, "tags"), "must have at least one tag: none would be every run")
        return Stop(
            path,
            experiment_id=self._value(members, path, "experimentId", texts=True),
            template_id=self._value(members, path, "templateId", texts=True),
            tags=tags,
        )

    def _reference(self, raw: Any, path: str) -> Reference | None:
        where = child(path, "actionTemplate")
        if not isinstance(raw, str):
            self._wrong(where, 'must be a text such as "network-delay@1"')
            return None
        try:
            return Reference.of_action(raw) or Reference.parse(raw)
        except ValueError as error:
            self._wrong(where, str(error))
            return None

    def _stop_conditions(
        self, members: Mapping[str, Any], path: str
    ) -> tuple[Mapping[str, Any], ...]:
        raw = members.get("stopConditions", [])
        if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
            message = 'must be a list as in a FIS template, such as [{"source": "none"}]'
            self._wrong(child(path, "stopConditions"), message)
            return ()
        return tuple(raw)

    def _values(
        self, members: Mapping[str, Any], path: str, name: str, *, texts: bool = False
    ) -> dict[str, Value]:
        if name not in members:
            return {}
        where = child(path, name)
        raw = members[name]
        if not isinstance(raw, dict):
            self._wrong(where, "must be an object of names and values")
            return {}
        found = {key: self._value(raw, where, key, texts=texts) for key in raw}
        return {key: value for key, value in found.items() if value is not None}

    def _value(
        self, members: Mapping[str, Any], path: str, name: str, *, texts: bool = False
    ) -> Value | None:
        if name not in members:
            return None
        where, raw = child(path, name), members[name]
        if isinstance(raw, dict) and set(raw) == {FROM}:
            expression = self._expression(raw, where, FROM)
            return None if expression is None else Value(where, found_by=expression)
        if raw is None or (texts and not (isinstance(raw, str) and raw)):
            message = f'must be a text, or {{"{FROM}": EXPRESSION}} for what is in the event'
            self._wrong(where, message)
            return None
        return Value(where, literal=raw)

    def _expression(self, members: Mapping[str, Any], path: str, name: str) -> Expression | None:
        if name not in members:
            return None
        where, raw = child(path, name), members[name]
        if not isinstance(raw, str) or not raw.strip():
            self._wrong(where, "must be a JMESPath expression, as a text")
            return None
        try:
            return Expression.compile(raw)
        except ExpressionError as error:
            self._wrong(where, str(error))
            return None

    def _object(self, raw: Any, path: str, known: Iterable[str]) -> Mapping[str, Any]:
        names = tuple(known)
        if not isinstance(raw, dict) or not raw:
            self._wrong(path, f"must be an object with {', '.join(map(quote, names))}")
            return {}
        for key in raw:
            if key not in names:
                mend = suggestion(str(key), names, f"there is {', '.join(map(quote, names))}")
                self._wrong(child(path, str(key)), f"is not known; {mend}")
        return raw

    def _wrong(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))
