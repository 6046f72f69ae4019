"""Whoever may write policies cannot make the bridge think: the worst that is stored is evaluated.

`tests/authorization/test_wildcards.py` holds single patterns to the same.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from iam.policy import Policy, Request, evaluate, read_policy
from iam.policy.reading import LARGEST

POLICIES = 20
"""As many of the largest size as one principal may sensibly have attached."""
RESOURCE = "arn:aws:fis:us-east-1:123456789012:experiment-template/" + "a" * 1900


def largest(pattern: str) -> Policy:
    """Return a policy as full of a pattern as one may be."""
    resources: list[str] = []
    document: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "fis:*", "Resource": resources},
    }
    one = f"arn:*:fis:*:*:experiment-template/{pattern}"
    resources += [f"{one}{number}" for number in range((LARGEST - 200) // (len(one) + 7))]
    return read_policy(document, name="worst").policy


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 700 + "b",
        "*" + "?" * 1500 + "b",
        "*a?" * 400 + "b",
        "*" * 1500 + "b",
        "*a*b",
    ],
    ids=lambda pattern: f"{pattern[:16]}…",
)
def test_the_worst_policies_are_decided_in_a_moment(pattern: str) -> None:
    policies = [largest(pattern) for _ in range(POLICIES)]
    asked = Request("fis:GetExperimentTemplate", RESOURCE)
    assert not evaluate(policies, asked).allowed  # cut once, as stored policies are
    began = time.process_time()
    assert not evaluate(policies, asked).allowed
    assert time.process_time() - began < 1.0
