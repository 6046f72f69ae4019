"""Conditions of IAM that narrow rights which several faults need."""

from __future__ import annotations

from typing import Final

THROUGH_EC2: Final = (
    ("Bool", "kms:GrantIsForAWSResource", "true"),
    ("StringEquals", "kms:ViaService", "ec2.{region}.amazonaws.com"),
)
"""Of a KMS key only what EC2 does with it for a volume (KMS Developer Guide, "Condition keys")."""
