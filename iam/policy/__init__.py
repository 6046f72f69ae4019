"""What callers may do: IAM's policy language, read and evaluated. Pure: no I/O.

A request is allowed where a statement of one of the caller's policies allows it and none denies
it. Who the caller is, `iam.principal` says; what is asked, the routes of the API declare.
"""

from __future__ import annotations

from iam.policy.actions import ACTIONS, DIGEST, PASSED_TO, Action, Level
from iam.policy.attachment import Attachment, policies_of, read_attachment
from iam.policy.document import Effect, Policy, Statement
from iam.policy.evaluation import Decision, Outcome, Request, evaluate
from iam.policy.managed import DOCUMENTS, MANAGED
from iam.policy.reading import Read, read_policy
from iam.policy.stored import AuditEntry, AuditLog, PolicyStore, StoredPolicy

__all__ = [
    "ACTIONS",
    "DIGEST",
    "DOCUMENTS",
    "MANAGED",
    "PASSED_TO",
    "Action",
    "Attachment",
    "AuditEntry",
    "AuditLog",
    "Decision",
    "Effect",
    "Level",
    "Outcome",
    "Policy",
    "PolicyStore",
    "Read",
    "Request",
    "Statement",
    "StoredPolicy",
    "evaluate",
    "policies_of",
    "read_attachment",
    "read_policy",
]
