"""The containers and volumes of a Task, as Kubernetes itself describes them (core/v1 of 1.33).

The CRDs of Chaos Mesh hold the whole schema of a container, so a field that is wrong three levels
down is refused. `core_v1.json` has the names, types and required fields of these objects; each is
made into a model when it is first needed, which most specs never do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from providers.kubernetes.specs.base import ChaosModel, Int64, TextMap
from providers.kubernetes.specs.crd import structural_schema
from providers.kubernetes.specs.problems import json_type, shown

_QUANTITY: Final = re.compile(
    r"(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?"
)
_EITHER: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}


def _either(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(  # noqa: TRY004 - pydantic collects ValueError only
            f'must be a whole number or text, is {json_type(value)}, write it like 80 or "100m"'
        )
    return value


def _quantity(value: Any) -> Any:
    if isinstance(value, str) and not _QUANTITY.fullmatch(value):
        raise ValueError(f'{shown(value)} is not a quantity, write it like "100m" or "64Mi"')
    return value


class Embedded:
    """Marks a field as an object of core/v1, by its name: `Annotated[Any, Embedded("Pod")]`."""

    def __init__(self, name: str) -> None:
        """Keep the name of the object, one in `core_v1.json`."""
        self.name = name

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate by the object's model, made when the first such object comes."""
        return core_schema.no_info_plain_validator_function(
            lambda value: core_model(self.name).model_validate(value)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of the object, inlined."""
        return structural_schema(core_model(self.name))


_Either = Annotated[Any, BeforeValidator(_either), Field(json_schema_extra=_EITHER)]
_Quantity = Annotated[_Either, AfterValidator(_quantity)]
_SIMPLE: Final[Mapping[str, Any]] = {
    "text": str,
    "bool": bool,
    "int": Int64,
    "port": _Either,
    "quantity": _Quantity,
    "object": dict[str, Any],
    "{text}": TextMap,
    "{quantity}": dict[str, _Quantity],
}


@cache
def core_model(name: str) -> type[ChaosModel]:
    """The model of an object of core/v1. Raises KeyError for one that is not described."""
    fields: dict[str, Any] = {}
    for alias, written in _described()[name].items():
        kind = written.removesuffix("!")
        many = kind.startswith("[")
        inner = kind.strip("[]")
        # A field of a model may not be called as one of pydantic's own methods.
        type_: Any = _SIMPLE.get(inner) or Annotated[Any, Embedded(inner)]
        type_ = list[type_] if many else type_
        wanted: Any = type_ if written.endswith("!") else type_ | None
        told = f"{alias} of {name} in core/v1 of Kubernetes."
        default: Any = ... if written.endswith("!") else None
        fields[f"{alias}_"] = (wanted, Field(default, alias=alias, description=told))
    model: type[ChaosModel] = create_model(name, __base__=ChaosModel, **fields)
    return model


@cache
def _described() -> Mapping[str, Mapping[str, str]]:
    text = files(__package__).joinpath("core_v1.json").read_text(encoding="utf-8")
    read: dict[str, dict[str, str]] = json.loads(text)
    return read


Container = Annotated[Any, Embedded("Container")]
Volume = Annotated[Any, Embedded("Volume")]
EnvVarSource = Annotated[Any, Embedded("EnvVarSource")]
