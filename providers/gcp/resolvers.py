"""Find the Google Cloud resources that a target of a template asks for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from bridge.model.problem import Problem
from bridge.model.scope import Scope
from bridge.model.template import TemplateTarget
from bridge.model.wording import child
from providers.contract import (
    Permission,
    ProviderError,
    Resolution,
    Resolver,
    Resource,
    TargetParameter,
    Where,
    indirect,
    required,
)
from providers.filters import matches
from providers.gcp.describe import described, read
from providers.gcp.filters import has_labels, label_filter, label_problem
from providers.gcp.groups import group_of, members_of
from providers.gcp.names import Name, canonical, check_name, check_project, check_zone
from providers.gcp.session import GcpSession
from providers.refusals import RefusedError

_Found = dict[str, dict[str, Any]]
"""Resources by full name."""


class _GceResolver(Resolver):
    """Resources of Compute Engine's zones, by full names, or by project and what narrows it."""

    provider = "gcp"
    collection: ClassVar[str]
    """As in the URL: ``instances``."""
    word: ClassVar[str]
    """In a message: ``instance``."""
    owner: ClassVar[str]
    """The parameter that names what the resources belong to, instead of a project."""

    def check_id(self, resource_id: str) -> str | None:
        """Return what is wrong with the form of the full name, or None."""
        return check_name(resource_id, self.collection, self.word)

    def check(self, target: TemplateTarget, path: str) -> list[Problem]:
        """Find a project that is missing or contradicted, and labels that cannot exist."""
        given = target.parameters
        if target.resource_arns:
            reason = "does not go with resourceArns, which name their place; remove it"
            found = [("parameters", name, reason) for name in given]
        else:
            found = [("parameters", *one) for one in self._parameter_problems(given)]
            for key, value in target.resource_tags.items():
                if message := label_problem(key, value):
                    found.append(("resourceTags", key, message))
        return [
            Problem(path=child(child(path, part), name), message=message)
            for part, name, message in found
        ]

    def _parameter_problems(self, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        owner = given.get(self.owner)
        checks = {"project": check_project, "zone": check_zone}
        for name, check in checks.items():
            if message := check(given[name]) if name in given else None:
                yield name, message
        if owner is None and "project" not in given:
            message = f"is missing: resources are searched in one project; add it, or {self.owner}"
            yield "project", message
        if message := self._owner_problem(owner, given) if owner is not None else None:
            yield self.owner, message
        yield from self.more_problems(given)

    def _owner_problem(self, owner: str, given: Mapping[str, str]) -> str | None:
        if problem := self.check_owner(owner):
            return problem
        project = Name.of(owner).project
        if given.get("project", project) != project:
            return f"is in the project {project}, not in {given['project']}; correct one of them"
        return None

    @abstractmethod
    def check_owner(self, owner: str) -> str | None:
        """Return what is wrong with the form of the owner's name, or None."""

    def more_problems(self, given: Mapping[str, str]) -> Iterable[tuple[str, str]]:  # noqa: ARG002 - disks have some
        """Return parameters and what is wrong with them, for this kind alone."""
        return ()

    def needs(self, target: TemplateTarget) -> Sequence[Permission]:
        """Name what is needed for a target that is named, by its owner or by its place."""
        owned = self.owner in target.parameters
        found: list[Permission] = []
        for right in self.permissions:
            if right.need == "indirect":
                found += [Permission(right.name, note=right.note)] if owned else []
            elif not right.name.endswith(".list"):
                found.append(right)
            elif owned or target.resource_arns:
                found += indirect(right.name, because="beyond five of a zone they are listed")
            else:
                found.append(right)
        return found

    def where(self, target: TemplateTarget, scope: Scope) -> Sequence[Where]:  # noqa: ARG002 - targets name their projects
        """Name the projects; roles are bound to a whole project."""
        names = [*target.resource_arns, *filter(None, [target.parameters.get(self.owner)])]
        projects = {Name.of(name).project for name in names}
        if project := target.parameters.get("project"):
            projects.add(project)
        return [Where(project) for project in sorted(projects)]

    async def resolve(self, session: GcpSession, target: TemplateTarget) -> Resolution:
        """Find them, ordered by full name. Raises ProviderError."""
        missing: Sequence[str] = ()
        if target.resource_arns:
            found = await described(session, map(canonical, target.resource_arns))
            missing = [name for name in target.resource_arns if canonical(name) not in found]
        elif owner := target.parameters.get(self.owner):
            found, missing = await self.owned(session, Name.of(owner), target.parameters)
        else:
            found = await self._listed(session, target)
        kept = {
            name: one
            for name, one in sorted(found.items())
            if has_labels(one, target.resource_tags)
            and matches(one, target.filters)
            and _in_zone(name, target.parameters)
        }
        return Resolution(
            [
                Resource(
                    self.resource_type,
                    name,
                    {"arn": name, **self.information(one)},
                    dict(one.get("labels", {})),
                )
                for name, one in kept.items()
            ],
            missing,
        )

    async def _listed(self, session: GcpSession, target: TemplateTarget) -> _Found:
        place = {"project": target.parameters["project"]}
        if text := label_filter(target.resource_tags):
            place["filter"] = text
        try:
            if zone := target.parameters.get("zone"):
                rows = await session.listed(self.collection, zone=zone, **place)
            else:
                scopes = await session.listed(self.collection, "aggregatedList", **place)
                rows = [one for _, scope in scopes for one in scope.get(self.collection, ())]
        except RefusedError as refusal:
            raise _no_such_place(refusal, target.parameters) from None
        # A regional disk is in two zones at once, and attached by other rules.
        named = {canonical(one["selfLink"]): one for one in rows}
        return {name: one for name, one in named.items() if not self.check_id(name)}

    @abstractmethod
    async def owned(
        self, session: GcpSession, owner: Name, parameters: Mapping[str, str]
    ) -> tuple[_Found, Sequence[str]]:
        """Return what belongs to the owner, and what was asked for by name and does not.

        Raises ProviderError.
        """

    def information(self, described: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG002 - instances have some
        """Return what faults need to know of a resource before they read it themselves."""
        return {}


def _in_zone(name: str, parameters: Mapping[str, str]) -> bool:
    zone = parameters.get("zone")
    return zone is None or Name.of(name).location == f"zones/{zone}"


def _no_such_place(refusal: RefusedError, parameters: Mapping[str, str]) -> ProviderError:
    if not refusal.gone:
        return refusal
    zone = parameters.get("zone")
    where = f"the zone {zone} or " if zone else ""
    return ProviderError(
        f"{where}the project {parameters['project']} does not exist: {refusal}", code=refusal.code
    )


_PLACES = {
    "project": TargetParameter(
        "Id of the Google project to search; required unless a full name is given."
    ),
    "zone": TargetParameter(
        "Name of the zone that they are in; without it all zones are searched."
    ),
}


class InstanceResolver(_GceResolver):
    """Compute Engine instances.

    Stopped ones count: Compute Engine calls them TERMINATED, and they can start again. Deleted
    ones are not listed at all.
    """

    resource_type = "gcp:compute:instance"
    description = "A Compute Engine instance"
    collection = "instances"
    word = "instance"
    owner = "instanceGroupManager"
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        **_PLACES,
        "instanceGroupManager": TargetParameter(
            "Full name of the managed instance group, zonal or regional, whose members they are."
        ),
    }
    permissions = (
        *required("compute.instances.get", "compute.instances.list"),
        *indirect(
            "compute.instanceGroupManagers.get",
            because="the members of a managed instance group are listed",
        ),
    )

    def check_owner(self, owner: str) -> str | None:
        """Return what is wrong with the form of the group's name, or None."""
        word = "managed instance group"
        return check_name(owner, "instanceGroupManagers", word, "zones|regions")

    async def owned(
        self,
        session: GcpSession,
        owner: Name,
        parameters: Mapping[str, str],  # noqa: ARG002 - the zone is looked at by resolve
    ) -> tuple[_Found, Sequence[str]]:
        """Return the members of a group."""
        members = await members_of(session, owner)
        if members is None:
            return {}, [str(owner)]
        return await described(session, members), ()

    def information(self, described: Mapping[str, Any]) -> dict[str, str]:
        """Return the networks that the instance is in, and its managed group, if it has one."""
        interfaces = described.get("networkInterfaces", ())
        networks = dict.fromkeys(canonical(one["network"]) for one in interfaces)
        group = group_of(described)
        return {"networks": ",".join(networks)} | ({"instanceGroupManager": group} if group else {})


class DiskResolver(_GceResolver):
    """Zonal disks of Compute Engine, also the boot disks."""

    resource_type = "gcp:compute:disk"
    description = "A Compute Engine disk"
    collection = "disks"
    word = "disk"
    owner = "instance"
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        **_PLACES,
        "instance": TargetParameter(
            "Full name of the instance that they are attached to; without deviceNames all of its "
            "disks but the boot disk."
        ),
        "deviceNames": TargetParameter(
            "Device names under which the instance knows them, separated by commas."
        ),
    }
    permissions = (
        *required("compute.disks.get", "compute.disks.list"),
        *indirect(
            "compute.instances.get", because="an instance's disks are found by its device names"
        ),
    )

    def check_owner(self, owner: str) -> str | None:
        """Return what is wrong with the form of the instance's name, or None."""
        return check_name(owner, "instances", "instance")

    def more_problems(self, given: Mapping[str, str]) -> Iterable[tuple[str, str]]:
        """Refuse device names without the instance that has them."""
        if "deviceNames" in given and "instance" not in given:
            yield "deviceNames", "means nothing without instance; add it"
        if "deviceNames" in given and not _words(given["deviceNames"]):
            yield "deviceNames", 'is empty; write it like "data-1,data-2"'

    async def owned(
        self, session: GcpSession, owner: Name, parameters: Mapping[str, str]
    ) -> tuple[_Found, Sequence[str]]:
        """Return an instance's disks, by device name or all but the boot disk."""
        instance = await read(session, owner)
        if instance is None:
            return {}, [str(owner)]
        attached = {
            one["deviceName"]: canonical(one["source"])
            for one in instance.get("disks", ())
            if "source" in one
        }
        if "deviceNames" in parameters:
            wanted = _words(parameters["deviceNames"])
        else:
            boot = {one["deviceName"] for one in instance.get("disks", ()) if one.get("boot")}
            wanted = [device for device in attached if device not in boot]
        missing = [f"{owner}: {device}" for device in wanted if device not in attached]
        names = [attached[device] for device in wanted if device in attached]
        return await described(session, names), missing


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(filter(None, (word.strip() for word in text.split(",")))))
