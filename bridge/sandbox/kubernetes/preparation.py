"""From a request's body to an object that may be stored: decoding, pruning, rules, completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import builtin, builtin_rules, crd, metadata, request, schema, status
from bridge.sandbox.kubernetes.builtin_schemas import model_name, schema_of
from bridge.sandbox.kubernetes.managed_fields import MANAGER_LIMIT
from bridge.sandbox.kubernetes.objects import Object, copy_json
from bridge.sandbox.kubernetes.resources import ADMISSION, DEFINITIONS, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bridge.sandbox.kubernetes.request import RequestInfo

_NOT_CALLED = (
    "the emulator calls no webhooks (the sandbox has those of Chaos Mesh built in): what others "
    "refuse or change is accepted here as it is"
)
FIELD_VALIDATION = ("Strict", "Warn", "Ignore")


def read_object(
    resource: Resource, info: RequestInfo, body: bytes, content_type: str
) -> tuple[Object, list[str]]:
    """Decode the body of a create or update.

    Returns the object and the paths of fields given twice. Raises ApiError for a body that is
    not an object of this resource, or whose name or namespace contradict the path.
    """
    obj, twice = request.parse(body, content_type)
    check_object(resource, info, obj)
    return obj, twice


def check_object(resource: Resource, info: RequestInfo, obj: Any) -> None:
    """Check that a decoded body is an object of this resource, and at home in this path."""
    if not isinstance(obj, dict):
        raise cannot_handle(resource, f"the body is a JSON {schema.type_name(obj)}, not an object")
    _check_kind(resource, obj)
    meta = obj.setdefault("metadata", {})
    if not isinstance(meta, dict):
        raise cannot_handle(resource, "metadata in body must be of type object")
    if info.name and meta.get("name") not in (None, "", info.name):
        raise status.bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL "
            f"({info.name})"
        )
    if info.name:
        meta["name"] = info.name
    namespace = info.namespace if resource.namespaced else ""
    if meta.get("namespace") not in (None, "", namespace):
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if namespace:
        meta["namespace"] = namespace


def _check_kind(resource: Resource, obj: Object) -> None:
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if resource.custom and not kind:
        raise cannot_handle(resource, "Object 'Kind' is missing in the body")
    if resource.custom and not version:
        raise cannot_handle(resource, "Object 'apiVersion' is missing in the body")
    if kind not in (None, "", resource.kind):
        if resource.custom:
            wrong = status.invalid_value("kind", kind, f"must be {resource.kind}")
            name = (obj.get("metadata") or {}).get("name", "")
            raise status.invalid(resource.group, kind, name, [wrong])
        raise _unregistered(resource, kind, version or resource.api_version)
    if version not in (None, "", resource.api_version):
        if not resource.custom:
            raise _unregistered(resource, kind or resource.kind, version)
        raise status.bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind


def _unregistered(resource: Resource, kind: str, version: str) -> status.ApiError:
    return status.bad_request(
        f'{kind} in version "{version}" cannot be handled as a {resource.kind}: '
        f'no kind "{kind}" of version "{version}" is served here'
    )


def cannot_handle(resource: Resource, why: str) -> status.ApiError:
    """Refuse a body that cannot be decoded, as the API server words it."""
    return status.bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a '
        f"{resource.kind}: {why}"
    )


def prune_fields(resource: Resource, obj: Object, twice: list[str], mode: str) -> list[str]:
    """Drop unknown fields in place and check the types of the known ones.

    `mode` is the request's `fieldValidation`: Strict refuses unknown and doubled fields, Warn
    returns a warning for each, Ignore is silent.
    """
    if mode not in FIELD_VALIDATION:
        wrong = status.unsupported_value("fieldValidation", mode, FIELD_VALIDATION)
        raise status.invalid("meta.k8s.io", "CreateOptions", "", [wrong])
    meta = schema_of("V1ObjectMeta")
    schema.default(obj["metadata"], meta)
    unknown = schema.prune(obj["metadata"], meta, "metadata", root=False)
    _check_types(resource, obj["metadata"], meta, "metadata")
    if resource.schema is not None:
        unknown += schema.prune(obj, resource.schema)
        for place, inner in schema.embedded_metadata(obj, resource.schema):
            _check_types(resource, inner, meta, place)
    else:
        model = schema_of(model_name(resource.kind))
        schema.default(obj, model)
        unknown += schema.prune(obj, model)
        _check_types(resource, obj, model, "")
    found = [f'unknown field "{path}"' for path in unknown]
    found += [f'duplicate field "{path}"' for path in twice]
    if found and mode == "Strict":
        raise cannot_handle(resource, f"strict decoding error: {', '.join(found)}")
    return found if mode == "Warn" else []


def check_manager(query: Mapping[str, str], options: str, *, is_apply: bool = False) -> None:
    """Refuse (422) a field manager or a `force` that does not fit the request."""
    manager = query.get("fieldManager", "")
    errors = []
    if is_apply and not manager:
        errors.append(status.required("fieldManager", "is required for apply patch"))
    if options == "PatchOptions" and "force" in query and not is_apply:
        wrong = status.forbidden_field("force", "may not be specified for non-apply patch")
        errors.append(wrong)
    if len(manager) > MANAGER_LIMIT:
        message = f"Too long: may not be more than {MANAGER_LIMIT} bytes"
        errors.append(status.FieldError("fieldManager", "FieldValueTooLong", message))
    if not manager.isprintable():
        errors.append(
            status.invalid_value(
                "fieldManager", manager, "should only contain printable characters"
            )
        )
    if errors:
        raise status.invalid("meta.k8s.io", options, "", errors)


def _check_types(resource: Resource, value: Object, model: schema.Schema, path: str) -> None:
    for error in schema.validate(value, model, path):
        if error.reason == "FieldValueInvalid":
            raise cannot_handle(resource, error.message.partition(": ")[2].partition(": ")[2])


def complete(resource: Resource, obj: Object, now: datetime) -> None:
    """Fill in, in place, what the server sets in a new object, and drop what others may not."""
    if resource.schema is None:
        builtin.complete(resource, obj)
        if is_definition(resource) and crd.can_be_completed(obj):
            crd.complete(obj, now)
    elif resource.has_status:
        obj.pop("status", None)


def default(resource: Resource, obj: Object) -> None:
    """Fill in, in place, the defaults of a kind, as they are whenever an object is written."""
    if resource.schema is None:
        builtin.default(resource, obj)
    else:
        schema.default(obj, resource.schema)


def finalizers(resource: Resource, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Name the finalizers that deleting an object puts on it."""
    return (*asked, crd.CLEANUP) if is_definition(resource) else asked


