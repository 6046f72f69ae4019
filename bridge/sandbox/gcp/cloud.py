"""What one emulated project holds, and the words for naming it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any

from bridge.sandbox.clock import Clock
from bridge.sandbox.gcp.errors import invalid, not_found
from bridge.sandbox.transitions import Transitions

if TYPE_CHECKING:
    from bridge.sandbox.gcp.operations import Operation

Resource = dict[str, Any]
"""A resource as the API answers it."""

_PATH = re.compile(r"projects/[^/]+/(global|(zones|regions)/[^/]+)/[^/]+/[^/]+")
LINK = "https://www.googleapis.com/compute/v1/"
REGION = "us-central1"
ZONES = (f"{REGION}-a", f"{REGION}-b")
STEPS = 3
"""How many spells of ``transition_seconds`` the longest change takes: recreating."""
PROJECT_NUMBER = "1000000000001"


@dataclass(slots=True)
class Cloud:
    """Clock, speed, resources and operations of one emulated project.

    ``resources`` goes by collection (``instances``) and then by path
    (``projects/P/zones/Z/instances/N``). ``members`` holds for each managed instance group, by
    path, its instances by path with their ``currentAction``. ``transition_seconds`` is how
    long each change takes.
    """

    project: str
    clock: Clock
    transition_seconds: float
    lock: RLock = field(default_factory=RLock)
    transitions: Transitions = field(init=False)
    resources: dict[str, dict[str, Resource]] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    members: dict[str, dict[str, str]] = field(default_factory=dict)
    _ids: count[int] = field(init=False)

    def __post_init__(self) -> None:
        self.transitions = Transitions(self.clock)
        self.clear()

    def clear(self) -> None:
        """Empty the project."""
        self.transitions.clear()
        self.resources.clear()
        self.operations.clear()
        self.members.clear()
        self._ids = count(4_201_900_000_000_000_001)

    def complete_transitions(self) -> None:
        """Finish every change under way now, with the changes that follow from it."""
        with self.lock:
            horizon = self.clock() + timedelta(seconds=STEPS * self.transition_seconds)
            self.transitions.settle_at(horizon)

    def new_id(self) -> str:
        """Answer a numeric id that no resource had before."""
        return str(next(self._ids))

    def now(self) -> str:
        """Answer the present time as the API writes it."""
        return timestamp(self.clock())

    def path(self, scope: str, collection: str, name: str) -> str:
        """Answer ``projects/P/<scope>/<collection>/<name>``."""
        return f"projects/{self.project}/{scope}/{collection}/{name}"

    def held(self, collection: str) -> dict[str, Resource]:
        """Answer the resources of a collection by path, in the order of their creation."""
        return self.resources.setdefault(collection, {})

    def find(self, path: str) -> Resource | None:
        """Answer a resource, or None."""
        return self.held(path.split("/")[-2]).get(path)

    def get(self, path: str) -> Resource:
        """Answer a resource. Raises `GoogleError` 404 in its absence."""
        found = self.find(path)
        if found is None:
            raise not_found(path)
        return found

    def put(self, path: str, resource: Resource) -> Resource:
        """Store a new resource, with the fields that each one has."""
        resource.setdefault("id", self.new_id())
        resource["creationTimestamp"] = self.now()
        resource["name"] = path.rsplit("/", 1)[-1]
        resource["selfLink"] = link(path)
        self.held(path.split("/")[-2])[path] = resource
        return resource

    def remove(self, path: str) -> None:
        """Forget a resource, if it is there."""
        self.held(path.split("/")[-2]).pop(path, None)


def link(path: str) -> str:
    """Answer the URL by which resources refer to ``path``."""
    return LINK + path


def path_of(reference: str, field_name: str, base: str = "") -> str:
    """Answer the path that a full or partial URL refers to.

    Partial ones begin with ``projects/``, or with what follows the project when ``base`` is
    ``projects/P/`` (API reference, "Resource paths"). Raises `GoogleError` for anything else.
    """
    path = reference
    if reference.startswith("https://"):
        path = reference[reference.find("projects/") :]
    elif base and not reference.startswith("projects/"):
        path = base + reference
    if not _PATH.fullmatch(path):
        raise invalid(field_name, reference, "The URL is malformed.")
    return path


def name_of(path: str) -> str:
    """Answer the last part of a path or link."""
    return path.rsplit("/", 1)[-1]


def scope_of(path: str) -> str:
    """Answer ``zones/Z``, ``regions/R`` or ``global`` of a path."""
    parts = path.split("/")
    return "global" if parts[2] == "global" else "/".join(parts[2:4])


def timestamp(moment: datetime) -> str:
    """Write a time as the API does (RFC 3339, milliseconds)."""
    return moment.isoformat(timespec="milliseconds")


def fingerprint(content: Any) -> str:
    """Answer a hash that changes with the content, in the form of the API's fingerprints."""
    text = json.dumps(content, sort_keys=True).encode()
    return base64.b64encode(hashlib.sha256(text).digest()[:8]).decode()
