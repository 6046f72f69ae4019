"""Writing an entry into a cluster's aws-auth: planned, shown, and refused if it changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final

from providers.kubernetes.api import ApiError
from providers.kubernetes.cluster import Cluster
from rbac.aws_auth import CREATE_PATH, PATH, AwsAuth, read_aws_auth
from rbac.aws_auth_text import Wanted, merge

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409


class ChangedMeanwhileError(Exception):
    """Somebody wrote the ConfigMap after it was read; nothing of ours was written."""


@dataclass(frozen=True)
class Change:
    """What would be written, and upon which version."""

    section: str
    before: str
    after: str
    version: str
    """resourceVersion of the ConfigMap that was read; empty where there was none."""

    @property
    def empty(self) -> bool:
        """Whether everything is there already."""
        return self.before == self.after

    def diff(self) -> str:
        """Return a unified diff of the section; empty where nothing changes."""
        name = f"kube-system/aws-auth {self.section}"
        lines = unified_diff(
            self.before.splitlines(), self.after.splitlines(), name, f"{name} (new)", lineterm=""
        )
        return "\n".join(lines)


async def fetch(cluster: Cluster) -> AwsAuth:
    """Read a cluster's aws-auth. Raises as ``Cluster.get`` does, but not where there is none."""
    try:
        answer = await cluster.get(PATH)
    except ApiError as error:
        if error.status != _NOT_FOUND:
            raise
        return read_aws_auth(None)
    return read_aws_auth(answer.body)


async def plan(cluster: Cluster, wanted: Wanted) -> Change:
    """Find out what writing an entry would change. Raises EditError, and as ``fetch`` does."""
    there = await fetch(cluster)
    before = there.texts.get(wanted.section, "")
    return Change(wanted.section, before, merge(before, wanted), there.version)


async def write(cluster: Cluster, change: Change, *, dry_run: bool = False) -> None:
    """Write a change upon the very version that was read; ``dry_run`` has the server check it.

    Raises ChangedMeanwhileError, and as ``Cluster.merge`` does.
    """
    query = {"dryRun": "All"} if dry_run else {}
    data = {change.section: change.after}
    try:
        if change.version:
            about: Mapping[str, Any] = {"resourceVersion": change.version}
            await cluster.merge(PATH, {"metadata": about, "data": data}, **query)
        else:
            about = {"name": "aws-auth", "namespace": "kube-system"}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}
            await (cluster.ask(CREATE_PATH, body, **query) if dry_run else _create(cluster, body))
    except ApiError as error:
        if error.status != _CONFLICT:
            raise
        msg = (
            "aws-auth was changed by somebody else after it was read; nothing was written: "
            "run the command again to see the new difference"
        )
        raise ChangedMeanwhileError(msg) from None


async def _create(cluster: Cluster, body: dict[str, Any]) -> None:
    await cluster.create(CREATE_PATH, body)
