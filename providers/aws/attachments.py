"""How an EBS volume hangs on an instance: noted before a fault, compared and put back after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from bridge.model.record import Record
from providers.contract import Effect, Observation


@dataclass(frozen=True)
class Attachment:
    """All that is needed to attach a volume again as it was."""

    instance: str
    """Plain id."""
    device: str
    """Device name: ``/dev/sdf``."""
    delete_on_termination: bool
    """Whether EC2 deletes the volume with the instance; AttachVolume always says no."""
    card: int | None = None
    """Index of the EBS card, on instance types that have several."""

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read it from a record's state. Raises KeyError."""
        return cls(**record.state["attachment"])

    @classmethod
    def described(cls, attachment: Mapping[str, Any]) -> Self:
        """Read it from an element of DescribeVolumes' ``Attachments``."""
        return cls(
            instance=attachment["InstanceId"],
            device=attachment["Device"],
            delete_on_termination=deleted_with_instance(attachment),
            card=attachment.get("EbsCardIndex"),
        )

    @classmethod
    def read(cls, words: Mapping[str, str]) -> Self:
        """Read back what ``words`` wrote. Raises KeyError or ValueError."""
        if words["delete"] not in ("yes", "no"):
            raise ValueError(words["delete"])
        return cls(
            instance=words["instance"],
            device=words["device"],
            delete_on_termination=words["delete"] == "yes",
            card=int(words["card"]) if "card" in words else None,
        )

    def words(self) -> dict[str, str]:
        """Return it as words without blanks, for a mark."""
        card = {} if self.card is None else {"card": str(self.card)}
        return {
            "instance": self.instance,
            "device": self.device,
            "delete": "yes" if self.delete_on_termination else "no",
            **card,
        }

    def state(self) -> dict[str, Any]:
        """Return it as a record's state."""
        return {"attachment": asdict(self)}

    def place(self) -> dict[str, Any]:
        """Return AttachVolume's parameters, without the volume."""
        card = {} if self.card is None else {"EbsCardIndex": self.card}
        return {"InstanceId": self.instance, "Device": self.device, **card}


def deleted_with_instance(attachment: Mapping[str, Any]) -> bool:
    """Whether EC2 deletes the volume when the instance is terminated."""
    return bool(attachment.get("DeleteOnTermination", False))


def attached_to(volume: Mapping[str, Any], instance: str) -> Mapping[str, Any] | None:
    """Return the volume's attachment to an instance, if there is one."""
    found = (one for one in volume.get("Attachments", ()) if one.get("InstanceId") == instance)
    return next(found, None)


def why_not_detached(
    volume: Mapping[str, Any], instances: Mapping[str, Mapping[str, Any]]
) -> str | None:
    """Return why a volume that is attached is not to be detached, or None.

    A root volume is refused always, although EC2 would detach that of a stopped instance: it
    could not be undone if something else started the instance meanwhile.
    """
    found = volume["Attachments"]
    if len(found) > 1:
        return (
            f"it is attached to {len(found)} instances (Multi-Attach); detach it from all but "
            "one, or choose another volume"
        )
    attachment = found[0]
    if "InstanceId" not in attachment:
        return "an AWS service attached it and alone may detach it; leave it out"
    instance = attachment["InstanceId"]
    if attachment["State"] != "attached":
        return f"it is {attachment['State']} at {instance}; start the run again when it is attached"
    if instances.get(instance, {}).get("RootDeviceName") == attachment["Device"]:
        return (
            f"it is the root volume of {instance}; to take the instance away, use "
            "aws:ec2:stop-instances"
        )
    return None


def compared(volume: Mapping[str, Any] | None, was: Attachment) -> Observation:
    """Tell what is on a volume that ``was`` attached so before the fault.

    Attached again but for DeleteOnTermination still counts as in effect: the fault is undone
    when the attribute is back too.
    """
    if volume is None:
        return Observation(Effect.GONE, "the volume does not exist any more")
    here = attached_to(volume, was.instance)
    if here is None:
        elsewhere = [one.get("InstanceId", "a service") for one in volume.get("Attachments", ())]
        return Observation(Effect.PRESENT, f"it is attached to {elsewhere[0]}" if elsewhere else "")
    state = here["State"]
    if state == "busy":
        return Observation(
            Effect.APPLYING, f"{was.instance} still uses it: unmount it there, then it detaches"
        )
    if state == "attached" and deleted_with_instance(here) != was.delete_on_termination:
        return Observation(Effect.PRESENT, "it is attached, but DeleteOnTermination is not back")
    return Observation(_EFFECTS.get(state, Effect.UNKNOWN))


_EFFECTS: Final = {
    "attached": Effect.ABSENT,
    "attaching": Effect.LIFTING,
    "detaching": Effect.APPLYING,
    "detached": Effect.PRESENT,
}
