"""What a cluster says to the resources of the documents: schema, dry run, and pods."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bridge.cli.exits import CommandError, Exit
from bridge.cli.files import TemplateFile
from bridge.cli.linting.created import Created
from bridge.cli.linting.findings import Finding, Rule, found
from bridge.cli.own_cluster import own_cluster
from bridge.model.problem import Problem, Severity
from providers.contract import ProviderError, TransientError
from providers.kubernetes.api import DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX, current_context
from providers.kubernetes.preview import Nodes, Preview, nodes_of, preview
from providers.kubernetes.reach import selectors_of
from providers.kubernetes.rehearsal import rehearse_manifest
from providers.kubernetes.served_schema import Schemas, schema_problems

CURRENT: Final = "current"
"""Stands for the kubeconfig's current context."""
_ARN: Final = "arn:"
_UNAUTHORIZED: Final = 401


@dataclass(frozen=True)
class Shown:
    """A preview, and where its selector is written."""

    file: TemplateFile
    path: str
    preview: Preview
    cluster: str

    def wire(self) -> dict[str, Any]:
        """Return the JSON document."""
        seen = self.preview
        place = self.file.place_of(self.path)
        return {
            "cluster": self.cluster,
            "file": self.file.name,
            "line": place.line if place else None,
            "path": self.path,
            "mode": seen.mode,
            "value": seen.value,
            "matching": len(seen.pods),
            "taken": seen.taken,
            "zones": seen.zones,
            "zonesUnknown": seen.nodes_unknown,
            "pods": [
                {
                    "namespace": pod.namespace,
                    "name": pod.name,
                    "node": pod.node,
                    "zone": pod.zone,
                    "phase": pod.phase,
                }
                for pod in seen.pods
            ],
        }


@dataclass
class Asked:
    """What came of asking."""

    findings: list[Finding] = field(default_factory=list)
    previews: list[Shown] = field(default_factory=list)


def ask_cluster(
    context: str,
    kubeconfig: Path | None,
    resources: Sequence[tuple[TemplateFile, Created]],
    told: Sequence[Finding],
) -> Asked:
    """Ask the cluster of a kubeconfig context, as the context's own user.

    ``told`` is what was found without it. Raises CommandError where it cannot be reached.
    """
    try:
        return asyncio.run(_asked(context, kubeconfig, resources, told))
    except TransientError as error:
        raise CommandError(Exit.NO_BRIDGE, f"--cluster: {error}") from None
    except ProviderError as error:
        msg = f"--cluster: {error}"
        if context.startswith(_ARN):
            name = context.rpartition("/")[2]
            msg += f"; `aws eks update-kubeconfig --name {name}` makes a context of this name"
        raise CommandError(Exit.INVALID, msg) from None


async def _asked(
    context: str,
    kubeconfig: Path | None,
    resources: Sequence[tuple[TemplateFile, Created]],
    told: Sequence[Finding],
) -> Asked:
    name = context.removeprefix(CONTEXT_PREFIX)
    if name == CURRENT:
        name = await current_context(kubeconfig)
    cluster = await own_cluster(kubeconfig, name)
    try:
        return await _Asking(cluster, told).ask(resources)
    finally:
        await cluster.server.close()


