"""What the cloud kinds share where the bridge carries them out itself.

The fields are those of the CRDs, with one way more to say which machines: `selector`, `mode` and
`value` as the kinds of pods have them. What only a controller in a cluster could act on is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar, Final

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel
from providers.kubernetes.specs.cloud import CloudChaosSpec
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.forms import Form
from providers.kubernetes.specs.selector import Mode, value_problems

_SECOND: Final = timedelta(seconds=1)


class NativeChaosSpec(CloudChaosSpec):
    """A cloud kind for the bridge: one machine, or those that a selector finds."""

    places: ClassVar[tuple[str, ...]]
    """What says where the machine is; beside a selector they narrow it."""
    machine: ClassVar[str]
    """What names the single machine."""
    forms: ClassVar[Mapping[str, Form]]
    """How each of these names is written."""

    mode: Mode | None = Field(default=None, description="How many of those that are selected.")
    value: str | None = Field(
        default=None, description="A number of machines, or a percentage, depending on the mode."
    )

    @property
    def lasts(self) -> timedelta:
        """How long the fault lasts; zero for an action that happens once."""
        if self.one_shot or not self.duration:
            return timedelta()
        return parse_go_duration(self.duration)

    @property
    def one_shot(self) -> bool:
        """Whether the action happens once and is over."""
        return getattr(self, "action", None) in self.one_shot_actions

    @property
    def selects(self) -> bool:
        """Whether machines are selected, and not one named."""
        return getattr(self, "selector", None) is not None

    def findings(self, path: str) -> Iterator[Problem]:
        """What the bridge does not act on, or needs and does not find."""
        yield from super().findings(path)
        for name in ("endpoint", "remote_cluster"):
            if getattr(self, name, None) is not None:
                where = self._path(path, name)
                message = (
                    "is read by Chaos Mesh in a cluster only; leave it out, or have the resource "
                    'created there (carriedOutBy "cluster")'
                )
                yield Problem(where, message)
        if self.secret_name is not None:
            message = (
                "is not read: the bridge acts as the experiment's own role or identity and needs "
                "no Secret; leave it out"
            )
            yield Problem(child(path, "secretName"), message, Severity.WARNING)
        yield from self._form_findings(path)
        yield from self._selection_findings(path)

    def duration_findings(self, path: str) -> Iterator[Problem]:
        """A fault that is undone needs an end: nobody deletes a resource that is never made."""
        where = child(path, "duration")
        if self.one_shot:
            yield from super().duration_findings(path)
        elif not self.duration:
            message = (
                "is required where the bridge carries the fault out: it undoes the fault after "
                'that time; write it like "5m"'
            )
            yield Problem(where, message)
        elif self.lasts <= timedelta():
            yield Problem(where, f'"{self.duration}" is no time at all, write it like "5m"')
        elif self.lasts % _SECOND:
            message = f'"{self.duration}" is not a number of whole seconds, write it like "5m"'
            yield Problem(where, message)

    def disk_findings(self, path: str) -> Iterator[Problem]:
        """A selector finds the disks themselves."""
        if not (self.selects and self.on_disk):
            yield from super().disk_findings(path)

    def _form_findings(self, path: str) -> Iterator[Problem]:
        for name, form in self.forms.items():
            value = getattr(self, name)
            if name in self.disk_fields and not self.on_disk:
                continue  # ignored, and said to be
            where = self._path(path, name)
            if value == []:
                yield Problem(where, f'names nothing, write it like ["{form.example}"]')
            for index, one in enumerate(value if isinstance(value, list) else ()):
                if problem := form.problem(one, child(where, index)):
                    yield problem
            if isinstance(value, str) and (problem := form.problem(value, where)):
                yield problem

    def _path(self, path: str, name: str) -> str:
        return child(path, type(self).model_fields[name].alias or name)

    def _selection_findings(self, path: str) -> Iterator[Problem]:
        named = (self.machine, *(self.disk_fields if self.on_disk else ()))
        if self.selects:
            yield from self._selector_findings(path, named)
            return
        for name in (*self.places, *named):
            # A missing disk is told by the rule of the CRD's webhook.
            if getattr(self, name) is None and name not in self.disk_fields:
                message = "is required; write it, or selector for many machines"
                yield Problem(self._path(path, name), message)
        for name in ("mode", "value"):
            if getattr(self, name) is not None:
                message = (
                    "says how many of those that selector finds; add selector, or leave it out"
                )
                yield Problem(child(path, name), message)

    def _selector_findings(self, path: str, named: tuple[str, ...]) -> Iterator[Problem]:
        selector: ChaosModel = self.selector  # type: ignore[attr-defined]  # each kind has its own
        for name in named:
            if getattr(self, name) is not None:
                where = self._path(path, name)
                what = "the disks" if self.on_disk else "the machines"
                yield Problem(where, f"cannot stand beside selector, which finds {what}; drop one")
        if not any(getattr(selector, name) for name in type(selector).model_fields):
            words = " or ".join(type(selector).model_fields)
            message = f"selects everything there is; write {words}"
            yield Problem(child(path, "selector"), message)
        if self.mode is None:
            message = "is required beside selector; write one, all, fixed or fixed-percent"
            yield Problem(child(path, "mode"), message)
        elif self.mode == "random-max-percent":
            message = (
                '"random-max-percent" may come to no machine at all, which is no experiment; '
                'write "fixed-percent"'
            )
            yield Problem(child(path, "mode"), message)
        else:
            yield from value_problems(self.mode, self.value, path)
        if self.mode == "fixed-percent":
            message = (
                '"fixed-percent" is rounded down, as in AWS FIS, and the run fails where it comes '
                "to no machine; Chaos Mesh rounds up"
            )
            yield Problem(child(path, "mode"), message, Severity.WARNING)