def is_definition(resource: Resource) -> bool:
    """Tell whether it is the resource of CustomResourceDefinitions."""
    return (resource.group, resource.plural) == DEFINITIONS


def check(resource: Resource, obj: Object, old: Object | None = None) -> list[str]:
    """Refuse (422) an object that breaks a rule, naming each; returns warnings."""
    errors = metadata.validate(resource, obj, old)
    if resource.schema is not None:
        errors += schema.validate(obj, resource.schema)
    elif is_definition(resource):
        errors += crd.validate(obj, old)
    else:
        model = schema_of(model_name(resource.kind))
        listed = {error.field for error in errors}
        for error in (*schema.validate(obj, model), *builtin_rules.validate(resource, obj, old)):
            if error.field not in listed:
                listed.add(error.field)
                errors.append(error)
    if errors:
        raise status.invalid(resource.group, resource.kind, obj["metadata"].get("name", ""), errors)
    warnings = metadata.warnings(obj, old) if resource.custom else []
    if is_definition(resource):
        warnings += crd.unevaluated(obj)
    elif resource.group == ADMISSION and obj.get("webhooks"):
        warnings.append(_NOT_CALLED)
    return warnings


def check_version(resource: Resource, name: str, version: str | None) -> None:
    """Refuse a replacement that does not say which version it replaces, where it must."""
    if version or not (resource.custom or is_definition(resource)):
        return
    wrong = status.FieldError(
        "metadata.resourceVersion",
        "FieldValueInvalid",
        "Invalid value: 0x0: must be specified for an update",
    )
    raise status.invalid(resource.group, resource.plural, name, [wrong])


def check_identity(resource: Resource, new: Object, old: Object) -> None:
    """Refuse a patch that changes what an object is."""
    for field in ("uid", "creationTimestamp"):
        value = new["metadata"].get(field)
        if value not in (None, "", old["metadata"][field]):
            wrong = status.invalid_value(f"metadata.{field}", value, "field is immutable")
            raise status.invalid(resource.group, resource.kind, old["metadata"]["name"], [wrong])


def keep_other_half(resource: Resource, new: Object, old: Object, subresource: str) -> Object:
    """Take from `new` only what this endpoint writes: the status, or all but the status."""
    if subresource == "status":
        merged = copy_json(old)
        merged.pop("status", None)
        if "status" in new:
            merged["status"] = new["status"]
        return merged
    if resource.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = copy_json(old["status"])
    return new


def dry_run(values: list[str], options: str = "CreateOptions") -> bool:
    """Read the `dryRun` directive of these options. Raises ApiError (422) for any but `All`."""
    for value in values:
        if value != "All":
            wrong = status.unsupported_value("dryRun", value, ["All"])
            raise status.invalid("meta.k8s.io", options, "", [wrong])
    return bool(values)
