"""Rules: which event starts what, or stops what.

The first rule that fits an event is the one that counts. What a rule says is meant as it stands;
``{"from": EXPRESSION}`` in its place is what a JMESPath expression finds in the event.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.client.documents import StartRequest
from bridge.model.action_template import Reference
from bridge.model.wording import child
from bridge.triggers.errors import EventRefusedError
from bridge.triggers.event import Event
from bridge.triggers.expressions import Expression, ExpressionError

FROM: Final = "from"
LONGEST_REASON: Final = 512
"""Characters of a reason that the bridge takes."""
_CLUSTER: Final = "Cluster"
_ACTION: Final = "Action"


@dataclass(frozen=True)
class Value:
    """What stands in a rule: as it is, or found in the event."""

    path: str
    """Where it stands."""
    literal: Any = None
    found_by: Expression | None = None

    def of(self, document: Any) -> Any:
        """Return it for an event. Raises EventRefusedError where the event does not have it."""
        if self.found_by is None:
            return self.literal
        try:
            found = self.found_by.value(document)
        except ExpressionError as error:
            raise EventRefusedError(f"{self.path}: {error}") from None
        if found is None:
            msg = f"{self.path}: the event has nothing at {self.found_by.text}; mend the rule"
            raise EventRefusedError(msg)
        return found

    def text_of(self, document: Any) -> str:
        """Return it as a text. Raises EventRefusedError where it is none."""
        found = self.of(document)
        if not isinstance(found, str) or not found:
            raise EventRefusedError(
                f"{self.path}: must come to a text for this event, and does not"
            )
        return found


@dataclass(frozen=True)
class Start:
    """Start a run: of a stored template, or of one that uses an action template."""

    path: str
    template_id: Value | None = None
    action_template: Reference | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    role: Value | None = None
    cluster: Value | None = None
    stop_conditions: tuple[Mapping[str, Any], ...] = ()
    tags: Mapping[str, Value] = field(default_factory=dict)

    def request(self, document: Any, *, rule: str, token: str) -> StartRequest:
        """Return what is asked of the bridge. Raises EventRefusedError."""
        tags = {name: value.text_of(document) for name, value in self.tags.items()}
        if self.template_id is not None:
            wanted = self.template_id.text_of(document)
            if len(wanted) > 64:  # noqa: PLR2004 - as `StartRequest` has it
                raise EventRefusedError(f"{self.template_id.path}: is no id of a template")
            return StartRequest(template_id=wanted, client_token=token, tags=tags)
        return StartRequest(template=self._template(document, rule), client_token=token, tags=tags)

    def _template(self, document: Any, rule: str) -> dict[str, Any]:
        if self.action_template is None or self.role is None:
            raise ValueError(self.path)  # no such rule is read
        action: dict[str, Any] = {
            "actionId": self.action_template.action_id,
            "parameters": {name: one.of(document) for name, one in self.parameters.items()},
        }
        template = {
            "description": f"{self.action_template}, by the trigger rule {rule}",
            "roleArn": self.role.text_of(document),
            "stopConditions": [dict(one) for one in self.stop_conditions] or [{"source": "none"}],
            "actions": {_ACTION: action},
        }
        if self.cluster is not None:
            action["targets"] = {_CLUSTER: _CLUSTER}
            template["targets"] = {
                _CLUSTER: {
                    "resourceType": "aws:eks:cluster",
                    "resourceArns": [self.cluster.text_of(document)],
                    "selectionMode": "ALL",
                }
            }
        return template


@dataclass(frozen=True)
class Stop:
    """Stop the run of an id, or all runs of a template or with some tags that have not ended."""

    path: str
    experiment_id: Value | None = None
    template_id: Value | None = None
    tags: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """One rule."""

    path: str
    name: str
    does: Start | Stop
    when: Expression | None = None
    event_id: Expression | None = None
    reason: Value | None = None

    def fits(self, event: Event) -> bool:
        """Whether the rule is about an event."""
        return self.when is None or self.when.fits(event.document)

    def token(self, event: Event) -> str:
        """Return the client token of an event: the same for each time that it is delivered.

        Raises EventRefusedError where nothing tells a repetition from another event.
        """
        known_by: Any = event.id
        where = child(self.path, "eventId")
        if self.event_id is not None:
            try:
                known_by = self.event_id.value(event.document)
            except ExpressionError as error:
                raise EventRefusedError(f"{where}: {error}") from None
        if known_by in (None, ""):
            found_nothing = "found nothing in this event" if self.event_id else "is needed"
            msg = (
                f"{where}: {found_nothing}: a repetition could not be told from another event; "
                "write an expression for what is the same whenever it is delivered"
            )
            raise EventRefusedError(msg)
        digest = hashlib.sha256(_plain([self.name, known_by]).encode()).hexdigest()
        return f"trigger-{digest}"

    def reason_for(self, document: Any) -> str:
        """Return why runs are stopped. Raises EventRefusedError."""
        if self.reason is None:
            return f"Stopped by the trigger rule {self.name}."
        return self.reason.text_of(document)[:LONGEST_REASON]


@dataclass(frozen=True)
class Rules:
    """Rules in the order in which they are asked."""

    rules: tuple[Rule, ...]

    def rule_for(self, event: Event) -> Rule | None:
        """Return the first rule that fits an event, None where none does."""
        return next((rule for rule in self.rules if rule.fits(event)), None)


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
