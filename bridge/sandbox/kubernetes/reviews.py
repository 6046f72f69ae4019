"""Reviews: what a token is worth, and who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import preparation, request, status
from bridge.sandbox.kubernetes.identity import API_AUDIENCE, Attributes, Decision, Identity

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.call import Call
    from bridge.sandbox.kubernetes.identity import Authenticate, Authorize, RulesOf
    from bridge.sandbox.kubernetes.objects import Object

GROUPS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})


def decide(authorize: Authorize | None, identity: Identity, asked: Attributes) -> Decision:
    """Ask the authorizer; without one everything is allowed."""
    if authorize is None:
        return Decision(allowed=True)
    answer = authorize(identity, asked)
    return answer if isinstance(answer, Decision) else Decision(allowed=answer)


class Reviews:
    """Answers the resources of authentication.k8s.io and authorization.k8s.io."""

    def __init__(
        self, authenticate: Authenticate, authorize: Authorize | None, rules: RulesOf | None
    ) -> None:
        self._authenticate = authenticate
        self._authorize = authorize
        self._rules_of = rules

    async def create(self, call: Call) -> Object:
        """Answer a review."""
        review, twice = request.parse(call.body, call.content_type)
        preparation.check_object(call.resource, call.info, review)
        call.warnings += preparation.prune_fields(
            call.resource, review, twice, call.field_validation
        )
        spec = review.get("spec") or {}
        match call.resource.plural:
            case "tokenreviews":
                review["status"] = await self._token(spec)
            case "selfsubjectreviews":
                review["status"] = {"userInfo": _user(call.identity)}
            case "selfsubjectrulesreviews":
                review["status"] = self._rules(call, spec)
            case _:
                review["status"] = self._access(call, spec)
        return dict(review)

    async def _token(self, spec: dict[str, Any]) -> dict[str, Any]:
        identity = await self._authenticate(spec.get("token") or "")
        if identity is None:
            return {"authenticated": False, "error": "invalid bearer token"}
        # Who asks for no audience asks for the API server's own.
        asked = spec.get("audiences") or [API_AUDIENCE]
        audiences = [one for one in asked if one in identity.audiences]
        if not audiences:
            return {"authenticated": False, "error": "token audiences do not match"}
        return {"authenticated": True, "user": _user(identity), "audiences": audiences}

    def _access(self, call: Call, spec: dict[str, Any]) -> dict[str, Any]:
        self._check_spec(call, spec)
        if call.resource.plural == "selfsubjectaccessreviews":
            identity = call.identity
        else:
            extra = {name: tuple(values) for name, values in (spec.get("extra") or {}).items()}
            identity = Identity(
                spec.get("user") or "",
                spec.get("uid") or "",
                tuple(spec.get("groups") or ()),
                extra,
            )
        decision = decide(self._authorize, identity, _attributes(spec))
        answer: dict[str, Any] = {"allowed": decision.allowed}
        if decision.reason:
            answer["reason"] = decision.reason
        return answer

    def _rules(self, call: Call, spec: dict[str, Any]) -> dict[str, Any]:
        if self._rules_of is None:
            raise status.not_implemented(
                "SelfSubjectRulesReview (kubectl auth can-i --list) without an authorizer that "
                "can list rules; ask for single rights with kubectl auth can-i VERB RESOURCE"
            )
        namespace = spec.get("namespace")
        if not namespace:
            raise status.bad_request("no namespace on request")
        rules = self._rules_of(call.identity, namespace)
        fields = ("verbs", "apiGroups", "resources", "resourceNames")
        return {
            "incomplete": False,
            "resourceRules": [
                {field: rule[field] for field in fields if field in rule}
                for rule in rules
                if "resources" in rule
            ],
            "nonResourceRules": [
                {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}
                for rule in rules
                if "nonResourceURLs" in rule
            ],
        }

    def _check_spec(self, call: Call, spec: dict[str, Any]) -> None:
        errors = []
        path = "spec.resourceAttributes"
        asked, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        detail = "nonResourceAttributes or resourceAttributes"
        if asked and other:
            errors.append(
                status.invalid_value(
                    "spec.nonResourceAttributes",
                    other,
                    f"cannot be specified in combination "
                    f"with resourceAttributes: exactly one of {detail} must be specified",
                )
            )
        if not asked and not other:
            errors.append(
                status.invalid_value(path, None, f"exactly one of {detail} must be specified")
            )
        plural = call.resource.plural
        if plural != "selfsubjectaccessreviews" and not (spec.get("user") or spec.get("groups")):
            errors.append(
                status.invalid_value(
                    "spec.user", "", "at least one of user or group must be specified"
                )
            )
        namespace = (asked or {}).get("namespace")
        if plural == "localsubjectaccessreviews" and namespace != call.info.namespace:
            errors.append(
                status.invalid_value(
                    f"{path}.namespace", namespace, "must match metadata.namespace"
                )
            )
        if errors:
            raise status.invalid(call.resource.group, call.resource.kind, "", errors)


def _user(identity: Identity) -> dict[str, Any]:
    user: dict[str, Any] = {"username": identity.username}
    if identity.uid:
        user["uid"] = identity.uid
    if identity.groups:
        user["groups"] = list(identity.groups)
    if identity.extra:
        user["extra"] = {name: list(values) for name, values in identity.extra.items()}
    return user


def _attributes(spec: dict[str, Any]) -> Attributes:
    other = spec.get("nonResourceAttributes")
    if other:
        return Attributes(other.get("verb", ""), non_resource_path=other.get("path", ""))
    asked = spec.get("resourceAttributes") or {}
    return Attributes(
        asked.get("verb", ""),
        asked.get("group", ""),
        asked.get("version", ""),
        asked.get("resource", ""),
        asked.get("subresource", ""),
        asked.get("namespace", ""),
        asked.get("name", ""),
    )
