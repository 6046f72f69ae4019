"""Refusals as the API server words them: `Status` objects with reason, details and causes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.sandbox.kubernetes.identity import Attributes


class ApiError(Exception):
    """A request that is refused; `status` is what the client reads."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = None if details is None else dict(details)
        self.headers = dict(headers or {})

    @property
    def status(self) -> dict[str, Any]:
        """The `Status` object of this refusal."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


@dataclass(frozen=True)
class FieldError:
    """One field that is wrong; `reason` is the CauseType (`FieldValueInvalid` …)."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        """Write it as the message of the whole refusal does."""
        return f"{self.field}: {self.message}"


def required(field: str, detail: str = "") -> FieldError:
    """Name a field that must be there."""
    return FieldError(field, "FieldValueRequired", f"Required value{detail and ': ' + detail}")


def invalid_value(field: str, value: object, detail: str) -> FieldError:
    """Name a field whose value is wrong."""
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {quoted(value)}: {detail}")


def unsupported_value(field: str, value: object, allowed: Sequence[object]) -> FieldError:
    """Name a field whose value is none of the allowed ones."""
    choices = ", ".join(quoted(str(item)) for item in allowed)
    message = f"Unsupported value: {quoted(value)}: supported values: {choices}"
    return FieldError(field, "FieldValueNotSupported", message)


def forbidden_field(field: str, detail: str) -> FieldError:
    """Name a field that may not be set or changed like this."""
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {detail}")


def quoted(value: object) -> str:
    """Write a value as Go's field errors do."""
    if value is None:
        return '"null"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def go_value(value: object) -> str:
    """Write a JSON value as Go shows its own variables, which some refusals do."""
    if isinstance(value, dict):
        pairs = (f"{quoted(name)}:{go_value(item)}" for name, item in sorted(value.items()))
        return f"map[string]interface {{}}{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(go_value, value))}}}"
    return "interface {}(nil)" if value is None else quoted(value)


def qualified(group: str, name: str) -> str:
    """Write `networkchaos.chaos-mesh.org`, or `pods` for the core group."""
    return f"{name}.{group}" if group else name


def details(group: str, kind: str, name: str = "", **more: object) -> dict[str, Any]:
    """Build the details of a Status; empty parts are left out as the API server does."""
    parts = {"name": name, "group": group, "kind": kind, **more}
    return {field: value for field, value in parts.items() if value}


def not_found(group: str, resource: str, name: str) -> ApiError:
    """Say that an object does not exist."""
    return ApiError(
        HTTPStatus.NOT_FOUND,
        "NotFound",
        f'{qualified(group, resource)} "{name}" not found',
        details=details(group, resource, name),
    )


def already_exists(group: str, resource: str, name: str) -> ApiError:
    """Say that the name is taken."""
    return ApiError(
        HTTPStatus.CONFLICT,
        "AlreadyExists",
        f'{qualified(group, resource)} "{name}" already exists',
        details=details(group, resource, name),
    )


def conflict(group: str, resource: str, name: str, why: str) -> ApiError:
    """Say that the object is not in the state that the caller expects."""
    return ApiError(
        HTTPStatus.CONFLICT,
        "Conflict",
        f'Operation cannot be fulfilled on {qualified(group, resource)} "{name}": {why}',
        details=details(group, resource, name),
    )


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> ApiError:
    """Refuse an object, naming each wrong field."""
    listed = str(errors[0]) if len(errors) == 1 else f"[{', '.join(map(str, errors))}]"
    causes = [
        {"reason": error.reason, "message": error.message, "field": error.field} for error in errors
    ]
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid",
        f'{qualified(group, kind)} "{name}" is invalid: {listed}',
        details=details(group, kind, name, causes=causes),
    )


def bad_request(message: str) -> ApiError:
    """Refuse a request that cannot be read."""
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def unauthorized() -> ApiError:
    """Refuse a request whose token is not accepted."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def forbidden(username: str, asked: Attributes, why: str = "") -> ApiError:
    """Refuse what an identity may not do."""
    tail = f": {why}" if why else ""
    if asked.non_resource_path:
        return ApiError(
            HTTPStatus.FORBIDDEN,
            "Forbidden",
            f'forbidden: User "{username}" cannot {asked.verb} path '
            f'"{asked.non_resource_path}"{tail}',
            details={},
        )
    resource = asked.resource + (f"/{asked.subresource}" if asked.subresource else "")
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    name = f' "{asked.name}"' if asked.name else ""
    return ApiError(
        HTTPStatus.FORBIDDEN,
        "Forbidden",
        f"{qualified(asked.group, asked.resource)}{name} is forbidden: "
        f'User "{username}" cannot {asked.verb} resource "{resource}" '
        f'in API group "{asked.group}" {where}{tail}',
        details=details(asked.group, asked.resource, asked.name),
    )


def refused(group: str, resource: str, name: str, why: str) -> ApiError:
    """Refuse a request for a reason that is not the caller's rights."""
    return ApiError(
        HTTPStatus.FORBIDDEN,
        "Forbidden",
        f"{qualified(group, resource)}{f' {chr(34)}{name}{chr(34)}' if name else ''} "
        f"is forbidden: {why}",
        details=details(group, resource, name),
    )


def expired(message: str) -> ApiError:
    """Tell a reader to list again."""
    return ApiError(HTTPStatus.GONE, "Expired", message)


def method_not_allowed() -> ApiError:
    """Refuse a verb that the resource does not have."""
    return ApiError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        details={},
    )


def unsupported_media_type(supported: Sequence[str], why: str = "") -> ApiError:
    """Refuse a body in a format that is not read."""
    return ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(supported)}{why and f' ({why})'}",
    )


def too_large(limit: int) -> ApiError:
    """Refuse a body beyond the limit (bytes)."""
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "RequestEntityTooLarge",
        f"Request entity too large: limit is {limit}",
    )


def not_implemented(what: str) -> ApiError:
    """Say honestly that a real API server does this and the emulator does not."""
    return ApiError(
        HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"the emulator does not implement {what}"
    )


def unclassified(message: str) -> ApiError:
    """Refuse what a real server refuses without a reason, as an internal error."""
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "", message)


def internal(what: str) -> ApiError:
    """Report a fault of the emulator itself, without its inner details."""
    return ApiError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "InternalError",
        f"Internal error occurred: {what}",
        details={"causes": [{"message": what}]},
    )
