"""What a cloud's refusal means, in the same words for every cloud.

ProviderError
├── TransientError          nothing is known about the call's effect
└── RefusedError            the cloud did not carry it out
    └── DeniedError         …because the identity may not (also an AccessDeniedError)
"""

from __future__ import annotations

from providers.contract import AccessDeniedError, Outcome, OutcomeKind, ProviderError


class RefusedError(ProviderError):
    """The cloud refused the call.

    ``certain`` is False when an earlier attempt of the same call may have been carried out
    (its answer was lost), which the refusal of a later attempt does not tell.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        named: frozenset[str] = frozenset(),
        gone: bool = False,
        certain: bool = True,
    ) -> None:
        """Keep which resources the cloud blamed, and whether it said that they do not exist."""
        super().__init__(message, code=code)
        self.named = named
        self.gone = gone
        self.certain = certain


class DeniedError(RefusedError, AccessDeniedError):
    """The identity may not make the call."""


def refusal_outcome(refusal: RefusedError) -> Outcome:
    """Return what a refusal means for a record that was alone in the call, or named by it."""
    if refusal.gone:
        return Outcome(OutcomeKind.GONE, str(refusal))
    kind = OutcomeKind.REJECTED if refusal.certain else OutcomeKind.UNKNOWN
    return Outcome(kind, str(refusal))
