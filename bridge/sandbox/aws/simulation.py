"""IAM's policy simulator for a role, which moto has not (IAM API reference).

Only the role's own policies are evaluated, with the context keys that the caller gives. Those that
a statement about the action wants besides are told, as IAM does: with each resource that was
named, else with the action.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from moto.core.responses import ActionResult

from bridge.sandbox.aws.errors import AwsError, RuledResponse
from bridge.sandbox.aws.identity import role_by_arn
from bridge.sandbox.aws.permissions import role_policies
from bridge.sandbox.aws.policies import UnsupportedPolicyError
from iam.policy import Effect, Policy, Request, Statement, evaluate

_KEY = re.compile(r"ContextEntries\.member\.(\d+)\.ContextKeyName")


class SandboxSimulator(RuledResponse):
    """One operation of IAM."""

    def __init__(self) -> None:
        super().__init__("iam")

    def simulate_principal_policy(self) -> ActionResult:
        """Evaluate a role's own policies; of other sources there is none in the sandbox."""
        arn = self._get_param("PolicySourceArn") or ""
        role = role_by_arn(arn)
        if role is None:
            raise AwsError("NoSuchEntity", f"The role with ARN {arn} cannot be found.", 404)
        try:
            policies = role_policies(role)
        except UnsupportedPolicyError as error:
            message = f"The sandbox does not evaluate {error}"
            raise AwsError("PolicyEvaluation", message, 500) from error
        resources = self._listed("ResourceArns")
        context = self._context()
        results = [
            _simulated(policies, Request(action, resource, context=context), named=bool(resources))
            for action in self._listed("ActionNames")
            for resource in resources or ["*"]
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _listed(self, name: str) -> Sequence[str]:
        form = {key: value[0] for key, value in self.querystring.items()}
        pattern = re.compile(rf"{name}\.member\.(\d+)")
        found = {int(m[1]): value for key, value in form.items() if (m := pattern.fullmatch(key))}
        return [found[index] for index in sorted(found)]

    def _context(self) -> dict[str, list[str]]:
        form = {key: value[0] for key, value in self.querystring.items()}
        found: dict[str, list[str]] = {}
        for key, name in form.items():
            if match := _KEY.fullmatch(key):
                prefix = f"ContextEntries.member.{match[1]}.ContextKeyValues.member."
                found[name.lower()] = [v for k, v in form.items() if k.startswith(prefix)]
        return found


def _simulated(policies: Sequence[Policy], asked: Request, *, named: bool) -> dict[str, Any]:
    decision = str(evaluate(policies, asked).outcome)
    missing = sorted(
        {
            condition.key
            for policy in policies
            for statement in policy.statements
            if _is_about(statement, asked.action)
            for condition in statement.conditions
            if condition.key.lower() not in asked.context
        }
    )
    found: dict[str, Any] = {
        "EvalActionName": asked.action,
        "EvalResourceName": asked.resource,
        "EvalDecision": decision,
        "MissingContextValues": [] if named else missing,
    }
    if named:
        found["ResourceSpecificResults"] = [
            {
                "EvalResourceName": asked.resource,
                "EvalResourceDecision": decision,
                "MissingContextValues": missing,
            }
        ]
    return found


def _is_about(statement: Statement, action: str) -> bool:
    everywhere = replace(
        statement, effect=Effect.ALLOW, resources=("*",), not_resources=(), conditions=()
    )
    return evaluate([Policy("", (everywhere,))], Request(action, "*")).allowed
