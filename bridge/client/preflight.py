"""What is asked, and answered, before a run."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from bridge.client.documents import Document, RequestDocument


class PreflightRequest(RequestDocument):
    """Ask about a document, which is not stored, or about a stored template."""

    template: dict[str, Any] | None = None
    """A ``CreateExperimentTemplate`` document; ``kubernetesSpec`` may be an object or YAML."""
    template_id: str | None = Field(default=None, min_length=1, max_length=64)

    @model_validator(mode="after")
    def _one(self) -> PreflightRequest:
        if (self.template is None) == (self.template_id is None):
            raise ValueError('give either "template" (a document) or "templateId"')
        return self


class PreflightFinding(Document):
    """One right, or one thing that must be there, and what is known of it."""

    what: str
    """The right in the cloud's own words, to be granted as it stands, or what is looked for."""
    verdict: str
    """``ok``, ``missing`` or ``cannot-check``."""
    identity: str
    """Whose: ``experiment``'s (the template's role), the ``reader``'s (the bridge's own), or
    that of one ``between`` them."""
    holder: str = ""
    """Of one in between: which."""
    need: str
    """``required``, ``indirect`` or ``optional``."""
    place: str
    """Where, in words."""
    resources: tuple[str, ...] = ()
    """ARNs, where the right is for these only."""
    wanted_by: tuple[str, ...] = ()
    """Paths in the template."""
    reason: str = ""
    mend: str = ""
    """A policy or manifest that would make it good, where one is known."""

    @property
    def stops(self) -> bool:
        """Whether a run would fail for it."""
        return self.verdict == "missing" and self.need == "required"


class Preflight(Document):
    """What was asked before a run, and answered; nothing was changed."""

    passed: bool
    """Whether nothing that is required is known to be missing."""
    findings: tuple[PreflightFinding, ...] = ()
