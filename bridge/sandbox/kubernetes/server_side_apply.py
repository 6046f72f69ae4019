"""Server-side apply: what a manager wants, laid over what is there, and who owns it then.

As the API server does it: a field that another manager owns and that would change is a conflict
unless forced; a field that the manager applied before and does not apply now is removed, unless
somebody else owns it.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import status
from bridge.sandbox.kubernetes.field_paths import NOTHING, Fields, Path, text
from bridge.sandbox.kubernetes.managed_fields import (
    UPDATE,
    Entry,
    Manager,
    Ownership,
    first_apply,
    given,
    owned,
    typed_schema,
)
from bridge.sandbox.kubernetes.preparation import cannot_handle
from bridge.sandbox.kubernetes.typed_fields import (
    UntypedError,
    check,
    compare,
    fields_of,
    merge,
    same,
    with_named,
    without,
)

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.objects import Object
    from bridge.sandbox.kubernetes.resources import Resource
    from bridge.sandbox.kubernetes.schema import Schema

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""What client-side apply leaves on an object; kubectl's server-side apply takes over from it."""

_KUBECTL = "kubectl"


def check_config(resource: Resource, config: Any) -> None:
    """Refuse what cannot be applied to this resource. Raises ApiError (400)."""
    if not isinstance(config, dict):
        raise status.bad_request("error decoding YAML: the applied configuration is no object")
    version = config.get("apiVersion")
    if version != resource.api_version:
        raise status.bad_request(
            "Incorrect version specified in apply patch. Specified patch version: "
            f"{version or ''}, expected: {resource.api_version}"
        )
    about = config.get("metadata") or {}
    if not isinstance(about, dict):
        raise cannot_handle(resource, "metadata in body must be of type object")
    if about.get("managedFields"):
        raise status.bad_request("metadata.managedFields must be nil")


def apply(
    resource: Resource,
    live: Object | None,
    config: Object,
    manager: Manager,
    now: str,
    *,
    force: bool,
) -> Object:
    """Return the object as it is after this manager's apply, its managedFields included.

    Raises ApiError: 409 with a cause for each field in conflict, 500 (as the real server) for a
    configuration that does not fit the schema.
    """
    schema = typed_schema(resource)
    try:
        check(config, schema)
        return _applied(resource, live, config, manager, now, schema=schema, force=force)
    except UntypedError as error:
        about = config.get("metadata") or {}
        raise status.unclassified(
            f"failed to create typed patch object ({about.get('namespace', '')}/"
            f"{about.get('name', '')}; {resource.group}/{resource.version}, "
            f"Kind={resource.kind}): {error}"
        ) from error


def _applied(
    resource: Resource,
    live: Object | None,
    config: Object,
    manager: Manager,
    now: str,
    *,
    schema: Schema,
    force: bool,
) -> Object:
    before = given(live) if live is not None else {"metadata": {}}
    ownership = Ownership.read(live["metadata"]) if live is not None else Ownership()
    if live is not None and not ownership:
        ownership = first_apply(resource, live, now)
    known = ownership.get(manager.identity)
    mine = owned(fields_of(config, schema), resource, manager.subresource)
    ownership[manager.identity] = Entry(manager, mine, now)
    merged = merge(before, config, schema)
    pruned = _pruned(merged, ownership, known, schema)
    difference = compare(before, pruned, schema)
    changed = frozenset(difference.added | difference.modified)
    conflicts = {
        identity: entry.fields & changed
        for identity, entry in ownership.items()
        if identity != manager.identity and entry.fields & changed
    }
    if conflicts and not force and manager.name == _KUBECTL and live is not None:
        # What kubectl applied from the client's side, it may apply from the server's.
        allowed = _last_applied(live, schema)
        conflicts = {
            identity: left for identity, fields in conflicts.items() if (left := fields - allowed)
        }
    if conflicts and not force:
        raise _conflict([(ownership[identity], fields) for identity, fields in conflicts.items()])
    ownership.take(changed | frozenset(difference.removed), manager)
    if known is not None and known.fields == mine:
        ownership[manager.identity] = Entry(manager, mine, known.time)
    if not mine:
        del ownership[manager.identity]
    _follow_last_applied(pruned, config, manager)
    pruned.setdefault("metadata", {})["managedFields"] = ownership.write()
    return dict(pruned)


def _pruned(merged: Object, ownership: Ownership, last: Entry | None, schema: Schema) -> Object:
    """Remove what the manager applied last, does not apply now, and nobody else owns."""
    if last is None or not last.fields:
        return merged
    was_mine = with_named(last.fields, schema)
    present = with_named(fields_of(merged, schema), schema)
    bare = without(merged, was_mine, schema) or {}
    anybodys: Fields = NOTHING.union(*(entry.fields for entry in ownership.values()))
    kept = with_named(fields_of(bare, schema), schema) | with_named(anybodys, schema)
    with_owned = without(merged, present - kept, schema) or {}
    remaining = with_named(fields_of(with_owned, schema), schema)
    left: Object = without(merged, (present - remaining) & was_mine, schema) or {}
    return left


def _last_applied(live: Object, schema: Schema) -> Fields:
    """Name the fields that client-side apply set and that are as it set them."""
    written = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    try:
        config = json.loads(written or "null")
        if not isinstance(config, dict):
            return NOTHING
        difference = compare(config, live, schema)
        return fields_of(config, schema).difference(
            difference.added, difference.modified, difference.removed
        )
    except ValueError:
        return NOTHING


def _follow_last_applied(obj: Object, config: Object, manager: Manager) -> None:
    """Keep client-side apply's note up to date, where kubectl has left one."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if manager.name != _KUBECTL or LAST_APPLIED not in annotations:
        return
    wanted = json.loads(json.dumps(config))
    notes = (wanted.get("metadata") or {}).get("annotations") or {}
    notes.pop(LAST_APPLIED, None)
    try:
        if same(json.loads(annotations[LAST_APPLIED]), wanted):
            return
    except ValueError:
        pass
    written = json.dumps(wanted, separators=(",", ":"), sort_keys=True)
    annotations[LAST_APPLIED] = written + "\n"


def _conflict(found: list[tuple[Entry, Fields]]) -> status.ApiError:
    ordered = sorted(found, key=lambda pair: _described(pair[0]))
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_described(entry)}",
            "field": text(path),
        }
        for entry, fields in ordered
        for path in sorted(fields, key=_rank)
    ]
    if len(causes) == 1:
        why = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines = []
        for entry, fields in ordered:
            lines.append(f"conflicts with {_described(entry)}:")
            lines += [f"- {text(path)}" for path in sorted(fields, key=_rank)]
        why = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    return status.ApiError(HTTPStatus.CONFLICT, "Conflict", why, details={"causes": causes})


def _rank(path: Path) -> list[tuple[bool, str]]:
    """Order paths as sets of fields are gone through: what is itself in the set comes first."""
    return [(index < len(path) - 1, step) for index, step in enumerate(path)]


def _described(entry: Entry) -> str:
    manager = entry.manager
    described = json.dumps(manager.name)
    if manager.subresource:
        described += f" with subresource {json.dumps(manager.subresource)}"
    return f"{described} using {manager.api_version}" if manager.operation == UPDATE else described
