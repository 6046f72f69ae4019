"""KernelChaos: allocations and block I/O that the kernel lets fail, on the whole node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel, ChaosSpec, Int32, Uint32
from providers.kubernetes.specs.findings import warning
from providers.kubernetes.specs.selector import PodSelection


class Frame(ChaosModel):
    """One function of a call chain."""

    funcname: str | None = Field(
        default=None,
        description="A function of the kernel, as /proc/kallsyms names it.",
        json_schema_extra={"example": "__x64_sys_mount"},
    )
    parameters: str | None = Field(
        default=None,
        description="The parameters of the function as in its source, where predicate needs them.",
        json_schema_extra={"example": "struct dentry *parent, const struct qstr *name"},
    )
    predicate: str | None = Field(
        default=None,
        description="A condition on the parameters, in C.",
        json_schema_extra={"example": 'STRNCMP(name->name, "bananas", 8)'},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """A frame without a function, and a condition on parameters that are not named."""
        if not self.funcname:
            message = "is missing, so the frame stands for no function, write its name"
            yield warning(child(path, "funcname"), message)
        if self.predicate and not self.parameters:
            message = "is missing, and predicate reads the parameters it names, write them"
            yield warning(child(path, "parameters"), message)


class FailKernRequest(ChaosModel):
    """What fails, where, and how often."""

    failtype: Annotated[Int32, Field(ge=0, le=2)] = Field(
        description="What fails: 0 slab allocations, 1 page allocations, 2 block I/O.",
        json_schema_extra={"example": 0},
    )
    headers: list[str] | None = Field(
        default=None,
        description="Headers of the kernel that parameters and predicate need.",
        json_schema_extra={"example": ["linux/mmzone.h"]},
    )
    callchain: list[Frame] | None = Field(
        default=None,
        description="The calls in which it fails, from the outside in; any without it.",
    )
    probability: Annotated[Uint32, Field(ge=0, le=100)] | None = Field(
        default=None, description="Percentage of the calls that fail, 1 to 100."
    )
    times: Annotated[Uint32, Field(ge=0)] | None = Field(
        default=None, description="The most calls that fail."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Go leaves a written 0 out, so it says as little as nothing."""
        for name, like in (("probability", "1 to 100"), ("times", "1 or more")):
            if getattr(self, name) == 0:
                message = (
                    "0 is the same as leaving it out: what then fails is up to the kernel "
                    f"daemon; write {like}"
                )
                yield warning(child(path, name), message)


class KernelChaosSpec(ChaosSpec, PodSelection):
    """The `spec` of a KernelChaos."""

    fail_kern_request: FailKernRequest = Field(
        description="What fails in the kernel, where, and how often.",
        json_schema_extra={
            "example": {"failtype": 0, "callchain": [{"funcname": "__x64_sys_mount"}]}
        },
    )
