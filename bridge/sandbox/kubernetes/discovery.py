"""Discovery: which groups, versions and resources are served, in both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.negotiation import clauses

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.resource_table import ResourceTable
    from bridge.sandbox.kubernetes.resources import Resource


def version_info(version: str) -> dict[str, str]:
    """Answer `/version`; `version` is `MAJOR.MINOR` or `MAJOR.MINOR.PATCH`."""
    major, minor, *patch = version.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{major}.{minor}.{patch[0] if patch else 0}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "faultbridge/emulator",
    }


def answer(table: ResourceTable, path: str, accept: str) -> dict[str, Any] | None:
    """Answer a discovery path; None where nothing is served under it."""
    match path.strip("/").split("/"):
        case ["api" | "apis" as root]:
            version = _aggregated_version(accept)
            if version:
                return _aggregated(table, version, core=root == "api")
            return _core_versions() if root == "api" else _groups(table)
        case ["api", version]:
            return _resources(table, "", version)
        case ["apis", group]:
            found = [item for item in _groups(table)["groups"] if item["name"] == group]
            return {"kind": "APIGroup", "apiVersion": "v1", **found[0]} if found else None
        case ["apis", group, version]:
            return _resources(table, group, version)
        case _:
            return None


def _core_versions() -> dict[str, Any]:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def versions(table: ResourceTable) -> dict[str, list[str]]:
    """Name the served versions of each group, the preferred first."""
    found: dict[str, list[str]] = {}
    for resource in table:
        known = found.setdefault(resource.group, [])
        if resource.version not in known:
            known.append(resource.version)
    return {group: sorted(known, key=_preference) for group, known in found.items()}


def _preference(version: str) -> tuple[int, int, int]:
    """Order versions as Kubernetes does: v2, v1, v1beta2, v1beta1, v1alpha1."""
    for rank, word in enumerate(("beta", "alpha"), start=1):
        major, found, minor = version.partition(word)
        if found:
            return rank, -_number(major), -_number(minor)
    return 0, -_number(version), 0


def _number(text: str) -> int:
    digits = text.lstrip("v")
    return int(digits) if digits.isdigit() else 0


def _groups(table: ResourceTable) -> dict[str, Any]:
    groups = []
    for group, known in versions(table).items():
        if group:
            named = [{"groupVersion": f"{group}/{item}", "version": item} for item in known]
            groups.append({"name": group, "versions": named, "preferredVersion": named[0]})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _resources(table: ResourceTable, group: str, version: str) -> dict[str, Any] | None:
    served = [item for item in table if (item.group, item.version) == (group, version)]
    if not served:
        return None
    listed = []
    for item in served:
        entry = {
            "name": item.plural,
            "singularName": item.singular or item.kind.lower(),
            "namespaced": item.namespaced,
            "kind": item.kind,
            "verbs": list(item.verbs),
        }
        if item.short_names:
            entry["shortNames"] = list(item.short_names)
        if item.categories:
            entry["categories"] = list(item.categories)
        listed.append(entry)
        listed += [
            {
                "name": f"{item.plural}/{name}",
                "singularName": "",
                "namespaced": item.namespaced,
                "kind": item.kind,
                "verbs": ["get", "patch", "update"],
            }
            for name in item.subresources
        ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": served[0].api_version,
        "resources": listed,
    }


def _aggregated_version(accept: str) -> str:
    """Choose the version of aggregated discovery; "" for the plain form."""
    for media, parameters in clauses(accept):
        if media != "application/json":
            continue
        if not parameters.get("as"):
            return ""
        if (parameters["as"], parameters.get("g")) == (
            "APIGroupDiscoveryList",
            "apidiscovery.k8s.io",
        ) and parameters.get("v") in ("v2", "v2beta1"):
            return parameters["v"]
    return ""


def _aggregated(table: ResourceTable, version: str, *, core: bool) -> dict[str, Any]:
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None},
            "versions": [
                {
                    "version": item,
                    "freshness": "Current",
                    "resources": [
                        _aggregated_resource(resource)
                        for resource in table
                        if (resource.group, resource.version) == (group, item)
                    ],
                }
                for item in known
            ],
        }
        for group, known in versions(table).items()
        if bool(group) != core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _aggregated_resource(item: Resource) -> dict[str, Any]:
    kind = {"group": item.group, "version": item.version, "kind": item.kind}
    entry: dict[str, Any] = {
        "resource": item.plural,
        "responseKind": kind,
        "scope": "Namespaced" if item.namespaced else "Cluster",
        "singularResource": item.singular or item.kind.lower(),
        "verbs": list(item.verbs),
    }
    if item.short_names:
        entry["shortNames"] = list(item.short_names)
    if item.categories:
        entry["categories"] = list(item.categories)
    if item.subresources:
        entry["subresources"] = [
            {"subresource": name, "responseKind": kind, "verbs": ["get", "patch", "update"]}
            for name in item.subresources
        ]
    return entry


def media_type(accept: str) -> str:
    """Name the content type of the answer to `/api` and `/apis`."""
    version = _aggregated_version(accept)
    if not version:
        return "application/json"
    return f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
