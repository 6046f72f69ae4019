"""What the API server serves: the built-in resources, and those that definitions add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.resources import BUILT_IN, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable


class ResourceTable:
    """The resources that are served now."""

    def __init__(self, built_in: Iterable[Resource] = BUILT_IN) -> None:
        self._served = {(item.group, item.version, item.plural): item for item in built_in}
        self._revision = 0
        self._revisions: dict[tuple[str, str], int] = {}

    def __iter__(self) -> Any:
        """Go through all served resources."""
        return iter(self._served.values())

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return the resource behind a path, or None."""
        return self._served.get((group, version, plural))

    def any_version(self, group: str, plural: str) -> Resource | None:
        """Return a resource in whichever version is served first."""
        return next(
            (
                item
                for item in self._served.values()
                if (item.group, item.plural) == (group, plural)
            ),
            None,
        )

    def replace_custom(self, group: str, plural: str, served: Iterable[Resource]) -> None:
        """Serve exactly these versions of a custom resource (none: stop serving it)."""
        served = list(served)
        before = {
            (item.group, item.version)
            for item in self._served.values()
            if item.custom and (item.group, item.plural) == (group, plural)
        }
        self._served = {
            key: item
            for key, item in self._served.items()
            if not (item.custom and (item.group, item.plural) == (group, plural))
        }
        self._served |= {(item.group, item.version, item.plural): item for item in served}
        self._revision += 1
        for place in before | {(item.group, item.version) for item in served}:
            self._revisions[place] = self._revision

    def revision(self, group: str | None = None, version: str = "") -> int:
        """Return a number that is another once a group's version (or anything) has changed."""
        if group is None:
            return self._revision
        return self._revisions.get((group, version), 0)

    def status_is_separate(self, group: str, plural: str) -> bool:
        """Tell the store whether a status change is a change of the object's generation."""
        found = self.any_version(group, plural)
        return found is None or found.has_status
