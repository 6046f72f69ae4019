"""An event carried out: the rule that fits it, and what the bridge answers."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from bridge.client import Client, ClientError, RefusedError
from bridge.client.documents import ExperimentDetail, ExperimentSummary
from bridge.client.errors import CredentialsError
from bridge.model.problem import InvalidDocumentError
from bridge.triggers.errors import EventRefusedError, NotSetUpError, TriggerError, translated
from bridge.triggers.event import Event
from bridge.triggers.rules import Rule, Rules, Start, Stop
from bridge.triggers.rules_reading import read_rules, read_rules_file
from iam.credentials import credentials

URL: Final = "FAULTBRIDGE_URL"
RULES: Final = "FAULTBRIDGE_TRIGGER_RULES"

_log = logging.getLogger(__name__)


class Result(StrEnum):
    """What became of an event."""

    STARTED = "started"
    """A run was started, now or when the same event was delivered before."""
    STOPPING = "stopping"
    """Runs were asked to stop; perhaps none was there."""
    NOTHING = "nothing"
    """No rule fits: there was nothing to do."""


@dataclass(frozen=True)
class Answer:
    """What became of an event, by which rule, and the runs that it is about."""

    result: Result
    rule: str = ""
    experiments: tuple[ExperimentDetail, ...] = ()

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that a platform is answered."""
        runs = [{"id": one.id, "status": one.status.value} for one in self.experiments]
        found: dict[str, Any] = {"result": self.result.value}
        if self.rule:
            found["rule"] = self.rule
        return {**found, "experiments": runs}


class Trigger:
    """Carries out what rules say of events, at one bridge."""

    def __init__(self, client: Client, rules: Rules) -> None:
        """Ask a bridge by a client."""
        self.client = client
        self._rules = rules

    def handle(self, event: Event) -> Answer:
        """Start or stop what the first rule that fits says. Raises TriggerError."""
        rule = self._rules.rule_for(event)
        if rule is None:
            _log.info("no rule fits the event %s: nothing to do", event.id[:128])
            return Answer(Result.NOTHING)
        try:
            answer = self._carry_out(rule, event)
        except ClientError as error:
            told = _changed(rule) if _repeated(error) else translated(error)
            _log.warning("rule %s: %s", rule.name, told)
            raise told from None
        except TriggerError as error:
            _log.warning("rule %s: %s", rule.name, error)
            raise
        ids = ", ".join(one.id for one in answer.experiments) or "none"
        _log.info("rule %s: %s %s", rule.name, answer.result.value, ids)
        return answer

    def _carry_out(self, rule: Rule, event: Event) -> Answer:
        if isinstance(rule.does, Start):
            token = rule.token(event)
            request = rule.does.request(event.document, rule=rule.name, token=token)
            return Answer(Result.STARTED, rule.name, (self.client.start(request),))
        reason = rule.reason_for(event.document)
        stopped = [
            self.client.stop(one, reason) for one in self._to_stop(rule.does, event.document)
        ]
        return Answer(Result.STOPPING, rule.name, tuple(stopped))

    def _to_stop(self, stop: Stop, document: Any) -> list[str]:
        if stop.experiment_id is not None:
            return [stop.experiment_id.text_of(document)]
        template = stop.template_id.text_of(document) if stop.template_id else None
        tags = {name: value.text_of(document) for name, value in stop.tags.items()}
        return [one.id for one in self._open_runs(template) if tags.items() <= one.tags.items()]

    def _open_runs(self, template: str | None) -> list[ExperimentSummary]:
        found: list[ExperimentSummary] = []
        after = None
        while True:
            page = self.client.experiments(after=after, template_id=template, only_open=True)
            found += page.experiments
            if page.next is None:
                return found
            after = page.next


def _repeated(error: Exception) -> bool:
    """Whether the bridge knows the event's token, of a request that asked for something else."""
    return isinstance(error, RefusedError) and error.problem.status == HTTPStatus.CONFLICT


def _changed(rule: Rule) -> TriggerError:
    return EventRefusedError(
        f"{rule.path}: an event of the same id started another run before: the rule {rule.name} "
        "was changed since, or the id is not the event's own; nothing is started",
        status=HTTPStatus.CONFLICT,
    )


def stopped_run(trigger: Trigger, experiment_id: str, reason: str) -> ExperimentDetail:
    """Ask one run to stop. Raises TriggerError."""
    try:
        return trigger.client.stop(experiment_id, reason)
    except ClientError as error:
        raise translated(error) from None


@cache
def configured() -> Trigger:
    """Return the trigger that the environment describes, made once for a process.

    Raises NotSetUpError naming the variable.
    """
    return trigger_of(os.environ)


def trigger_of(environ: Mapping[str, str]) -> Trigger:
    """Return the trigger that some variables describe. Raises NotSetUpError."""
    url = environ.get(URL, "").strip().rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise NotSetUpError(f"{URL}: write where the bridge is, like https://chaos.example.com")
    rules = _rules(environ.get(RULES, ""))
    try:
        return Trigger(Client(url, auth=credentials(url, environ)), rules)
    except CredentialsError as error:
        raise NotSetUpError(str(error)) from None


def _rules(given: str) -> Rules:
    """Read rules that stand in the variable itself, or in the file that it names."""
    if not given.strip():
        raise NotSetUpError(f"{RULES}: write the name of the file of rules, or the rules")
    try:
        if "\n" in given.strip() or given.lstrip().startswith("{"):
            return read_rules(given)
        return read_rules_file(Path(given.strip()))
    except OSError as error:
        msg = f"{RULES}: {given.strip()[:256]} cannot be read ({error.strerror})"
        raise NotSetUpError(msg) from None
    except InvalidDocumentError as error:
        raise NotSetUpError("\n".join(f"{RULES}: {one}" for one in error.problems)) from None
