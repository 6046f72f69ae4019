"""The action template: a chaos resource with named parameters, which a team shares.

Fields carry their JSON names as aliases, so the path of a problem is the path that its author
wrote. What a text of ``spec`` or ``namespace`` says as ``{{ name }}`` is a parameter's value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bridge.model.moment import Micros
from bridge.model.wording import quote

ID_PREFIX: Final = "k8s:action-template/"
"""How an experiment template names one: ``k8s:action-template/NAME@VERSION``."""
ALIAS_PREFIX: Final = "aws:faultbridge:template/"
"""The same for strict AWS tooling, which takes no ``@``: the version follows after a slash."""
LONGEST_NAME: Final = 50
"""Characters; with its version a name fits into the 64 of an id."""
NAME: Final = re.compile(rf"[a-z0-9]([-a-z0-9]{{0,{LONGEST_NAME - 2}}}[a-z0-9])?", re.ASCII)
PARAMETER_NAME: Final = re.compile(r"[a-z][A-Za-z0-9]{0,63}", re.ASCII)
LATEST_VERSION: Final = 999_999
"""Versions are numbered from 1 up to this."""

_VERSION: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class ParameterType(StrEnum):
    """What a parameter's values are."""

    STRING = "string"
    INTEGER = "integer"
    DURATION = "duration"
    """Written as in chaos resources (``90ms``, ``5m``), or as ISO 8601 (``PT5M``)."""
    PERCENTAGE = "percentage"
    """A whole number from 0 to 100."""
    ENUM = "enum"
    NAMESPACE = "namespace"
    LABEL_SELECTOR = "labelSelector"
    """An object of labels, or a text such as ``app=checkout,tier=web``."""


class TemplateParameter(_Part):
    """One parameter: its type, what it may be, and what it is where nothing is given."""

    type: ParameterType
    description: str = ""
    default: str | int | dict[str, str] | None = None
    """None: it must be given."""
    minimum: int | str | None = None
    """Least value of an integer, a percentage or a duration."""
    maximum: int | str | None = None
    min_length: int | None = None
    """Fewest characters of a string."""
    max_length: int | None = None
    pattern: str | None = None
    """Regular expression that a whole string has to match."""
    values: tuple[str, ...] = ()
    """What an enum may be."""
    example: str | None = None
    """A string without a default is judged with it."""

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is None


class ActionTemplate(_Part):
    """What is created in a cluster, or broken in a cloud, once its parameters are filled in."""

    name: str
    description: str = ""
    max_duration: str
    """ISO 8601; the action fails when the chaos has not ended by then."""
    api_version: str
    kind: str
    namespace: str
    """A name, or the placeholder of a parameter of type namespace."""
    spec: dict[str, Any]
    parameters: dict[str, TemplateParameter] = Field(default_factory=dict)
    status: dict[str, Any] | None = None
    """How the status of a foreign kind is read: ``path``, ``inEffect``, ``ended``, ``failed``."""
    carried_out_by: str | None = None
    """``cluster``, where the resource of a cloud's kind is to be created in a cluster."""

    def document(self) -> dict[str, Any]:
        """Return the JSON document; what is not given is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class ActionTemplateVersion(_Part):
    """One version of an action template, which never changes."""

    template: ActionTemplate
    version: int
    created_at: Micros = Micros(0)
    built_in: bool = False
    """Whether it came with Faultbridge: nobody can change or delete it."""

    @property
    def reference(self) -> Reference:
        """Its name and version."""
        return Reference(self.template.name, self.version)


@dataclass(frozen=True, order=True)
class Reference:
    """What names an action template: its name, and its version or the newest."""

    name: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read ``NAME@VERSION`` or ``NAME``. Raises ValueError with the mend."""
        name, at, version = text.partition("@")
        return cls._read(name, version if at else None, text)

    @classmethod
    def of_action(cls, action_id: str) -> Reference | None:
        """Read an action id or its alias; None for the id of another action.

        Raises ValueError where it begins like one and goes on wrongly.
        """
        if action_id.startswith(ID_PREFIX):
            return cls.parse(action_id.removeprefix(ID_PREFIX))
        if action_id.startswith(ALIAS_PREFIX):
            rest = action_id.removeprefix(ALIAS_PREFIX)
            name, slash, version = rest.partition("/")
            return cls._read(name, version if slash else None, rest)
        return None

    @classmethod
    def _read(cls, name: str, version: str | None, text: str) -> Reference:
        if not NAME.fullmatch(name) or not (version is None or _VERSION.fullmatch(version)):
            msg = (
                f"{quote(text)} does not name an action template; write NAME or NAME@VERSION, "
                'such as "network-delay@1"'
            )
            raise ValueError(msg)
        return cls(name, None if version is None else int(version))

    @property
    def action_id(self) -> str:
        """The action id."""
        return ID_PREFIX + str(self)

    @property
    def alias(self) -> str:
        """The action id that strict AWS tooling accepts."""
        version = "" if self.version is None else f"/{self.version}"
        return f"{ALIAS_PREFIX}{self.name}{version}"

    def __str__(self) -> str:
        """Return ``NAME@VERSION`` or ``NAME``."""
        return self.name if self.version is None else f"{self.name}@{self.version}"
