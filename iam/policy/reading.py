"""Reading a policy document, strictly: what is not evaluated is refused by name.

A policy with a slip in it is worse than none: a Deny with a misspelt action or condition key would
be stored, look right, and refuse nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.model.problem import InvalidDocumentError, Problem, Severity
from bridge.model.wording import child, quote, quoted_list, suggestion
from iam.policy.actions import ACTIONS, SERVICES, meant
from iam.policy.condition_reading import no_variables, read_conditions
from iam.policy.document import Condition, Effect, Policy, Statement

VERSION: Final = "2012-10-17"
LARGEST: Final = 6144
"""Characters of a document without white space, as of an IAM managed policy."""
LONGEST_PATTERN: Final = 2048
"""Characters of one pattern: no ARN is longer (FIS's service model)."""
_ACTION_LENGTH: Final = 128
_MEMBERS: Final = ("Version", "Id", "Statement")
_STATEMENT: Final = (
    *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"),
)
_NO_PRINCIPAL: Final = (
    "does not belong into a policy that is attached to principals; remove it, and attach the policy"
)
_ARN_COLONS: Final = 5
_Check = Callable[[str, str], Iterator[Problem]]


@dataclass(frozen=True)
class Read:
    """A policy that was read, and what its author should know."""

    policy: Policy
    warnings: tuple[Problem, ...] = ()


def read_policy(document: Any, *, name: str, any_service: bool = False) -> Read:
    """Read a policy document, the JSON value itself.

    ``any_service`` is for policies about other services' resources: their action names and
    condition keys are not known here and are taken as they are. Raises InvalidDocumentError with
    every problem.
    """
    problems: list[Problem] = []
    policy = _Reader(problems, any_service=any_service).policy(document, name)
    if any(one.severity is Severity.ERROR for one in problems):
        raise InvalidDocumentError([p for p in problems if p.severity is Severity.ERROR])
    return Read(policy, tuple(problems))


class _Reader:
    def __init__(self, problems: list[Problem], *, any_service: bool) -> None:
        self._problems = problems
        self._any_service = any_service

    def _say(self, path: str, message: str, severity: Severity = Severity.ERROR) -> None:
        self._problems.append(Problem(path=path, message=message, severity=severity))

    def policy(self, document: Any, name: str) -> Policy:
        if not isinstance(document, Mapping):
            self._say("", 'is no policy; write {"Version": "2012-10-17", "Statement": [ … ]}')
            return Policy(name, ())
        size = _size(document)
        if size > LARGEST:
            self._say("", f"has {size} characters without white space; the most is {LARGEST}")
            return Policy(name, ())
        self._known(document, "", _MEMBERS)
        version = document.get("Version")
        if version != VERSION:
            older = " (the older language knows no variables and is not read)"
            is_old = older if version == "2008-10-17" else ""
            self._say("Version", f"must be {quote(VERSION)}; write it so{is_old}")
        listed = document.get("Statement")
        if isinstance(listed, Mapping):
            listed = [listed]
            paths = ["Statement"]
        elif isinstance(listed, list) and listed:
            paths = [child("Statement", index) for index in range(len(listed))]
        else:
            self._say("Statement", "is required; write a list of statements")
            return Policy(name, ())
        found = tuple(
            self._statement(one, path, index)
            for index, (one, path) in enumerate(zip(listed, paths, strict=True))
        )
        self._repeated(found)
        return Policy(name, found)

    def _statement(self, raw: Any, path: str, index: int) -> Statement:
        empty = Statement(index, "", Effect.DENY)
        if not isinstance(raw, Mapping):
            self._say(path, 'is no statement; write {"Effect": …, "Action": …, "Resource": …}')
            return empty
        for member in ("Principal", "NotPrincipal"):
            if member in raw:
                self._say(child(path, member), _NO_PRINCIPAL)
        self._known(raw, path, (*_STATEMENT, "Principal", "NotPrincipal"))
        effect = raw.get("Effect")
        if effect not in ("Allow", "Deny"):
            self._say(child(path, "Effect"), 'must be "Allow" or "Deny", with a capital')
            effect = "Deny"
        actions, not_actions = self._either(raw, path, "Action", self._action)
        resources, not_resources = self._either(raw, path, "Resource", _resource)
        conditions: tuple[Condition, ...] = ()
        if "Condition" in raw:
            spoken_of = self._spoken_of(actions, not_actions)
            conditions, problems = read_conditions(
                raw["Condition"], child(path, "Condition"), spoken_of
            )
            self._problems += problems
        return Statement(
            index,
            self._sid(raw, path),
            Effect(effect),
            actions,
            not_actions,
            resources,
            not_resources,
            conditions,
        )

    def _spoken_of(self, actions: Sequence[str], others: Sequence[str]) -> list[str] | None:
        """Return the actions whose condition keys may be used; None where any may."""
        if self._any_service:
            return None
        if others:
            excluded = {one.name for pattern in others for one in meant(pattern)}
            return [name for name in ACTIONS if name not in excluded]
        return list(dict.fromkeys(one.name for pattern in actions for one in meant(pattern)))

    def _sid(self, raw: Mapping[str, Any], path: str) -> str:
        sid = raw.get("Sid", "")
        if not isinstance(sid, str) or not (sid == "" or (sid.isascii() and sid.isalnum())):
            self._say(child(path, "Sid"), "must be letters and digits only, such as AllowStart")
            return ""
        return sid[:_ACTION_LENGTH]

    def _either(
        self, raw: Mapping[str, Any], path: str, name: str, check: _Check
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the patterns of a member and of its opposite, of which one must be there."""
        opposite = f"Not{name}"
        if (name in raw) == (opposite in raw):
            self._say(path, f"must have either {name} or {opposite}, not both or none")
            return (), ()
        member = name if name in raw else opposite
        patterns = self._patterns(raw[member], child(path, member), check)
        return (patterns, ()) if member == name else ((), patterns)

    def _patterns(self, value: Any, path: str, check: _Check) -> tuple[str, ...]:
        alone = isinstance(value, str)
        listed = [value] if alone else value
        if not isinstance(listed, list) or not listed:
            self._say(path, "must be a text or a list of texts, and not empty")
            return ()
        found = []
        for index, one in enumerate(listed):
            place = path if alone else child(path, index)
            if not isinstance(one, str) or not one or len(one) > LONGEST_PATTERN:
                self._say(place, f"must be a text of 1 to {LONGEST_PATTERN} characters")
            elif "${" in one:
                self._say(place, no_variables(one))
            else:
                self._problems += check(one, place)
                found.append(one)
        return tuple(found)

    def _action(self, pattern: str, path: str) -> Iterator[Problem]:
        service, colon, name = pattern.partition(":")
        if pattern == "*":
            return
        if not colon or not service or not name or len(pattern) > _ACTION_LENGTH:
            yield Problem(path, f"{quote(pattern)} is no action; write one as service:Name, or *")
        elif self._any_service or meant(pattern):
            return
        elif "*" not in service and service.lower() not in SERVICES:
            message = f"{quote(pattern)} is an action of another service, which is never asked here"
            yield Problem(path, message, Severity.WARNING)
        else:
            near = [one for one in ACTIONS if one.startswith(f"{service.lower()}:")] or ACTIONS
            mend = suggestion(pattern, near, "docs/authorization.md lists those that there are")
            yield Problem(path, f"{quote(pattern)} is no action that there is; {mend}")

    def _known(self, raw: Mapping[str, Any], path: str, known: Sequence[str]) -> None:
        for member in raw:
            if member not in known:
                mend = suggestion(str(member), known, f"there is {quoted_list(known)}")
                self._say(child(path, str(member)), f"is not known; {mend}")

    def _repeated(self, statements: Sequence[Statement]) -> None:
        seen: set[str] = set()
        for one in statements:
            if one.sid and one.sid in seen:
                path = child(child("Statement", one.index), "Sid")
                self._say(path, f"{quote(one.sid)} is there twice; a Sid must be one statement's")
            seen.add(one.sid)


def _resource(pattern: str, path: str) -> Iterator[Problem]:
    if pattern == "*":
        return
    if not pattern.startswith("arn:") or (
        pattern.count(":") < _ARN_COLONS and "*" not in pattern.rpartition(":")[2]
    ):
        yield Problem(
            path,
            f"{quote(pattern)} is no ARN; write arn:partition:service:region:account:resource, "
            "in which * and ? may stand, or * alone",
        )


def _size(document: Any) -> int:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
    return sum(1 for c in text if not c.isspace())
