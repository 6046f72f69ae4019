"""The verbs of the API: what create, get, list, update, patch and delete do to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import (
    crd,
    patch,
    preparation,
    request,
    server_side_apply,
    status,
)
from bridge.sandbox.kubernetes.deletion import DeleteOptions, read_options
from bridge.sandbox.kubernetes.identity import AdmissionDeniedError, Admit
from bridge.sandbox.kubernetes.listing import list_objects
from bridge.sandbox.kubernetes.managed_fields import track, typed_schema
from bridge.sandbox.kubernetes.metadata import generated_name
from bridge.sandbox.kubernetes.objects import (
    Key,
    Object,
    ObjectConflictError,
    ObjectExistsError,
    ObjectNotFoundError,
    ObjectStore,
    timestamp,
)

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.call import Call
    from bridge.sandbox.kubernetes.request import RequestInfo
    from bridge.sandbox.kubernetes.resource_table import ResourceTable
    from bridge.sandbox.kubernetes.resources import Resource

_KEPT_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})
_NAME_ATTEMPTS = 8


class Registry:
    """Performs calls on the store, under the rules of each resource."""

    def __init__(self, store: ObjectStore, table: ResourceTable, admit: Admit | None) -> None:
        self.store = store
        self._table = table
        self._admission = admit

    def create(self, call: Call) -> Object:
        """Store a new object."""
        preparation.check_manager(call.query, "CreateOptions")
        obj, twice = preparation.read_object(call.resource, call.info, call.body, call.content_type)
        return self._create(call, obj, twice)

    def install(self, call: Call, obj: Object) -> Object:
        """Store a new object that is at hand, under the same rules; it may be changed."""
        preparation.check_object(call.resource, call.info, obj)
        return self._create(call, obj, [])

    def _create(self, call: Call, obj: Object, twice: list[str]) -> Object:
        resource = call.resource
        call.warnings += preparation.prune_fields(resource, obj, twice, call.field_validation)
        metadata = obj["metadata"]
        if metadata.get("resourceVersion"):
            raise status.unclassified("resourceVersion should not be set on objects to be created")
        key = call.key
        if not metadata.get("name") and metadata.get("generateName"):
            for _ in range(_NAME_ATTEMPTS):
                metadata["name"] = generated_name(metadata["generateName"])
                if self.store.get(key._replace(name=metadata["name"])) is None:
                    break
        key = key._replace(name=metadata.get("name") or "")
        self._check_namespace(key)
        preparation.default(resource, obj)
        self._track(call, None, obj)
        preparation.complete(resource, obj, self.store.now())
        self._admit(call, "create", None, obj)
        call.warnings += preparation.check(resource, obj)
        generation = 1 if resource.generation else None
        try:
            created = self.store.create(key, obj, generation=generation, dry_run=call.dry_run)
        except ObjectExistsError as error:
            raise status.already_exists(key.group, key.resource, key.name) from error
        if not call.dry_run:
            self._serve(resource, created)
        return created

    def get(self, call: Call) -> Object:
        """Return the object that the path names."""
        found = self.store.get(call.key)
        if found is None:
            raise status.not_found(call.key.group, call.key.resource, call.key.name)
        return found

    def list_objects(self, call: Call) -> tuple[list[Object], dict[str, Any]]:
        """Return the objects that a list request asks for, and the metadata of the list."""
        namespace = call.info.namespace if call.resource.namespaced else ""
        return list_objects(self.store, call.resource, namespace, call.query)

    def replace(self, call: Call) -> Object:
        """Update an object as a whole."""
        resource = call.resource
        if not call.info.name:
            raise status.bad_request("name must be provided")
        preparation.check_manager(call.query, "UpdateOptions")
        new, twice = preparation.read_object(resource, call.info, call.body, call.content_type)
        old = self.get(call)
        version = new["metadata"].get("resourceVersion")
        preparation.check_version(resource, call.info.name, version)
        return self._update(call, old, new, twice, version)

    def exists(self, call: Call) -> bool:
        """Tell whether the object that the path names is there."""
        return self.store.get(call.key) is not None

    def patch(self, call: Call) -> Object:
        """Change parts of an object; an apply creates one that is not there."""
        media, resource = call.content_type, call.resource
        patch.check_media_type(media, custom=resource.custom)
        preparation.check_manager(call.query, "PatchOptions", is_apply=call.is_apply)
        change, twice = request.parse(call.body, media)
        if call.is_apply:
            return self._apply(call, change, twice)
        old = self.get(call)
        new = patch.apply(media, old, change, typed_schema(resource))
        preparation.check_object(resource, call.info, new)
        preparation.check_identity(resource, new, old)
        version = new["metadata"].get("resourceVersion")
        return self._update(call, old, new, twice, version)

    def _apply(self, call: Call, config: Any, twice: list[str]) -> Object:
        resource = call.resource
        server_side_apply.check_config(resource, config)
        old = self.store.get(call.key)
        if old is None and call.info.subresource:
            raise status.not_found(call.key.group, call.key.resource, call.key.name)
        uid = (config.get("metadata") or {}).get("uid")
        if old is None and uid:
            raise status.conflict(
                call.key.group,
                call.key.resource,
                call.key.name,
                f"uid mismatch: the provided object specified uid {uid}, "
                "and no existing object was found",
            )
        new = server_side_apply.apply(
            resource,
            old,
            config,
            call.manager,
            timestamp(self.store.now()),
            force=call.query.get("force", "").lower() in ("true", "1"),
        )
        new["apiVersion"], new["kind"] = resource.api_version, resource.kind
        preparation.check_object(resource, call.info, new)
        if old is None:
            return self._create(call, new, twice)
        preparation.check_identity(resource, new, old)
        return self._update(call, old, new, twice, new["metadata"].get("resourceVersion"))

    def _track(self, call: Call, old: Object | None, new: Object) -> None:
        if call.is_tracked and not call.is_apply:
            track(call.resource, old, new, call.manager, timestamp(self.store.now()))

    def _update(
        self, call: Call, old: Object, new: Object, twice: list[str], version: str | None
    ) -> Object:
        resource, key = call.resource, call.key
        call.warnings += preparation.prune_fields(resource, new, twice, call.field_validation)
        uid = new["metadata"].get("uid")
        new = preparation.keep_other_half(resource, new, old, call.info.subresource)
        preparation.default(resource, new)
        if uid:
            new["metadata"]["uid"] = uid
        if preparation.is_definition(resource) and crd.can_be_completed(new):
            crd.complete(new, self.store.now())
        self._track(call, old, new)
        if not call.info.subresource:
            self._admit(call, "update", old, new)
        call.warnings += preparation.check(resource, new, old)
        try:
            updated = self.store.update(
                key, new, expected_version=version or None, dry_run=call.dry_run
            )
        except ObjectNotFoundError as error:
            raise status.not_found(key.group, key.resource, key.name) from error
        except ObjectConflictError as error:
            raise status.conflict(key.group, key.resource, key.name, str(error)) from error
        if not call.dry_run:
            self._serve(resource, updated)
        return updated

    def delete(self, call: Call) -> tuple[Object, bool]:
        """Delete an object; returns it, and whether it is gone already."""
        options = read_options(call.body, call.content_type, call.query)
        old = self.get(call)
        return self._delete(call, old, options)

    def delete_collection(self, call: Call) -> tuple[list[Object], dict[str, Any]]:
        """Delete all objects that a list request would return."""
        options = read_options(call.body, call.content_type, call.query)
        objects, metadata = self.list_objects(call)
        for obj in objects:
            self._delete(call, obj, options)
        return objects, metadata

    def _delete(self, call: Call, old: Object, options: DeleteOptions) -> tuple[Object, bool]:
        resource = call.resource
        place = old["metadata"].get("namespace", "")
        key = Key(resource.group, resource.plural, place, old["metadata"]["name"])
        if (key.group, key.resource) == ("", "namespaces") and key.name in _KEPT_NAMESPACES:
            raise status.refused(
                key.group, key.resource, key.name, "this namespace may not be deleted"
            )
        self._admit(call, "delete", old, None)
        try:
            gone = self.store.delete(
                key,
                uid=options.uid,
                expected_version=options.resource_version,
                add_finalizers=preparation.finalizers(resource, options.finalizers),
                dry_run=call.dry_run or options.dry_run,
            )
        except ObjectConflictError as error:
            raise status.conflict(key.group, resource.kind, key.name, str(error)) from error
        is_gone = "deletionTimestamp" not in gone["metadata"]
        if is_gone and not (call.dry_run or options.dry_run):
            self.forget(key, gone)
        return gone, is_gone

    def vanish(self, resource: Resource, info: RequestInfo) -> None:
        """Let an object disappear, if it is there: no options, no finalizers, no admission."""
        namespace = info.namespace if resource.namespaced else ""
        key = Key(resource.group, resource.plural, namespace, info.name)
        gone = self.store.vanish(key)
        if gone is not None:
            self.forget(key, gone)

    def _check_namespace(self, key: Key) -> None:
        if not key.namespace:
            return
        namespace = self.store.get(("", "namespaces", "", key.namespace))
        if namespace is None:
            raise status.not_found("", "namespaces", key.namespace)
        if "deletionTimestamp" in namespace["metadata"]:
            refusal = status.refused(
                key.group,
                key.resource,
                key.name,
                f"unable to create new content in namespace {key.namespace} because it is being "
                "terminated",
            )
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {key.namespace} is being terminated",
                "field": "metadata.namespace",
            }
            refusal.details = {**(refusal.details or {}), "causes": [cause]}
            raise refusal

    def _admit(self, call: Call, verb: str, old: Object | None, new: Object | None) -> None:
        if self._admission is None:
            return
        try:
            call.warnings += self._admission(call.identity, verb, old, new) or []
        except AdmissionDeniedError as denied:
            raise status.ApiError(
                denied.code, denied.reason or "Forbidden", denied.message, details={}
            ) from denied

    def _serve(self, resource: Resource, obj: Object) -> None:
        if preparation.is_definition(resource):
            names = obj["spec"]["names"]
            self._table.replace_custom(obj["spec"]["group"], names["plural"], crd.resources(obj))

    def forget(self, key: Key, obj: Object) -> None:
        """Stop serving the resources of a definition that is gone."""
        if (key.group, key.resource) == ("apiextensions.k8s.io", "customresourcedefinitions"):
            spec = obj["spec"]
            self._table.replace_custom(spec["group"], spec["names"]["plural"], ())
