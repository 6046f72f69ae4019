"""Who set which field: `metadata.managedFields`, kept as the API server keeps them.

An object without any is not tracked (`KubernetesEmulator.install` makes such objects, and so
did servers before 1.18): the first apply finds all its fields owned by `before-first-apply`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import field_paths
from bridge.sandbox.kubernetes.builtin_schemas import model_name, schema_of
from bridge.sandbox.kubernetes.field_paths import NOTHING, Fields, Path
from bridge.sandbox.kubernetes.objects import Object, copy_json, drop_empty
from bridge.sandbox.kubernetes.typed_fields import compare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.sandbox.kubernetes.resources import Resource
    from bridge.sandbox.kubernetes.schema import Schema

APPLY, UPDATE = "Apply", "Update"
BEFORE_FIRST_APPLY = "before-first-apply"
MANAGER_LIMIT = 128
"""Characters of a manager's name."""

_ANCIENT = "ancient-changes"
_MOST_UPDATERS = 10
"""Managers that updated an object; the oldest beyond them are put together."""

_NOBODYS: tuple[Path, ...] = tuple(
    tuple(map(field_paths.field_step, names))
    for names in (
        ("apiVersion",),
        ("kind",),
        ("metadata",),
        ("metadata", "name"),
        ("metadata", "namespace"),
        ("metadata", "creationTimestamp"),
        ("metadata", "selfLink"),
        ("metadata", "uid"),
        ("metadata", "generation"),
        ("metadata", "managedFields"),
        ("metadata", "resourceVersion"),
    )
)
"""Fields that nobody owns."""


@dataclass(frozen=True)
class Manager:
    """Who writes, and how: one entry of the list. An applier's version is not part of its name."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What tells entries apart."""
        version = "" if self.operation == APPLY else self.api_version
        return self.name, self.operation, version, self.subresource


@dataclass(frozen=True)
class Entry:
    """The fields of one manager, and when they last changed (RFC 3339; "" for unknown)."""

    manager: Manager
    fields: Fields
    time: str = ""


class Ownership(dict[tuple[str, str, str, str], Entry]):
    """The entries of one object."""

    @classmethod
    def read(cls, metadata: Mapping[str, Any]) -> Ownership:
        """Read an object's `managedFields`. Raises ValueError for what is none."""
        found = cls()
        for raw in metadata.get("managedFields") or ():
            if not isinstance(raw, dict) or raw.get("operation") not in (APPLY, UPDATE):
                raise ValueError("the operation of a manager is Apply or Update")
            if raw.get("fieldsType") != "FieldsV1":
                raise ValueError('fieldsType must be "FieldsV1"')
            manager = Manager(
                str(raw.get("manager", "")),
                raw["operation"],
                str(raw.get("apiVersion", "")),
                str(raw.get("subresource", "")),
            )
            fields = field_paths.decode(raw.get("fieldsV1") or {})
            found[manager.identity] = Entry(manager, fields, str(raw.get("time") or ""))
        return found

    def write(self) -> list[dict[str, Any]]:
        """Write them as an object's metadata holds them: appliers first, then by time."""
        return [
            {
                "manager": entry.manager.name,
                "operation": entry.manager.operation,
                "apiVersion": entry.manager.api_version,
                **({"time": entry.time} if entry.time else {}),
                "fieldsType": "FieldsV1",
                "fieldsV1": field_paths.encode(entry.fields),
                **({"subresource": entry.manager.subresource} if entry.manager.subresource else {}),
            }
            for entry in sorted(
                self.values(),
                key=lambda entry: (entry.manager.operation, entry.time, entry.manager.name),
            )
        ]

    def set(self, manager: Manager, fields: Fields, now: str) -> None:
        """Give a manager exactly these fields; its time changes only if they do."""
        known = self.get(manager.identity)
        if not fields:
            self.pop(manager.identity, None)
        elif known is None or known.fields != fields:
            self[manager.identity] = Entry(manager, fields, now)
        else:
            self[manager.identity] = replace(known, manager=manager)

    def take(self, fields: Fields, keeper: Manager) -> None:
        """Take fields away from everybody but one."""
        for identity, entry in list(self.items()):
            if identity == keeper.identity or not entry.fields & fields:
                continue
            left = entry.fields - fields
            if left:
                self[identity] = replace(entry, fields=left)
            else:
                del self[identity]

    def limit(self) -> None:
        """Put the oldest updaters together where there are too many."""
        updaters = [entry for entry in self.values() if entry.manager.operation == UPDATE]
        updaters.sort(key=lambda entry: entry.time)
        while len(updaters) > _MOST_UPDATERS:
            first, second = updaters.pop(0), updaters.pop(0)
            for entry in (first, second):
                del self[entry.manager.identity]
            bucket = Manager(_ANCIENT, UPDATE, first.manager.api_version)
            joined = Entry(bucket, first.fields | second.fields, second.time)
            self[bucket.identity] = joined
            updaters.insert(0, joined)


