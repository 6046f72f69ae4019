"""One custom resource that a run made: where it is, and whose it is.

What stands here is both a record's ``state`` and, as label and annotations, the mark on the
resource itself, so that either can be rebuilt from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from bridge.model.moment import MINUTE, Micros, iso_timestamp
from bridge.model.record import Phase, Record
from providers.contract import FoundMark, Mark
from providers.marks import NEWER
from providers.names import own_name

FAULT: Final = "aws:eks:inject-kubernetes-custom-resource"
CHAOS_MESH: Final = "chaos-mesh.org"
LITMUS: Final = "litmuschaos.io"

INSTALLATION_LABEL: Final = "faultbridge/installation"
"""Label by which the resources of an installation are listed."""
MARK_VERSION: Final = "1"

_PREFIX: Final = "faultbridge/"
_SECOND: Final = MINUTE // 60


def resource_name(installation: str, experiment: str, action: str) -> str:
    """Return the name of an action's resource: always the same, so a repeat is a conflict.

    FIS too names them ``fis-`` and base-32 characters. Chaos Mesh puts the name into a label.
    """
    return own_name("fis-", installation, experiment, action)


class Notes(BaseModel):
    """What a run remembers of its resource from one look to the next, bounded in size."""

    model_config = ConfigDict(frozen=True)

    events: list[str] = Field(default_factory=list)
    """Kubernetes events that were told, by a part of their uid."""
    parts: dict[str, str] = Field(default_factory=dict)
    """What was told last of each part: a node, a run, a result."""
    runs: dict[str, str] = Field(default_factory=dict)
    """Chaos of its parts → why it was not injected, empty where it was; it goes with the part."""
    said: list[str] = Field(default_factory=list)
    """What need not be said twice."""
    stuck: str = ""
    """The causes of a removal that does not end, as they were told last."""
    left: str = ""
    """What a forced clean left of the fault, in words."""


class CustomResource(BaseModel):
    """What is known of the resource; a record's ``state``."""

    model_config = ConfigDict(frozen=True)

    cluster: str
    group: str
    version: str
    kind: str
    plural: str = ""
    """Known from the cluster's discovery; empty before ``prepare``."""
    namespace: str
    name: str
    installation: str
    experiment: str
    action: str
    identity: str = ""
    deadline: int | None = None
    """Planned end of the action, in microseconds since 1970."""
    one_shot: bool = False
    """Whether it acts once, at its creation, and cannot be taken back."""
    lasts: float | None = None
    """Seconds from its creation after which it ends by itself."""
    remote: str = ""
    """Name of the RemoteCluster in which Chaos Mesh carries it out; empty for its own."""
    child: str = ""
    """Kind of what a Schedule creates."""
    status: dict[str, Any] | None = None
    """``kubernetesStatus``: where its state stands, as the author of the action says."""
    notes: Notes = Notes()

    @property
    def api_version(self) -> str:
        """Group and version as in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def id(self) -> str:
        """Full name: cluster, group and version, namespace, kind and name."""
        return f"{self.cluster}/{self.api_version}/{self.namespace}/{self.kind.lower()}/{self.name}"

    @property
    def collection(self) -> str:
        """Path of its kind in its namespace."""
        return f"{group_path(self.group, self.version)}/namespaces/{self.namespace}/{self.plural}"

    @property
    def path(self) -> str:
        """Path of the resource itself."""
        return f"{self.collection}/{self.name}"

    def manifest(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is sent to create it, with its mark."""
        annotations = {
            "installation": self.installation,
            "experiment": self.experiment,
            "action": self.action,
            "identity": self.identity,
            "version": MARK_VERSION,
        }
        if self.deadline is not None:
            annotations["deadline"] = iso_timestamp(Micros(self.deadline))
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                # A label's value must end in a letter or digit; the annotation is exact.
                "labels": {INSTALLATION_LABEL: self.installation.rstrip("-")},
                "annotations": {_PREFIX + key: text for key, text in annotations.items()},
            },
            "spec": dict(spec),
        }

    def owns(self, manifest: Mapping[str, Any]) -> bool:
        """Tell whether the resource in the cluster was made by this action of this run."""
        return all(
            annotation(manifest, key) == value
            for key, value in (
                ("installation", self.installation),
                ("experiment", self.experiment),
                ("action", self.action),
            )
        )


def group_path(group: str, version: str) -> str:
    """Return the path of an API group's version; the core group has its own root."""
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def metadata(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of an object, empty where there is none."""
    found = manifest.get("metadata")
    return found if isinstance(found, dict) else {}


def annotation(manifest: Mapping[str, Any], key: str) -> str:
    """Return one annotation of the mark, or the empty string."""
    return str((metadata(manifest).get("annotations") or {}).get(_PREFIX + key, ""))


def moment(text: object) -> datetime | None:
    """Read a time as Kubernetes writes it (RFC 3339), None where there is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def found_mark(resource: CustomResource, manifest: Mapping[str, Any]) -> FoundMark:
    """Rebuild mark and record from a resource that was found in a cluster."""
    version = annotation(manifest, "version")
    due = moment(annotation(manifest, "deadline"))
    deadline = Micros(int(due.timestamp()) * _SECOND) if due else None
    known = resource.model_copy(update={"deadline": deadline})
    problem = ""
    if not (known.experiment and known.action):
        problem = "its annotations do not say which run made it"
    elif version != MARK_VERSION:
        problem = (
            f'its mark has version "{version[:16]}", this bridge reads {MARK_VERSION}; {NEWER}'
        )
    return FoundMark(
        mark=Mark(
            installation=known.installation,
            experiment=known.experiment,
            action=known.action,
            fault=FAULT,
            deadline=deadline,
            identity=known.identity,
        ),
        record=Record(
            # The whole name: a cluster may be looked into by its ARN and by a context.
            id=f"{known.experiment}/{known.action}/{known.id}",
            action=known.action,
            holders=(known.action,),
            fault=FAULT,
            resource=known.id,
            effect=None,
            phase=Phase.INJECTED,
            accepted=True,
            marked=True,
            state=known.model_dump(),
        ),
        problem=problem,
    )
