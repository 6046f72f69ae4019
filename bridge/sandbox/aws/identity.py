"""STS over moto's, which lets anybody assume any role, even one that does not exist."""

from __future__ import annotations

import re

from moto.core.responses import ActionResult
from moto.iam.models import Role, iam_backends
from moto.sts.models import AssumedRole, sts_backends
from moto.sts.responses import TokenResponse

from bridge.sandbox.aws import trust
from bridge.sandbox.aws.cloud import ACCOUNT_ID, CALLER_ARN
from bridge.sandbox.aws.errors import AwsError, RuledResponse
from bridge.sandbox.aws.policies import UnsupportedPolicyError

_ROLE_ARN = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/.+")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")


def assumed_role(access_key: str) -> AssumedRole | None:
    """Answer the session to which an access key belongs, if it belongs to one."""
    # Accounts beside the sandbox's own exist as soon as one was added.
    found = (
        account["aws"].get_assumed_role_from_access_key(access_key)
        for account in list(sts_backends.values())
    )
    return next((session for session in found if session is not None), None)


def role_by_arn(arn: str) -> Role | None:
    """Answer the role, if there is one in its account."""
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        return None
    roles = iam_backends[match["account"]]["aws"].get_roles()
    return next((role for role in roles if role.arn == arn), None)


def caller_arn(access_key: str) -> str:
    """Answer who signs with an access key; an unknown key is the sandbox's own user."""
    session = assumed_role(access_key)
    if session is not None:
        return session.arn
    user = iam_backends[ACCOUNT_ID]["aws"].get_user_from_access_key_id(access_key)
    return user.arn if user else CALLER_ARN


class SandboxSts(RuledResponse, TokenResponse):
    """moto's STS with trust policies."""

    def assume_role(self) -> ActionResult:
        """Open a session of a role that exists and admits the caller.

        STS answers AccessDenied in the same words for a role that does not exist (STS API
        reference, AssumeRole; it does not tell which roles there are).
        """
        arn = self._get_param("RoleArn") or ""
        session = self._get_param("RoleSessionName") or ""
        if not _ROLE_ARN.fullmatch(arn):
            raise AwsError("ValidationError", f"{arn} is invalid")
        if not _SESSION_NAME.fullmatch(session):
            message = (
                f"1 validation error detected: Value '{session}' at 'roleSessionName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            )
            raise AwsError("ValidationError", message)
        if self._get_param("PolicyArns"):
            message = "The sandbox does not emulate PolicyArns; pass the policy as Policy"
            raise AwsError("ValidationError", message)
        if not self._admitted(arn, session, self._get_param("ExternalId")):
            message = (
                f"User: {caller_arn(self.access_key)} is not authorized to perform: "
                f"sts:AssumeRole on resource: {arn}"
            )
            raise AwsError("AccessDenied", message, 403)
        return super().assume_role()

    def _admitted(self, arn: str, session: str, external_id: str | None) -> bool:
        role = role_by_arn(arn)
        if role is None:
            return False
        caller = assumed_role(self.access_key)
        try:
            return trust.admits(
                role.assume_role_policy_document,
                caller_arn=caller_arn(self.access_key),
                acts_as_fis=caller is None,
                session=session,
                region=self.region,
                external_id=external_id,
                source_identity=self._get_param("SourceIdentity"),
                role_arn=caller.role_arn if caller else None,
            )
        except UnsupportedPolicyError as error:
            message = (
                f"The sandbox does not evaluate {error}; it knows aws:SourceAccount, "
                "aws:SourceArn, aws:PrincipalArn, sts:ExternalId, sts:SourceIdentity and "
                "sts:RoleSessionName"
            )
            raise AwsError("ValidationError", message) from error

    def get_caller_identity(self) -> ActionResult:
        """Say who signed; an unknown key is the sandbox's own user, not moto's made-up one."""
        session = assumed_role(self.access_key)
        if session is not None:
            return super().get_caller_identity()
        user = iam_backends[ACCOUNT_ID]["aws"].get_user_from_access_key_id(self.access_key)
        identity = {
            "UserId": user.id if user else "AIDASANDBOX",
            "Account": ACCOUNT_ID,
            "Arn": user.arn if user else CALLER_ARN,
        }
        return ActionResult(identity)
