"""Names of Azure resources: ARM ids, which Azure compares without regard to case.

Azure answers the same id in several spellings (a resource group in capitals is common), so
there is one form here: the type's words as Azure documents them, all names in small letters.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

VIRTUAL_MACHINE: Final = "Microsoft.Compute/virtualMachines"
SCALE_SET: Final = "Microsoft.Compute/virtualMachineScaleSets"
SCALE_SET_INSTANCE: Final = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
DISK: Final = "Microsoft.Compute/disks"
NETWORK_INTERFACE: Final = "Microsoft.Network/networkInterfaces"
SECURITY_GROUP: Final = "Microsoft.Network/networkSecurityGroups"

_TYPES: Final = {
    kind.lower(): kind
    for kind in (
        VIRTUAL_MACHINE,
        SCALE_SET,
        SCALE_SET_INSTANCE,
        DISK,
        NETWORK_INTERFACE,
        SECURITY_GROUP,
    )
}
_SUBSCRIPTION: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME: Final = r"[\w.()-]{1,90}"
_GROUP_ID: Final = re.compile(
    rf"/subscriptions/(?P<subscription>{_SUBSCRIPTION})/resourcegroups/(?P<group>{_NAME})"
)
_ID: Final = re.compile(
    rf"{_GROUP_ID.pattern}/providers/(?P<provider>[a-z.]+)"
    rf"/(?P<type>[a-z]+)/(?P<name>{_NAME})(?:/(?P<inner_type>[a-z]+)/(?P<inner>{_NAME}))?"
)


class ResourceId(NamedTuple):
    """The parts of an id, in the one form."""

    subscription: str
    group: str
    """Name of the resource group."""
    kind: str
    """``Microsoft.Compute/virtualMachines`` …"""
    names: tuple[str, ...]
    """The resource's name; of an instance the scale set's name and its own."""

    @classmethod
    def parse(cls, text: str) -> ResourceId | None:
        """Return the parts, or None when the text is no id of a type that faults touch."""
        match = _ID.fullmatch(text.lower())
        if match is None:
            return None
        words = [match["provider"], match["type"], match["inner_type"]]
        kind = _TYPES.get("/".join(filter(None, words)))
        names = tuple(filter(None, (match["name"], match["inner"])))
        return (kind and cls(match["subscription"], match["group"], kind, names)) or None

    @classmethod
    def of(cls, text: str) -> ResourceId:
        """Return the parts of an id that Azure wrote. Raises ValueError for any other text."""
        parsed = cls.parse(text)
        if parsed is None:
            raise ValueError(f"not the id of a resource that faults touch: {text[:256]}")
        return parsed

    @property
    def name(self) -> str:
        """The resource's own name; of an instance its number."""
        return self.names[-1]

    @property
    def parent(self) -> ResourceId:
        """The scale set of an instance."""
        return self._replace(kind=self.kind.rpartition("/")[0], names=self.names[:-1])

    @property
    def group_id(self) -> str:
        """The id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def __str__(self) -> str:
        """Return the id in the one form."""
        provider, *types = self.kind.split("/")
        path = "/".join(f"{kind}/{name}" for kind, name in zip(types, self.names, strict=True))
        return f"{self.group_id}/providers/{provider}/{path}"


def subscription_name(text: str) -> str | None:
    """Return a subscription's id in small letters, or None when the text is none."""
    name = text.lower()
    return name if re.fullmatch(_SUBSCRIPTION, name) else None


def canonical(text: str) -> str:
    """Return an id that Azure wrote in the one form; of another type in small letters."""
    parsed = ResourceId.parse(text)
    return str(parsed) if parsed else text.lower()
