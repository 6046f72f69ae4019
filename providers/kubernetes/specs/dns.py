"""DNSChaos: names that pods cannot resolve, or that resolve to random addresses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

from pydantic import Field

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosSpec
from providers.kubernetes.specs.findings import warning
from providers.kubernetes.specs.problems import MOST_PROBLEMS, shown
from providers.kubernetes.specs.selector import ContainerSelection

Action = Literal["error", "random"]


class DNSChaosSpec(ChaosSpec, ContainerSelection):
    """The `spec` of a DNSChaos."""

    action: Action = Field(
        description="error answers that there is no such name, random answers any address."
    )
    patterns: list[str] | None = Field(
        default=None,
        description="The names concerned; ? stands for one character, * only at the end for any "
        "number. All names without it.",
        json_schema_extra={"example": ["google.com", "chaos-mesh.*", "github.?om"]},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Patterns that the DNS server of Chaos Mesh does not read as they look."""
        yield from super().findings(path)
        odd = (
            (index, pattern)
            for index, pattern in enumerate(self.patterns or ())
            if not pattern or "*" in pattern[:-1]
        )
        for index, pattern in islice(odd, MOST_PROBLEMS):
            where = child(child(path, "patterns"), index)
            if not pattern:
                message = 'is empty, so it stands for no name, write it like "example.com"'
                yield warning(where, message)
            else:
                start = pattern.split("*", 1)[0]
                mend = f"write {shown(start + '*')}" if start else "write the names out"
                message = f"{shown(pattern)} matches nothing, * is only read at the end; {mend}"
                yield warning(where, message)
