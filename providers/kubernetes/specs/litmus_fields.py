"""What the objects of Litmus share: fields that are kept though they are unknown, and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel
from providers.kubernetes.specs.problems import MOST_PROBLEMS, meant, shown


class LitmusModel(ChaosModel):
    """An object of Litmus: the CRD keeps what it does not know, and nobody reads it."""

    model_config = ConfigDict(extra="allow")

    def findings(self, path: str) -> Iterator[Problem]:
        """Fields that are not known, with the one that was probably meant."""
        yield from super().findings(path)
        known = [field.alias or name for name, field in type(self).model_fields.items()]
        for name in islice(self.model_extra or {}, MOST_PROBLEMS):
            hint = meant(name, known) or f"the fields here are {', '.join(sorted(known))}"
            message = f"unknown field {shown(name)}, which Litmus does not read; {hint}"
            yield Problem(child(path, name), message, Severity.WARNING)


class OneOf:
    """Marks a text as one of some words: the CRD has a pattern where others have an enum."""

    def __init__(self, *choices: str) -> None:
        """Keep the words that are allowed, of which one may be empty."""
        self.choices = choices

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Judge what is a text."""
        return core_schema.no_info_after_validator_function(self._chosen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The pattern of the CRD, and the words for editors."""
        pattern = "|".join(re.escape(choice) for choice in self.choices)
        found = {"pattern": f"^({pattern})$", "choices": [*self.choices]}
        return {**handler(schema), **found}

    def _chosen(self, text: str) -> str:
        if text in self.choices:
            return text
        words = [choice for choice in self.choices if choice]
        hint = meant(text, words)
        message = f"{shown(text)} is not one of {', '.join(words)}"
        raise ValueError(f"{message}; {hint}" if hint else message)
