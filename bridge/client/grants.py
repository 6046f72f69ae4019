"""The documents of ``/v1/grants``: what a template needs, and what would grant it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from bridge.client.calls import Call
from bridge.client.documents import Document, RequestDocument


class GrantsRequest(RequestDocument):
    """Say what a document, or a stored template, needs."""

    template: dict[str, Any] | None = None
    template_id: str | None = Field(default=None, min_length=1, max_length=64)
    cloud: Literal["aws", "gcp", "azure", "kubernetes"] | None = None
    """Only documents for this one; all if not given."""
    include_optional: bool = False
    """Whether rights are granted too without which a run proceeds."""
    required_only: bool = False
    """Whether rights are left out that clouds check in some set-ups only."""

    @model_validator(mode="after")
    def _one_of_each(self) -> GrantsRequest:
        if (self.template is None) == (self.template_id is None):
            raise ValueError('give either "template", a document, or "templateId"')
        if self.include_optional and self.required_only:
            raise ValueError('"includeOptional" and "requiredOnly" contradict each other')
        return self


class Grant(Document):
    """One right: whose, where, on what, which parts of the template need it, and why."""

    holder: str = Field(alias="for")
    """``experiment``, the identity of the template; ``reader``, the bridge's own; ``between``,
    one through which the bridge becomes the template's."""
    identity: str = ""
    """Of one in between: which."""
    cloud: str
    account: str
    region: str
    namespace: str
    right: str
    need: str
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, str], ...]
    wanted_by: tuple[str, ...]
    notes: tuple[str, ...]


class GrantDocument(Document):
    """Something to apply, in the form in which its cloud takes it."""

    holder: str = Field(alias="for")
    identity: str = ""
    cloud: str
    kind: str
    title: str
    body: Any
    commands: tuple[str, ...]


class Grants(Document):
    """What a template needs."""

    name: str
    identity: str
    """The template's own; in other clouds the bridge acts as ``others``."""
    others: dict[str, str]
    principal: str = ""
    """The ARN as which the bridge calls AWS."""
    through: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By cloud: the identities that the bridge becomes before, in that order."""
    external_ids: dict[str, str] = Field(default_factory=dict)
    """By role: what is said when it is assumed."""
    source_identity: bool = False
    """Whether it tells AWS who started a run."""
    clusters: tuple[tuple[str, str], ...] = ()
    """Patterns of clusters in which the identity shows a token of ``gcp`` or ``azure``."""
    documents: tuple[GrantDocument, ...]
    grants: tuple[Grant, ...]
    """Every right that the documents grant."""
    not_granted: tuple[Grant, ...]
    """Further rights that the template could use, and in their notes what is lost without."""


def grants(request: GrantsRequest) -> Call[Grants]:
    """Say what a template needs."""
    body = request.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Call("POST", "/v1/grants", Grants, body=body)
