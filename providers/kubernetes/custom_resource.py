"""The fault that is a custom resource: created for the run, watched, and removed at its end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from bridge.model.problem import Problem, Severity
from bridge.model.record import Record
from providers.by_hand import ByHand
from providers.contract import (
    DONE,
    TARGETS,
    Denial,
    Effect,
    Fault,
    Group,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Permission,
    Plan,
    Reach,
    Resource,
    Subject,
    TargetSpec,
    Timing,
    Undo,
    optional,
    required,
)
from providers.kubernetes.api import Answer, ApiError
from providers.kubernetes.before import reviewed
from providers.kubernetes.by_hand import by_hand
from providers.kubernetes.calls import NotServedError, create, located, read
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.described import described
from providers.kubernetes.forced import give_up
from providers.kubernetes.parameters import CustomResourceParameters, status_parameter_problems
from providers.kubernetes.reach import reach_of, reached_by
from providers.kubernetes.refusals import refusal, rejected
from providers.kubernetes.resource import FAULT, CustomResource, resource_name
from providers.kubernetes.rights import rights_of
from providers.kubernetes.session import KubernetesSession
from providers.kubernetes.spec_problems import executor_problem, native_problems, spec_problems
from providers.kubernetes.spec_text import SpecTextError
from providers.kubernetes.status_path import read_status
from providers.kubernetes.timers import with_switch


class InjectCustomResource(Fault):
    """Create a Chaos Mesh, Litmus or other custom resource in a cluster; remove it at the end."""

    id = FAULT
    undoing = "delete it, with which its controller undoes what it did"
    provider = "kubernetes"
    target = TargetSpec("Cluster", "aws:eks:cluster", single=True)
    permissions = (
        # Of Chaos Mesh, as the example; the group is that of the resource.
        *required("chaos-mesh.org/*:create", "chaos-mesh.org/*:get", "chaos-mesh.org/*:delete"),
        *optional(
            "chaos-mesh.org/*:list",
            loses="each resource is read by itself, and rescue finds none if the database is lost",
        ),
        *optional("chaos-mesh.org/*:watch", loses="changes are seen some seconds later"),
        *optional(
            "chaos-mesh.org/*:patch",
            loses="a Workflow, a Schedule or a ChaosEngine is deleted without having been stopped "
            "first, and a stuck resource cannot be released",
        ),
        *optional("core/events:list", loses="the journal does not show Kubernetes' own events"),
        *optional(
            "chaos-mesh.org/workflownodes:list",
            loses="nobody is told which nodes of a Workflow injected something",
        ),
        *optional(
            "litmuschaos.io/chaosresults:get",
            loses="error code and probes of a failed ChaosEngine are not told",
        ),
        *optional(
            "core/pods:get",
            "admissionregistration.k8s.io/validatingwebhookconfigurations:list",
            "admissionregistration.k8s.io/mutatingwebhookconfigurations:list",
            "core/endpoints:get",
            loses="why a finalizer is stuck is told in part only",
        ),
        *optional(
            "pods:list", loses="guardrails on tags, shares and numbers refuse every run with it"
        ),
    )

    reader_permissions = required("eks:DescribeCluster", on=(TARGETS,))
    """Where its API server is, the bridge asks as itself."""

    class Parameters(CustomResourceParameters):
        """The resource to create, in FIS's words."""

    def undo(self, parameters: Parameters) -> Undo:  # noqa: ARG002 - the same for all kinds
        """The resource is removed; its controller undoes what can be undone."""
        return Undo.RESTORES

    def timing(self, parameters: Parameters) -> Timing:
        """It ends when the resource says so; the maximum duration passed is a failure."""
        return Timing.until_ended(parameters.max_duration)

    def check(self, parameters: Parameters, path: str) -> list[Problem]:
        """Check the spec as who carries it out would, and its own duration against the maximum."""
        judge = native_problems if parameters.native else spec_problems
        found = judge(
            parameters.kubernetes_api_version,
            parameters.kubernetes_kind,
            parameters.kubernetes_namespace,
            parameters.kubernetes_spec,
            limit=parameters.max_duration,
            path=path,
        )
        if parameters.kubernetes_status is not None:
            # Whoever says how its end is told needs no warning that nobody knows.
            unknown = f"{path}.kubernetesKind", Severity.WARNING
            found = [one for one in found if (one.path, one.severity) != unknown]
            found += status_parameter_problems(parameters, f"{path}.kubernetesStatus")
        if parameters.carried_out_by == "faultbridge" and not parameters.native:
            return [executor_problem(parameters.kubernetes_kind, path), *found]
        return found

    def needs(self, parameters: Parameters) -> Sequence[Permission]:
        """Say it of the resource's own group, kind and namespaces."""
        if parameters.native:
            return ()
        return rights_of(self.permissions, *_identity(parameters), parameters.spec)

    def undone_by_hand(self, parameters: Parameters) -> ByHand:
        """Delete it with kubectl."""
        return by_hand(*_identity(parameters))

    def reach(self, parameters: Parameters) -> Reach:
        """Name the namespaces that its spec reaches, and how many pods it takes."""
        if parameters.native:
            return Reach()
        try:
            spec = parameters.spec
        except SpecTextError:
            return Reach()  # refused for that
        return reach_of(*_identity(parameters), spec)

    async def reached(
        self, session: KubernetesSession, parameters: Parameters, resources: Sequence[Resource]
    ) -> Sequence[Group]:
        """List the pods that its selectors may take, in each cluster."""
        found: list[Group] = []
        for one in resources:
            cluster = await session.cluster(one.id)
            found += await reached_by(cluster, *_identity(parameters), parameters.spec)
        return found

    def subjects(
        self, parameters: Parameters, resources: Sequence[Resource], plan: Plan
    ) -> list[Subject]:
        """Name the resource of each cluster (there is one)."""
        spec, kind, group = parameters.spec, parameters.kubernetes_kind, parameters.group
        _, lasts = with_switch(group, kind, spec, parameters.max_duration)
        known = described(group, kind, spec, lasts)
        status = parameters.kubernetes_status
        if status is not None:
            known["status"] = read_status(status).model_dump(mode="json", by_alias=True)
        named = [
            CustomResource(
                cluster=cluster.id,
                group=group,
                version=parameters.kubernetes_api_version.rpartition("/")[2],
                kind=kind,
                namespace=parameters.kubernetes_namespace,
                name=resource_name(plan.installation, plan.experiment, plan.action),
                installation=plan.installation,
                experiment=plan.experiment,
                action=plan.action,
                deadline=plan.ends_at,
                **known,
            )
            for cluster in resources
        ]
        return [Subject(resource.id, resource.model_dump()) for resource in named]

    async def review(
        self, session: KubernetesSession, parameters: Parameters, resources: Sequence[Resource]
    ) -> list[Denial]:
        """Ask each cluster for the rights, then rehearse the creation (a server-side dry run)."""
        plan = Plan("", "", session.caller.installation, None)
        denials: list[Denial] = []
        for subject in self.subjects(parameters, resources, plan):
            named = CustomResource.model_validate(subject.state)
            cluster = await session.cluster(named.cluster)
            spec, _ = with_switch(named.group, named.kind, parameters.spec, parameters.max_duration)
            denials += await reviewed(cluster, named, spec)
        return denials

    async def prepare(
        self,
        session: KubernetesSession,
        parameters: Parameters,  # noqa: ARG002 - subjects() took what is needed
        records: Sequence[Record],
    ) -> Outcomes:
        """Find the kind in the cluster's discovery, and note how to address the resource."""
        outcomes: dict[str, Outcome] = {}
        for record in records:
            named = CustomResource.model_validate(record.state)
            cluster = await session.cluster(named.cluster)
            try:
                resource = await located(cluster, named)
            except NotServedError as error:
                outcomes[record.id] = rejected(str(error))
            except ApiError as error:
                outcomes[record.id] = rejected(refusal(cluster, "get", error))
            else:
                identity = session.caller.identity or ""
                record.state = resource.model_copy(update={"identity": identity}).model_dump()
                outcomes[record.id] = DONE
        return outcomes

    async def inject(
        self, session: KubernetesSession, parameters: Parameters, records: Sequence[Record]
    ) -> Outcomes:
        """Create the resource. One that is there already counts if it carries this run's mark."""
        outcomes: dict[str, Outcome] = {}
        for record in records:
            resource = CustomResource.model_validate(record.state)
            cluster = await session.cluster(resource.cluster)
            spec, _ = with_switch(
                resource.group, resource.kind, parameters.spec, parameters.max_duration
            )
            outcomes[record.id] = await create(cluster, resource, spec)
            if outcomes[record.id].kind is OutcomeKind.PENDING:
                session.follow(cluster, resource)
        return outcomes

    async def observe(self, session: KubernetesSession, records: Sequence[Record]) -> Observations:
        """Read each resource, several of a kind with one list, and judge its status."""
        collections: dict[tuple[str, str], list[tuple[Record, CustomResource]]] = defaultdict(list)
        for record in records:
            resource = CustomResource.model_validate(record.state)
            collections[resource.cluster, resource.collection].append((record, resource))
        seen: dict[str, Observation] = {}
        for (cluster_id, _), entries in collections.items():
            cluster = await session.cluster(cluster_id)
            found = await read(cluster, [resource for _, resource in entries])
            looks = await asyncio.gather(
                *(self._look(session, cluster, one, found.get(one.name)) for _, one in entries)
            )
            seen |= {record.id: look for (record, _), look in zip(entries, looks, strict=True)}
        return seen

    @staticmethod
    async def _look(
        session: KubernetesSession, cluster: Cluster, resource: CustomResource, there: Answer | None
    ) -> Observation:
        if there is None:
            session.forget(resource)
            return Observation(Effect.ABSENT)
        if not resource.owns(there.body):
            return Observation(
                Effect.UNKNOWN, "a resource of its name exists without this run's mark"
            )
        seen = await session.look(cluster, resource, there)
        session.follow(cluster, resource)
        return seen

    async def revert(self, session: KubernetesSession, records: Sequence[Record]) -> Outcomes:
        """Delete the resource, once its controller has a hold on it, and only if it is ours.

        What can be stopped in order is stopped first: a Workflow, a Schedule, a ChaosEngine.
        """
        steps = []
        for record in records:
            resource = CustomResource.model_validate(record.state)
            cluster = await session.cluster(resource.cluster)
            outcome, version = await session.remove(cluster, resource)
            if outcome.kind is OutcomeKind.DONE:
                session.forget(resource)
            else:
                session.follow(cluster, resource)
            steps.append((cluster, resource, outcome, version))
        # All at once: one list of events then serves them all.
        told = await asyncio.gather(*(session.told(*step) for step in steps))
        return {record.id: outcome for record, outcome in zip(records, told, strict=True)}

    async def release(
        self, session: KubernetesSession, records: Sequence[Record], *, webhooks: bool = False
    ) -> Outcomes:
        """Take the resource's finalizers off by force; the fault is left as it is."""
        outcomes: dict[str, Outcome] = {}
        for record in records:
            resource = CustomResource.model_validate(record.state)
            cluster = await session.cluster(resource.cluster)
            outcomes[record.id] = await give_up(cluster, resource, webhooks=webhooks)
            if outcomes[record.id].kind is OutcomeKind.DONE:
                session.forget(resource)
        return outcomes


def _identity(parameters: InjectCustomResource.Parameters) -> tuple[str, str, str]:
    return parameters.group, parameters.kubernetes_kind, parameters.kubernetes_namespace
