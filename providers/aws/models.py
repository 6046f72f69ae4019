"""The SDK's service models, parsed once for the process, whole or cut to what faults read.

Reading an answer costs botocore time per attribute: a millisecond for each instance that
DescribeInstances returns whole, a seventh of it for the few attributes that undoing needs.
A hundred instances are looked at every second while they stop, so it matters.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

_READ: Final = {
    "Instance": (
        "InstanceId",
        "InstanceLifecycle",
        "RootDeviceName",
        "RootDeviceType",
        "SpotInstanceRequestId",
        "State",
        "Tags",
        "VpcId",
    )
}
"""EC2's shapes that are cut, with the members that stay."""


@cache
def whole() -> Any:
    """Return botocore's loader, which remembers the models that it has read."""
    from botocore.loaders import create_loader

    return create_loader()


class Cut:
    """A loader that takes away what no fault reads; all else is the whole loader's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(whole(), name)

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> dict[str, Any]:
        """Load a model as botocore's loader does, cut where it is EC2's."""
        model: dict[str, Any] = whole().load_service_model(service_name, type_name, api_version)
        if (service_name, type_name) != ("ec2", "service-2"):
            return model
        shapes = dict(model["shapes"])
        for name, read in _READ.items():
            members = {key: shapes[name]["members"][key] for key in read}
            shapes[name] = {**shapes[name], "members": members}
        return {**model, "shapes": shapes}