def typed_schema(resource: Resource) -> Schema:
    """Return the schema by which fields are told apart: that of the whole object."""
    if resource.schema is None:
        return schema_of(model_name(resource.kind))
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        **(resource.schema.get("properties") or {}),
        "metadata": schema_of("V1ObjectMeta"),
    }
    return {**resource.schema, "properties": properties}


def owned(fields: Fields, resource: Resource, subresource: str) -> Fields:
    """Leave out what nobody owns, and what this endpoint does not write."""
    status = field_paths.field_step("status")
    left = fields.difference(_NOBODYS)
    if subresource == "status":
        return frozenset(path for path in left if path[0] == status)
    if resource.has_status:
        return frozenset(path for path in left if path[0] != status)
    return left


def given(obj: Object) -> Object:
    """Return an object without its managedFields, which own nothing themselves."""
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    return {**obj, "metadata": metadata}


def manager_name(named: str | None, user_agent: str) -> str:
    """Name the manager of a request: its `fieldManager`, else the program that sends it."""
    if named:
        return named
    program = user_agent.partition("/")[0]
    return "".join(letter for letter in program if letter.isprintable())[:MANAGER_LIMIT]


def track(resource: Resource, old: Object | None, new: Object, manager: Manager, now: str) -> None:
    """Note in `new`, in place, what a create or update by this manager has made its own."""
    live = old if old is not None else {}
    drop_empty(new["metadata"])
    ownership = _known(live, new)
    if ownership is None:
        new["metadata"].pop("managedFields", None)
        return
    before = given(live) if old is not None else _blank(resource)
    difference = compare(before, given(new), typed_schema(resource))
    removed = frozenset(difference.removed)
    changed = frozenset(difference.added | difference.modified)
    ownership.take(changed | removed, manager)
    mine = ownership.get(manager.identity)
    fields = ((mine.fields if mine else NOTHING) - removed) | changed
    ownership.set(manager, owned(fields, resource, manager.subresource), now)
    ownership.limit()
    new["metadata"]["managedFields"] = ownership.write()
    if not ownership:
        del new["metadata"]["managedFields"]


def _known(live: Object, new: Object) -> Ownership | None:
    """Read the entries to go on from: the writer's own where it sends some, else the object's.

    None where the object is not tracked: it has no entries, or they are being reset by `[{}]`.
    """
    sent = (new.get("metadata") or {}).get("managedFields")
    if sent == [{}]:
        return None
    for metadata in (new.get("metadata") or {}, live.get("metadata") or {}):
        try:
            found = Ownership.read(metadata)
        except (ValueError, TypeError):
            continue
        if found:
            return found
    return None if live else Ownership()


def first_apply(resource: Resource, live: Object, now: str) -> Ownership:
    """Describe who owns an object that was not tracked before its first apply."""
    manager = Manager(BEFORE_FIRST_APPLY, UPDATE, resource.api_version)
    copied = given(live)
    track(resource, None, copied, manager, now)
    return Ownership.read(copied["metadata"])


def _blank(resource: Resource) -> Any:
    """Return the object that a new one is compared with: what its type always writes is there."""
    if resource.custom:
        return {"apiVersion": "", "kind": "", "metadata": {}}
    return {"metadata": {}, **copy_json(_BLANKS.get(resource.kind, {}))}


_BLANK_POD = {"metadata": {"creationTimestamp": None}, "spec": {"containers": None}}
_BLANKS: dict[str, dict[str, Any]] = {
    "Pod": {"spec": {"containers": None}, "status": {}},
    "Namespace": {"spec": {}, "status": {}},
    "Service": {"spec": {}, "status": {"loadBalancer": {}}},
    "Node": {
        "spec": {},
        "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": {}},
    },
    "Deployment": {
        "spec": {"selector": None, "strategy": {}, "template": _BLANK_POD},
        "status": {},
    },
    "ReplicaSet": {"spec": {"selector": None, "template": _BLANK_POD}, "status": {"replicas": 0}},
    "Role": {"rules": None},
    "ClusterRole": {"rules": None},
    "RoleBinding": {"roleRef": {"apiGroup": "", "kind": "", "name": ""}},
    "ClusterRoleBinding": {"roleRef": {"apiGroup": "", "kind": "", "name": ""}},
    "Event": {
        "involvedObject": {},
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    "CustomResourceDefinition": {
        "spec": {
            "group": "",
            "names": {"plural": "", "kind": ""},
            "scope": "",
            "versions": None,
        },
        "status": {
            "conditions": None,
            "acceptedNames": {"plural": "", "kind": ""},
            "storedVersions": None,
        },
    },
}
