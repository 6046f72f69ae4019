"""The emulated Resource Manager: token, right, operation; in that order."""

from __future__ import annotations

from contextlib import nullcontext

from werkzeug.wrappers import Response

from bridge.sandbox.azure import (
    disks,
    network_interfaces,
    permissions,
    resource_listing,
    role_routes,
    scale_sets,
    security_groups,
    tags,
    virtual_machines,
)
from bridge.sandbox.azure.errors import ArmError
from bridge.sandbox.azure.identities import (
    TOKEN_PATH,
    Identity,
    unauthenticated,
    unauthorized,
)
from bridge.sandbox.azure.operations import look
from bridge.sandbox.azure.request import ArmRequest, Route
from bridge.sandbox.azure.subscription import Subscription
from bridge.sandbox.front import CloudApi, Environ
from bridge.sandbox.transitions import LateFailure


def _issue(subscription: Subscription, asked: ArmRequest) -> Response:
    return subscription.identities.issue(asked.http)


_TOKENS = Route("GET", TOKEN_PATH, "Tokens_Get", "", _issue, names=lambda _: (), open_to_all=True)
_LOOK = Route(
    "GET",
    "/subscriptions/{subscription}/providers/{provider}/locations/{location}"
    "/operations/{operation}",
    "Operations_Get",
    "{provider}/locations/operations/read",  # as Azure/azure-xplat-cli 2051 reports it
    look,
    names=lambda _: (),
)
ROUTES = (
    _TOKENS,
    _LOOK,
    *virtual_machines.ROUTES,
    *scale_sets.ROUTES,
    *disks.ROUTES,
    *network_interfaces.ROUTES,
    *security_groups.ROUTES,
    *tags.ROUTES,
    *permissions.ROUTES,
    *role_routes.ROUTES,
    *resource_listing.ROUTES,
)


class AzureApi(CloudApi[ArmRequest]):
    """What the emulated subscription answers."""

    def __init__(self, subscription: Subscription, *, permissions: bool) -> None:
        self._subscription = subscription
        self._permissions = permissions

    def read(self, environ: Environ) -> ArmRequest:
        """Find the operation and the caller."""
        asked = ArmRequest(environ, ROUTES)
        identity = self._subscription.identities.bearer(asked.authorization)
        if identity is not None:
            asked.caller, asked.principal = identity.client_id, identity.object_id
        elif asked.route is _TOKENS:
            asked.caller = asked.query("client_id")
        return asked

    def answer(self, asked: ArmRequest, failing: LateFailure | None) -> Response:
        """Carry the request out, if the caller may."""
        try:
            self._check(asked)
            return self._handle(asked, failing)
        except ArmError as error:
            return error.response()

    def refuse(self, asked: ArmRequest, code: str, message: str, status: int) -> Response:  # noqa: ARG002 - one shape for all
        """Write an error in ARM's shape, which all providers have."""
        return ArmError(code, message, status).response()

    def throttle(self, asked: ArmRequest) -> Response:
        """Write what the called provider answers to too many requests.

        Compute says so in the details of an ``OperationNotAllowed`` ("Troubleshooting API
        throttling errors" in the documentation of virtual machines); ARM itself by its code
        ("Understand how Azure Resource Manager throttles requests").
        """
        headers = {"Retry-After": str(max(1, self._subscription.retry_after))}
        if asked.service.lower() == "microsoft.compute":
            message = (
                "The server rejected the request because too many requests have been received "
                "for this subscription."
            )
            group = {"code": "TooManyRequests", "target": "HighCostGet", "message": message}
            refused = ArmError(
                "OperationNotAllowed", message, 429, headers=headers, details=[group]
            )
        else:
            message = (
                f"Number of requests for subscription '{self._subscription.id}' and operation "
                f"'{asked.operation}' exceeded the backend storage limit. Please try again later."
            )
            refused = ArmError("SubscriptionRequestsThrottled", message, 429, headers=headers)
        return refused.response()

    def vanish(self, asked: ArmRequest) -> None:
        """Delete the resources that the request is about."""
        with self._subscription.lock:
            self._subscription.transitions.settle()
            for resource_id in asked.route.names(asked) if asked.route else ():
                if resource_id.lower() in self._subscription.resources:
                    self._subscription.remove(
                        self._subscription.get(resource_id), from_outside=True
                    )

    def _check(self, asked: ArmRequest) -> None:
        """Refuse what ARM itself refuses before it asks a provider. Raises ``ArmError``."""
        if asked.route is not None and asked.route.open_to_all:
            return
        identity = self._subscription.identities.bearer(asked.authorization)
        if identity is None:
            raise unauthenticated(asked.authorization)
        if not asked.query("api-version"):
            message = (
                "The api-version query parameter (?api-version=) is required for all requests."
            )
            raise ArmError("MissingApiVersionParameter", message)
        if asked.route is None:
            message = f"The sandbox does not emulate {asked.operation}"
            raise ArmError("NotImplemented", message, 501)
        if asked.query("$filter") and not asked.route.filters:
            message = f"The sandbox does not emulate $filter of {asked.operation}"
            raise ArmError("NotImplemented", message, 501)
        named = asked.parameters.get("subscription", self._subscription.id)
        if named.lower() != self._subscription.id.lower():
            message = f"The subscription '{named}' could not be found."
            raise ArmError("SubscriptionNotFound", message, 404)
        if self._permissions:
            self._authorize(identity, asked)

    def _authorize(self, identity: Identity, asked: ArmRequest) -> None:
        """Raise ``ArmError`` for the first action that the caller lacks."""
        with self._subscription.lock:
            for number, action in enumerate(asked.rights):
                if not self._subscription.roles.allow(asked.principal, action, asked.path):
                    raise unauthorized(identity, action, asked.path, linked=number > 0)

    def _handle(self, asked: ArmRequest, failing: LateFailure | None) -> Response:
        if asked.route is None:  # refused by _check
            raise AssertionError
        with self._subscription.lock:
            transitions = self._subscription.transitions
            transitions.settle()
            with transitions.failing(failing) if failing else nullcontext():
                return asked.route.handler(self._subscription, asked)
