"""An AWS account on loopback: moto's, with the real rules where moto is kinder than AWS."""

from __future__ import annotations

import base64
import json
from threading import Lock
from typing import Any, Self

from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import MotoRequestHandler

from bridge.sandbox.aws.application import AwsApi
from bridge.sandbox.aws.cloud import (
    ACCOUNT_ID,
    CALLER_ARN,
    CALLER_KEY_ID,
    CALLER_NAME,
    CALLER_SECRET,
    Cloud,
)
from bridge.sandbox.clock import Clock, system_clock
from bridge.sandbox.emulator import CloudEmulator
from bridge.sandbox.http_server import Handler

_only_one = Lock()


class _MotoHandler(Handler, MotoRequestHandler):
    """Reads paths as moto wants them."""


class AwsEmulator(CloudEmulator):
    """A running AWS emulator, as a context manager or by ``start`` and ``stop``.

    Any AWS SDK or CLI works against it with the variables of ``environment``. It listens on
    loopback only. moto keeps its accounts in the process, so one emulator runs per process;
    each start begins with an empty account.
    """

    handler = _MotoHandler
    account_id = ACCOUNT_ID
    caller_arn = CALLER_ARN

    def __init__(
        self,
        *,
        port: int = 0,
        region: str = "us-east-1",
        clock: Clock = system_clock,
        transition_seconds: float = 1.0,
        terminated_visible_seconds: float = 3600.0,
        permissions: bool = True,
    ) -> None:
        """Describe the account; nothing runs before ``start``.

        ``port`` 0 takes a free one. ``transition_seconds`` is how long an instance or an
        attachment takes to change its state, and ``clock`` what measures it. With
        ``permissions`` a call signed by an assumed role is checked against its policies.
        """
        super().__init__(port=port)
        self.region = region
        self._cloud = Cloud(clock, transition_seconds, terminated_visible_seconds)
        self._permissions = permissions

    def start(self) -> Self:
        """Listen, with an empty account.

        Raises ``RuntimeError`` while another emulator runs in the process, ``OSError`` for a
        port that is taken.
        """
        if not _only_one.acquire(blocking=False):
            message = "an AwsEmulator already runs in this process, and moto holds one world only"
            raise RuntimeError(message)
        try:
            return super().start()
        except OSError:
            _only_one.release()
            raise

    def stop(self) -> None:
        """Let go of hanging calls, close every connection and wait for every thread."""
        runs = self._server is not None
        super().stop()
        if runs:
            _only_one.release()

    def environment(self) -> dict[str, str]:
        """Answer the variables that point any AWS SDK or CLI here, with the caller's keys."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": CALLER_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": CALLER_SECRET,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    def complete_transitions(self) -> None:
        """Finish every change of state now instead of when it is due."""
        self._cloud.complete_transitions()

    def set_cluster_endpoint(self, name: str, *, endpoint: str, ca_pem: str) -> None:
        """Let DescribeCluster answer a real endpoint and certificate authority.

        moto makes up both. Raises ``KeyError`` for a cluster that does not exist.
        """
        cluster: Any = eks_backends[self.account_id][self.region].clusters[name]
        cluster.endpoint = endpoint
        cluster.certificate_authority = {"data": base64.b64encode(ca_pem.encode()).decode()}

    def add_account(self, account_id: str, role: str = "OrganizationAccountAccessRole") -> str:
        """Open another account; answer the ARN of its administrator, whom this one may assume.

        The rules about resources hold there too. What a role there may do is checked by action,
        so give it ``*`` for resources. ``start`` forgets the account.
        """
        backend = iam_backends[account_id]["aws"]
        made = backend.create_role(
            role_name=role,
            assume_role_policy_document=_policy(
                Principal={"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}, Action="sts:AssumeRole"
            ),
            path="/",
            permissions_boundary="",
            description="",
            tags=[],
            max_session_duration="3600",
        )
        backend.put_role_policy(role, "administrator", _policy(Action="*", Resource="*"))
        return str(made.arn)

    def _api(self) -> AwsApi:
        return AwsApi(self._cloud, permissions=self._permissions)

    def _empty(self) -> None:
        with self._cloud.lock:
            moto_api_backend.reset()
            self._cloud.transitions.clear()
            self._cloud.never_ran.clear()
            _create_caller(self.region)


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _create_caller(region: str) -> None:
    """Make the sandbox's own user with its fixed keys, so that its identity is a real ARN."""
    backend = iam_backends[ACCOUNT_ID]["aws"]
    user = backend.create_user(region, CALLER_NAME)
    key = user.create_access_key(prefix="AKIA")
    key.access_key_id, key.secret_access_key = CALLER_KEY_ID, CALLER_SECRET
    backend.access_keys[CALLER_KEY_ID] = key
