"""What the objects of the bridge are called in policies."""

from __future__ import annotations

from typing import Final

from bridge.dialects.fis import names
from bridge.model.scope import Scope

SCHEDULE: Final = "schedule"
ACTION_TEMPLATE: Final = "action-template"
POLICY: Final = "policy"


def template(scope: Scope, template_id: str) -> str:
    """Return the ARN of an experiment template."""
    return names.arn(scope, names.TEMPLATE, template_id)


def experiment(scope: Scope, experiment_id: str) -> str:
    """Return the ARN of a run."""
    return names.arn(scope, names.EXPERIMENT, experiment_id)


def action(scope: Scope, action_id: str) -> str:
    """Return the ARN of an action."""
    return names.arn(scope, names.ACTION, action_id)


def lever(scope: Scope, lever_id: str = "default") -> str:
    """Return the ARN of the safety lever."""
    return names.arn(scope, names.LEVER, lever_id)


def ours(scope: Scope, kind: str, object_id: str) -> str:
    """Return the ARN of an object that FIS has none of, such as a schedule."""
    return names.arn(scope, kind, object_id).replace(":fis:", ":faultbridge:", 1)