class _Asking:
    """One cluster, asked about one resource after the other."""

    def __init__(self, cluster: Cluster, told: Sequence[Finding]) -> None:
        self._cluster = cluster
        self._schemas = Schemas(cluster)
        self._nodes: Nodes | None = None
        self._told = told
        self._asked = Asked()

    async def ask(self, resources: Sequence[tuple[TemplateFile, Created]]) -> Asked:
        try:
            await self._cluster.get("/version")  # whether it answers at all
        except DeniedError as error:
            if error.status == _UNAUTHORIZED:
                message = f"cluster {self._cluster.name} does not know the user; log in again"
                raise ProviderError(message, code=error.code) from None
        for file, one in resources:
            elsewhere = [arn for arn in one.clusters if arn != self._cluster.name]
            if elsewhere and self._cluster.name.startswith(_ARN):
                message = f"goes to {elsewhere[0]}, and not {self._cluster.name} was asked"
                self._add(file, one, Problem("", f"{message}: not checked there"))
                continue
            await self._ask(file, one)
        return self._asked

    async def _ask(self, file: TemplateFile, one: Created) -> None:
        kind, name = str(one.manifest["kind"]), self._cluster.name
        schema = await self._schema(file, one)
        rehearsal = await rehearse_manifest(self._cluster, one.manifest, schema)
        if not rehearsal.served:
            message = (
                f"cluster {name} serves no {kind} of {one.manifest['apiVersion']}; install what "
                "brings it, or choose another cluster"
            )
            self._add(file, one, Problem("kind", message), Rule.CLUSTER_REFUSES)
            return
        ours = {
            finding.problem.path
            for finding in self._told
            if finding.file == file.name and finding.severity is Severity.ERROR
        }
        known = set(ours)
        for problem in schema_problems(schema, one.manifest, ""):
            if one.at(problem.path) not in known:
                message = (
                    f"{problem.message}, says the {kind} of cluster {name}, which is of another "
                    "version than Faultbridge knows; write what the cluster has"
                )
                self._add(file, one, replace(problem, message=message), Rule.CLUSTER_SCHEMA)
                known.add(one.at(problem.path))
        for problem in rehearsal.refused:
            if one.at(problem.path) not in known:
                self._add(file, one, problem, Rule.CLUSTER_REFUSES)
        if rehearsal.unasked:
            message = f"not tried in cluster {name}: {rehearsal.unasked}"
            self._add(file, one, Problem("", message), Rule.CLUSTER_ACCESS)
        elif not rehearsal.refused and known == ours:
            for path in sorted(path for path in ours if path.startswith(one.at("spec"))):
                message = (
                    f"cluster {name} takes it, which is of another version than Faultbridge knows "
                    "or does not check it"
                )
                problem = Problem(path, message, Severity.WARNING)
                self._asked.findings.append(found(file, problem, Rule.CLUSTER_SCHEMA))
        await self._preview(file, one)

    async def _schema(self, file: TemplateFile, one: Created) -> dict[str, Any]:
        try:
            schema = await self._schemas.of(one.manifest["apiVersion"], one.manifest["kind"])
        except DeniedError as error:
            message = f"the schema of cluster {self._cluster.name} may not be read ({error})"
            self._add(file, one, Problem("", message), Rule.CLUSTER_ACCESS)
            return {}
        return schema or {}

    async def _preview(self, file: TemplateFile, one: Created) -> None:
        manifest = one.manifest
        group = str(manifest["apiVersion"]).rpartition("/")[0]
        try:
            if self._nodes is None:
                self._nodes = await nodes_of(self._cluster)
            previews = await preview(
                self._cluster,
                self._nodes,
                selectors_of(group, manifest["kind"], one.namespace, manifest["spec"]),
            )
        except TransientError:
            raise
        except ProviderError as error:
            message = f"which pods of cluster {self._cluster.name} are taken is not known: {error}"
            self._add(file, one, Problem("spec.selector", message), Rule.CLUSTER_ACCESS)
            return
        for seen in previews or ():
            self._asked.previews.append(Shown(file, one.at(seen.path), seen, self._cluster.name))
            for problem in seen.problems(self._cluster.name):
                self._add(file, one, problem, Rule.CLUSTER_SELECTOR)

    def _add(
        self, file: TemplateFile, one: Created, problem: Problem, rule: Rule = Rule.CLUSTER_ACCESS
    ) -> None:
        severity = Severity.WARNING if rule is Rule.CLUSTER_ACCESS else problem.severity
        placed = Problem(one.at(problem.path), problem.message, severity)
        self._asked.findings.append(found(file, placed, rule))


def table(shown: Shown, most: int) -> list[str]:
    """Return a preview in lines: what is taken, then the pods, at most so many."""
    seen = shown.preview
    zones = ", ".join(f"{count} in {zone}" for zone, count in seen.zones.items())
    where = f"; {zones}" if zones else ""
    if seen.nodes_unknown:
        where = f"; zones unknown: {seen.nodes_unknown}"
    head = (
        f"{shown.file.name}: {shown.path} takes {seen.taken} of {_pods(len(seen.pods))} of "
        f"cluster {shown.cluster} ({seen.wording}){where}"
    )
    rows = [
        ("NAMESPACE", "POD", "NODE", "ZONE", "PHASE"),
        *(
            (pod.namespace, pod.name, pod.node or "-", pod.zone or "-", pod.phase)
            for pod in seen.pods[:most]
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if len(seen.pods) > most:
        lines.append(f"  … and {len(seen.pods) - most} more")
    return [head, *(lines if seen.pods else [])]


def _pods(number: int) -> str:
    return f"{number} pod{'' if number == 1 else 's'}"
