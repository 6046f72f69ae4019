"""A Google Cloud project on loopback: Compute Engine's API with its rules, and its tokens."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from bridge.sandbox.clock import Clock, system_clock
from bridge.sandbox.emulator import CloudEmulator
from bridge.sandbox.gcp import firewalls, groups, inventory, vanishing
from bridge.sandbox.gcp.accounts import Accounts
from bridge.sandbox.gcp.application import GcpApi
from bridge.sandbox.gcp.cloud import ZONES, Cloud, Resource, name_of

PROJECT = "faultbridge-sandbox"

_FOR_GOOD = 10 * 365 * 86_400
"""Seconds; longer than any sandbox stays up."""


class GcpEmulator(CloudEmulator):
    """A running Compute Engine emulator, as a context manager or by ``start`` and ``stop``.

    The SDK works against it with the variables of ``environment`` and
    ``client_options={"api_endpoint": emulator.url}``. It listens on loopback only; each start
    begins with the network ``default`` and nothing else.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock = system_clock,
        transition_seconds: float = 1.0,
        permissions: bool = True,
        project: str = PROJECT,
    ) -> None:
        """Describe the project; nothing runs before ``start``.

        ``port`` 0 takes a free one. ``transition_seconds`` is how long each change takes by
        ``clock``. With ``permissions`` each call of an account other than the owner is
        checked for its IAM permissions.
        """
        super().__init__(port=port)
        self.project = project
        self._cloud = Cloud(project, clock, transition_seconds)
        self._accounts = Accounts(project)
        self._permissions = permissions
        self._folder: Path | None = None

    def start(self) -> Self:
        """Listen, and write the owner's key file. Raises ``OSError`` for a port that is taken."""
        super().start()
        self._folder = Path(tempfile.mkdtemp(prefix="faultbridge-gcp-"))
        self._accounts.write_key_file(self._key_file, f"{self.url}/token")
        return self

    def stop(self) -> None:
        """Close every connection, wait for every thread, and remove the key file."""
        super().stop()
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    @property
    def _key_file(self) -> Path:
        if self._folder is None:
            raise RuntimeError("the GcpEmulator is not started")
        return self._folder / "owner.json"

    @property
    def owner(self) -> str:
        """The e-mail of the sandbox's own account, which may do everything."""
        return self._accounts.owner_email

    @property
    def owner_token(self) -> str:
        """An access token of the owner's, for user's own code; it lasts as long as the emulator."""
        return self._accounts.hand_out(self.owner, _FOR_GOOD)

    def known_to_gke(self, token: str) -> str:
        """Answer the e-mail of the account whose access token this is, empty where it is none."""
        return self._accounts.caller(f"Bearer {token}")

    def environment(self) -> dict[str, str]:
        """Answer the variables that point a bridge, and Google's SDK, here."""
        return {
            "FAULTBRIDGE_GCP_ENDPOINT": self.url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self._key_file),
            "GOOGLE_CLOUD_PROJECT": self.project,
        }

    def complete_transitions(self) -> None:
        """Finish every change under way now instead of when it is due."""
        self._cloud.complete_transitions()

    def create_service_account(
        self,
        name: str,
        *,
        permissions: Sequence[str] = (),
        usable_by_owner: bool = True,
        usable_by: Sequence[str] = (),
    ) -> str:
        """Make an account with IAM permissions on the project; answer its e-mail.

        The permissions are a custom role of its own; one that exists loses all other bindings.
        With ``usable_by_owner`` the owner may call generateAccessToken for it, and so may the
        accounts ``usable_by``.
        """
        users = [*([self.owner] if usable_by_owner else ()), *usable_by]
        with self._cloud.lock:
            return self._accounts.put(name, permissions, users)

    def add_instance(
        self,
        name: str,
        *,
        zone: str = ZONES[0],
        labels: Mapping[str, str] | None = None,
        tags: Sequence[str] = (),
        status: str = "RUNNING",
        network: str = inventory.NETWORK,
        local_ssd: bool = False,
    ) -> str:
        """Make an instance with a boot disk at once; answer its full resource name."""
        with self._cloud.lock:
            made = inventory.instance(
                self._cloud,
                name,
                zone,
                labels=labels,
                tags=tags,
                status=status,
                on_network=network,
                local_ssd=local_ssd,
            )
        return full_name(made)

    def add_disk(
        self,
        name: str,
        *,
        zone: str = ZONES[0],
        labels: Mapping[str, str] | None = None,
        instance: str | None = None,
        device_name: str = "",
        auto_delete: bool = False,
        mode: str = "READ_WRITE",
        interface: str = "SCSI",
    ) -> str:
        """Make a disk at once, attached to ``instance`` if named; answer its full name."""
        with self._cloud.lock:
            made = inventory.disk(self._cloud, name, zone, labels)
            if instance is not None:
                inventory.attach(
                    self._cloud,
                    self._path("instances", instance),
                    self._path("disks", name),
                    auto_delete=auto_delete,
                    mode=mode,
                    device_name=device_name or name,
                    interface=interface,
                )
        return full_name(made)

    def add_group(
        self,
        name: str,
        *,
        size: int = 3,
        zone: str = ZONES[0],
        region: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """Make a managed instance group with running instances; answer its full name.

        With ``region`` it is a regional one over the region's zones.
        """
        scope = f"regions/{region}" if region is not None else f"zones/{zone}"
        with self._cloud.lock:
            made = groups.make(self._cloud, name, scope, size, dict(labels or {}))
        return full_name(made)

    def group(self, name: str) -> Resource:
        """Answer a copy of a group. Raises ``KeyError`` in its absence."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return groups.rendered(self._cloud, self._path("instanceGroupManagers", name))

    def group_instances(self, name: str) -> list[str]:
        """Answer the names of a group's instances, sorted. Raises ``KeyError``."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            path = self._path("instanceGroupManagers", name)
            return sorted(name_of(each) for each in groups.members(self._cloud, path))

    def isolated(self, name: str) -> frozenset[str]:
        """Answer the directions (``INGRESS``, ``EGRESS``) in which firewalls cut it off."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            path = self._path("instances", name)
            return firewalls.isolated(self._cloud, self._cloud.get(path))

    def instance(self, name: str) -> Resource:
        """Answer a copy of an instance. Raises ``KeyError`` in its absence."""
        return self._copy("instances", name)

    def disk(self, name: str) -> Resource:
        """Answer a copy of a disk. Raises ``KeyError`` in its absence."""
        return self._copy("disks", name)

    def names(self, collection: str) -> list[str]:
        """Answer the names in a collection (``instances``, ``firewalls`` …), sorted."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return sorted(name_of(path) for path in self._cloud.held(collection))

    def operations(self) -> list[Resource]:
        """Answer every operation as the API does now, oldest first."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            now = self._cloud.clock()
            return [operation.render(now) for operation in self._cloud.operations.values()]

    def remove_instance(self, name: str) -> None:
        """Delete an instance at once. Raises ``KeyError`` in its absence."""
        with self._cloud.lock:
            vanishing.remove(self._cloud, self._path("instances", name))

    def remove_disk(self, name: str) -> None:
        """Delete a disk at once, also one in use. Raises ``KeyError`` in its absence."""
        with self._cloud.lock:
            vanishing.remove(self._cloud, self._path("disks", name))

    def remove_group(self, name: str) -> None:
        """Delete a group and its instances at once. Raises ``KeyError`` in its absence."""
        with self._cloud.lock:
            vanishing.remove(self._cloud, self._path("instanceGroupManagers", name))

    def snapshot(self) -> dict[str, dict[str, Resource]]:
        """Answer a copy of all there is, by collection and name; operations left out."""
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return {
                collection: {name_of(path): copy.deepcopy(one) for path, one in held.items()}
                for collection, held in self._cloud.resources.items()
                if held
            }

    def _path(self, collection: str, name: str) -> str:
        for path in self._cloud.held(collection):
            if name_of(path) == name:
                return path
        raise KeyError(f"no {name} in {collection}")

    def _copy(self, collection: str, name: str) -> Resource:
        with self._cloud.lock:
            self._cloud.transitions.settle()
            return copy.deepcopy(self._cloud.get(self._path(collection, name)))

    def _api(self) -> GcpApi:
        return GcpApi(self._cloud, self._accounts, permissions=self._permissions)

    def _empty(self) -> None:
        with self._cloud.lock:
            self._cloud.clear()
            self._accounts.clear()
            inventory.network(self._cloud)


def full_name(resource: Resource) -> str:
    """Answer ``//compute.googleapis.com/projects/…`` of a resource."""
    return "//compute.googleapis.com/" + str(resource["selfLink"]).partition("/compute/v1/")[2]
