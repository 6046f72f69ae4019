"""Google's APIs beside Compute Engine: Resource Manager and IAM, over google-auth's own session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from providers.contract import Guard
from providers.gcp.clients import CONNECT_TIMEOUT, READ_TIMEOUT
from providers.gcp.credentials import Tokens


@dataclass(frozen=True)
class Call:
    """One call of a REST API."""

    service: str
    """``cloudresourcemanager`` or ``iam``."""
    method: str
    """In Google's words, for messages: ``projects.getIamPolicy``."""
    path: str
    """From the version on: ``v3/projects/PROJECT:getIamPolicy``."""
    body: dict[str, Any] | None = None
    verb: str = "POST"
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the method with its service, for messages."""
        return f"{self.service}.{self.method}"


def send(tokens: Tokens, guard: Guard | None, endpoint: str, call: Call) -> dict[str, Any]:
    """Make one call, once, and return the answer.

    ``endpoint`` is where Google answers if not at Google, else empty. Raises FenceLostError when
    the guard stopped it, else the exceptions of api-core, google-auth and requests.
    """
    from google.api_core.exceptions import from_http_response
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2.credentials import Credentials

    base: Final = endpoint or f"https://{call.service}.googleapis.com"
    bearer = Credentials(tokens.current())  # type: ignore[no-untyped-call] # google-auth annotates half of itself
    if guard is not None:
        guard.check()
    with AuthorizedSession(bearer, refresh_status_codes=()) as session:  # type: ignore[no-untyped-call] # as above
        answer = session.request(  # type: ignore[no-untyped-call] # as above
            call.verb,
            f"{base}/{call.path}",
            params=call.query,
            json=call.body,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
        )
    if not answer.ok:
        raise from_http_response(answer)  # type: ignore[no-untyped-call] # api-core annotates half of itself
    read: dict[str, Any] = answer.json()
    return read
