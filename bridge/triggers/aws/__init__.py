"""Handlers for AWS Lambda, one for each kind of event, and one that tells them apart.

``bridge.triggers.aws.eventbridge``, ``.sns``, ``.sqs``, ``.http``, ``.codedeploy``,
``.step_functions`` and ``.any_event`` are what a function's ``Handler`` names.
"""

from __future__ import annotations

from bridge.triggers.aws.deliveries import eventbridge, sns, sqs
from bridge.triggers.aws.hooks import codedeploy, step_functions
from bridge.triggers.aws.kinds import any_event
from bridge.triggers.aws.requests import http

__all__ = ["any_event", "codedeploy", "eventbridge", "http", "sns", "sqs", "step_functions"]
