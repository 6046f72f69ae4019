"""Who may call: managed identities, their tokens and what they are granted.

Tokens come from App Service's managed identity endpoint ("REST endpoint reference" in the App
Service documentation), which ``azure.identity.ManagedIdentityCredential`` reads by the
variables ``IDENTITY_ENDPOINT`` and ``IDENTITY_HEADER``.
"""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from bridge.sandbox.azure.errors import ArmError, answer

OWNER_CLIENT_ID = "00000000-0000-4000-8000-0000000000a0"
OWNER_TOKEN = "sandbox-only-not-a-real-token"  # noqa: S105 - opens the emulator, nothing else
HEADER_SECRET = "sandbox-only-identity-header"  # noqa: S105 - the same
MANAGEMENT = "https://management.azure.com"
"""For whom Resource Manager's tokens are."""
AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""AKS's own server application, for whom its clusters' tokens are."""
TOKEN_PATH = "/msi/token"  # noqa: S105 - a path
_LIFETIME = 86_400
"""Seconds; App Service's tokens live for 24 hours."""


@dataclass(frozen=True)
class Identity:
    """A managed identity: clients ask for it by client id, roles are assigned to its object id."""

    client_id: str

    @property
    def object_id(self) -> str:
        """The object id of its service principal."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.client_id))


class Identities:
    """The identities that exist, and the tokens issued to them."""

    def __init__(self) -> None:
        self._by_client: dict[str, Identity] = {}
        self._by_token: dict[str, tuple[str, str]] = {}
        """Client id and resource, by token."""
        self.clear()

    def clear(self) -> None:
        """Forget all but the owner."""
        self._by_client = {OWNER_CLIENT_ID: Identity(OWNER_CLIENT_ID)}
        self._by_token = {OWNER_TOKEN: (OWNER_CLIENT_ID, MANAGEMENT)}

    def create(self, client_id: str) -> Identity:
        """Make an identity, if there is none with this client id."""
        return self._by_client.setdefault(client_id.lower(), Identity(client_id.lower()))

    def knows(self, object_id: str) -> bool:
        """Whether an object id is that of an identity."""
        return any(one.object_id == object_id for one in self._by_client.values())

    def bearer(self, authorization: str, resource: str = MANAGEMENT) -> Identity | None:
        """Answer whose token for a resource an ``Authorization`` header carries, if it is ours."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        client_id, audience = self._by_token.get(token.strip(), ("", ""))
        if audience.rstrip("/").lower() != resource.lower():
            return None
        return self._by_client.get(client_id)

    def issue(self, request: Request) -> Response:
        """Answer a request for a token; without ``client_id`` it is the owner's."""
        given = request.headers.get("X-IDENTITY-HEADER", "")
        if not secrets.compare_digest(given.encode(), HEADER_SECRET.encode()):
            return answer({"statusCode": 401, "message": "X-IDENTITY-HEADER is not right."}, 401)
        client_id = request.args.get("client_id", OWNER_CLIENT_ID).lower()
        resource = request.args.get("resource", "")
        if not resource or client_id not in self._by_client:
            lack = f"No User Assigned Identity found for client_id {client_id}."
            message = lack if resource else "The parameter resource is missing."
            return answer({"statusCode": 400, "message": message}, 400)
        token = secrets.token_urlsafe(24)
        self._by_token[token] = (client_id, resource)
        return answer(
            {
                "access_token": token,
                "client_id": client_id,
                "expires_on": str(int(time.time()) + _LIFETIME),
                "resource": resource,
                "token_type": "Bearer",
            }
        )


def unauthenticated(authorization: str) -> ArmError:
    """Answer ARM's refusal of a request with no token, or with an unknown one."""
    if authorization:
        code, message = "InvalidAuthenticationToken", "The access token is invalid."
    else:
        code = "AuthenticationFailed"
        message = "Authentication failed. The 'Authorization' header is missing."
    challenge = (
        'Bearer authorization_uri="https://login.windows.net/", error="invalid_token", '
        f'error_description="{message}"'
    )
    return ArmError(code, message, 401, headers={"WWW-Authenticate": challenge})


def unauthorized(identity: Identity, action: str, scope: str, *, linked: bool) -> ArmError:
    """Answer ARM's refusal of a caller without the right.

    ``linked`` is a right on a resource that the body refers to.
    """
    who = f"The client '{identity.client_id}' with object id '{identity.object_id}'"
    if linked:
        message = (
            f"{who} has permission to perform the action on scope '{scope}'; however, it does "
            f"not have permission to perform action '{action}' on the linked scope(s)."
        )
        return ArmError("LinkedAuthorizationFailed", message, 403)
    message = (
        f"{who} does not have authorization to perform action '{action}' over scope '{scope}' "
        "or the scope is invalid. If access was recently granted, please refresh your credentials."
    )
    return ArmError("AuthorizationFailed", message, 403)
