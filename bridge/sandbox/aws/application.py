"""The emulated account's API: signature, permission, rules, moto; in that order."""

from __future__ import annotations

import io
import re
from contextlib import nullcontext

from moto.core.request import Request
from moto.core.responses import TYPE_RESPONSE, ActionResult, BaseResponse
from moto.core.routing import NotFound, get_service_router
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from bridge.sandbox.aws.alarms import SandboxCloudWatch
from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.context import context_of
from bridge.sandbox.aws.ec2 import SandboxEc2
from bridge.sandbox.aws.errors import AwsError, RuledResponse
from bridge.sandbox.aws.identity import SandboxSts, caller_arn
from bridge.sandbox.aws.permissions import authorize
from bridge.sandbox.aws.presigned import move_signature_to_header
from bridge.sandbox.aws.rights import Asked, actions, needed_rights
from bridge.sandbox.aws.scaling import SandboxAutoScaling
from bridge.sandbox.aws.simulation import SandboxSimulator
from bridge.sandbox.aws.vanish import delete_named
from bridge.sandbox.front import CloudApi, Environ
from bridge.sandbox.transitions import LateFailure

_SCOPE = re.compile(
    r"Credential=(?P<key>[^/]+)/[^/]+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
_ACTION = re.compile(r"(?:^|&)Action=(\w+)")
_SIGNED_AS = {"monitoring": "cloudwatch"}
"""CloudWatch signs as ``monitoring``; everywhere else (IAM, SDKs) it is ``cloudwatch``."""
_THROTTLED = ("ThrottlingException", "Rate exceeded", 400)
"""The common error of services that speak JSON or CBOR."""
_THROTTLES = {
    # EC2 API error codes; the query protocol's common errors; the models of EKS and tagging.
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    **dict.fromkeys(
        ("autoscaling", "elasticloadbalancing", "iam", "rds", "sts"),
        ("Throttling", "Rate exceeded", 400),
    ),
    "eks": ("ThrottlingException", "Rate exceeded", 429),
    "tagging": ("ThrottledException", "Rate exceeded", 400),
}
"""How each service answers too many requests; all of it is on botocore's list of what to retry."""
_MODELS = {"elasticloadbalancing": "elbv2", "tagging": "resourcegroupstaggingapi"}


class _SandboxRequest(Request):
    from_wsgi_server = True


class AwsApi(CloudApi["Signed"]):
    """What the emulated account answers: permissions, then the rules over moto, then moto."""

    def __init__(self, cloud: Cloud, *, permissions: bool) -> None:
        self._cloud = cloud
        self._permissions = permissions
        self._moto = DomainDispatcherApplication(create_backend_app)

    def read(self, environ: Environ) -> Signed:
        """Read the signature and find the operation."""
        return Signed(environ)

    def answer(self, asked: Signed, failing: LateFailure | None) -> Response:
        """Carry a request out, if the caller may."""
        try:
            move_signature_to_header(asked.environ)
            if self._permissions and asked.service:
                self._authorize(asked)
        except AwsError as error:
            return asked.refuse(error)
        try:
            return self._handle(asked, failing)
        except NotImplementedError:
            message = f"The sandbox does not emulate {asked.service}:{asked.operation}"
            return asked.refuse(AwsError("NotImplemented", message, 501))

    def refuse(self, asked: Signed, code: str, message: str, status: int) -> Response:
        """Write an error as the called service would."""
        return asked.refuse(AwsError(code, message, status))

    def throttle(self, asked: Signed) -> Response:
        """Write what the called service answers to too many requests."""
        code, message, status = _THROTTLES.get(asked.service, _THROTTLED)
        return asked.refuse(AwsError(code, message, status))

    def vanish(self, asked: Signed) -> None:
        """Delete the resources that the request names."""
        with self._cloud.lock:
            delete_named(self._cloud, asked.region, asked.http.values.to_dict())

    def _authorize(self, asked: Signed) -> None:
        http = asked.http
        about = Asked(asked.service, asked.operation, asked.region, http.form, http.path)
        with self._cloud.lock:
            rights = [(right, context_of(about, right)) for right in needed_rights(about)]
        authorize(asked.access_key, asked.service, rights)

    def _handle(self, asked: Signed, failing: LateFailure | None) -> Response:
        with self._cloud.lock:
            transitions = self._cloud.transitions
            transitions.settle()
            ruled: BaseResponse | None = None
            if asked.service == "ec2":
                ruled = SandboxEc2(self._cloud)
            elif asked.service == "autoscaling":
                ruled = SandboxAutoScaling(self._cloud)
            elif asked.service == "cloudwatch":
                ruled = SandboxCloudWatch()
            elif asked.service == "sts":
                ruled = SandboxSts()
            elif (asked.service, asked.operation) == ("iam", "SimulatePrincipalPolicy"):
                ruled = SandboxSimulator()
            if ruled is not None:
                with transitions.failing(failing) if failing else nullcontext():
                    return _written(ruled._dispatch(asked.http))  # noqa: SLF001 - what moto's routes call
        asked.rewind()
        body, status, headers = run_wsgi_app(self._moto, asked.environ, buffered=True)
        return Response(b"".join(body), status, headers)


class Signed:
    """One request, with what its signature and operation say."""

    @property
    def caller(self) -> str:
        """The ARN that signed."""
        return caller_arn(self.access_key)

    @property
    def rights(self) -> tuple[str, ...]:
        """The IAM actions."""
        return actions(self.service, self.operation, self.http.form)

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.http = _SandboxRequest(environ)
        self._body = self.http.get_data(parse_form_data=False)
        signature = environ.get("HTTP_AUTHORIZATION") or self.http.args.get("X-Amz-Credential", "")
        if "Credential=" not in signature:
            signature = f"Credential={signature}"
        scope = _SCOPE.search(signature)
        self.access_key = scope["key"] if scope else ""
        self.region = scope["region"] if scope else "us-east-1"
        signed_as = scope["service"].lower() if scope else ""
        self.service = _SIGNED_AS.get(signed_as, signed_as)
        self.operation = self._operation()

    def _operation(self) -> str:
        """Answer the API's name of the operation, in whichever of AWS's protocols it is."""
        if target := self.environ.get("HTTP_X_AMZ_TARGET"):
            return str(target).rsplit(".", 1)[-1]
        if (named := self.http.args.get("Action")) is not None:
            return named
        if named_in_body := _ACTION.search(self._body[:4096].decode("latin-1")):
            return named_in_body[1]
        if "/operation/" in self.http.path:
            return self.http.path.rsplit("/", 1)[-1]
        try:
            router = get_service_router(_MODELS.get(self.service, self.service))
            operation, _ = router.match(self.http)
        except (NotFound, NotImplementedError, ValueError):
            return ""
        return str(operation.name)

    def refuse(self, error: AwsError) -> Response:
        """Write ``error`` as the called service would."""
        writer = RuledResponse(_MODELS.get(self.service, self.service))
        writer.setup_class(self.http)
        return _written(writer.serialized(ActionResult(error)))

    def rewind(self) -> None:
        """Let the next reader read the body from its beginning."""
        self.environ["wsgi.input"] = io.BytesIO(self._body)


def _written(answer: TYPE_RESPONSE) -> Response:
    status, headers, body = answer
    return Response(body, status, {k: str(v) for k, v in headers.items() if k != "status"})
