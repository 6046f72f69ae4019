"""How a disk hangs on an instance: noted whole before a fault, compared and put back after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from bridge.model.record import Record
from providers.contract import Effect, Observation
from providers.gcp.marks import base32, unbase32
from providers.gcp.names import Name, canonical
from providers.gcp.power import own_key, status_of

COMPARED: Final = ("mode", "boot", "autoDelete", "deviceName", "interface", "type")
"""What attachDisk is told and keeps. ``index`` is Google's: the next that is free."""

_LEFT_OUT: Final = ("kind", "shieldedInstanceInitialState")
"""Fields of the answer that say nothing about the attachment and can be long."""


@dataclass(frozen=True)
class Attachment:
    """All that is needed to attach a disk again as it was."""

    instance: str
    """Full name."""
    disk: Mapping[str, Any]
    """Google's whole AttachedDisk."""

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read it from a record's state. Raises KeyError."""
        return cls(**record.state["attachment"])

    @classmethod
    def read(cls, words: Mapping[str, str]) -> Self:
        """Read back what ``words`` wrote. Raises KeyError or ValueError."""
        return cls(canonical(words["instance"]), json.loads(unbase32(words["disk"])))

    def words(self) -> dict[str, str]:
        """Return it as words without blanks, for a mark: what attachDisk is told."""
        kept = {key: self.disk[key] for key in (*COMPARED, "source") if key in self.disk}
        text = json.dumps(kept, separators=(",", ":"), sort_keys=True)
        return {"instance": Name.of(self.instance).path, "disk": base32(text.encode())}

    def state(self) -> dict[str, Any]:
        """Return it as a record's state."""
        return {"attachment": {"instance": self.instance, "disk": dict(self.disk)}}

    @property
    def device(self) -> str:
        """The name under which the instance knows it."""
        return str(self.disk["deviceName"])

    def content(self) -> dict[str, Any]:
        """Return the body of attachDisk."""
        return {key: value for key, value in self.disk.items() if key not in _LEFT_OUT}

    def differences(self, here: Mapping[str, Any]) -> list[str]:
        """Return in which fields the disk is attached otherwise now."""
        return [
            f"{key} is {json.dumps(here.get(key))} and was {json.dumps(self.disk.get(key))}"
            for key in COMPARED
            if here.get(key) != self.disk.get(key)
        ]


def attached_to(instance: Mapping[str, Any] | None, disk: str) -> Mapping[str, Any] | None:
    """Return the attachment of a disk (full name) among an instance's, if it is there."""
    for one in instance.get("disks", ()) if instance else ():
        if "source" in one and canonical(one["source"]) == disk:
            return dict(one)
    return None


def users_of(disk: Mapping[str, Any]) -> list[str]:
    """Return the full names of the instances that a disk is attached to."""
    return [canonical(user) for user in disk.get("users", ())]


def why_not_detached(
    disk: Mapping[str, Any], instances: Mapping[str, Mapping[str, Any]]
) -> str | None:
    """Return why a disk that is attached is not to be detached, or None."""
    users = users_of(disk)
    if len(users) > 1:
        return (
            f"it is attached to {len(users)} instances; detach it from all but one, or choose "
            "another disk"
        )
    instance = instances.get(users[0])
    here = attached_to(instance, canonical(disk["selfLink"]))
    name = Name.of(users[0]).name
    if here is None:
        return f"how it is attached to {name} cannot be read; start the run again"
    if here.get("boot") and status_of(instance) != "TERMINATED":
        return (
            f"it is the boot disk of {name}, which is {status_of(instance)}; to take the instance "
            "away, use gcp:compute:stop-instances"
        )
    if own_key(here):
        return (
            "it is encrypted with a key that you supply, without which the bridge could not "
            "attach it again; use a key of Cloud KMS, or choose another disk"
        )
    return None


def compared(disk: Mapping[str, Any], was: Attachment) -> Observation:
    """Tell what is on a disk that ``was`` attached so before the fault."""
    users = users_of(disk)
    if was.instance in users:
        return Observation(Effect.ABSENT)
    elsewhere = f"it is attached to {Name.of(users[0]).name}" if users else ""
    return Observation(Effect.PRESENT, elsewhere)
