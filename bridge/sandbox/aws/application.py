"""The WSGI application: signature, misbehaviour, permission, rules, moto, log; in that order."""

from __future__ import annotations

import io
import json
import re
import socket
import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Any, NoReturn

from moto.core.request import Request
from moto.core.responses import TYPE_RESPONSE, ActionResult, BaseResponse
from moto.core.routing import NotFound, get_service_router
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from bridge.sandbox.aws.alarms import SandboxCloudWatch
from bridge.sandbox.aws.calls import Call, CallLog
from bridge.sandbox.aws.cloud import Cloud
from bridge.sandbox.aws.ec2 import SandboxEc2
from bridge.sandbox.aws.errors import AwsError, RuledResponse
from bridge.sandbox.aws.identity import SandboxSts, caller_arn
from bridge.sandbox.aws.misbehaviour import Misbehaviour, Misbehaviours
from bridge.sandbox.aws.permissions import authorize, needed_resources
from bridge.sandbox.aws.presigned import move_signature_to_header

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

CONTROL = "/_faultbridge/"
_SCOPE = re.compile(
    r"Credential=(?P<key>[^/]+)/[^/]+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
_ACTION = re.compile(r"(?:^|&)Action=(\w+)")
_SIGNED_AS = {"monitoring": "cloudwatch"}
"""CloudWatch signs as ``monitoring``; everywhere else (IAM, SDKs) it is ``cloudwatch``."""
_MODELS = {"elasticloadbalancing": "elbv2", "tagging": "resourcegroupstaggingapi"}


class _SandboxRequest(Request):
    from_wsgi_server = True


class Application:
    """Everything between the socket and moto."""

    def __init__(self, cloud: Cloud, *, permissions: bool) -> None:
        self._cloud = cloud
        self._permissions = permissions
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.calls = CallLog()
        self.misbehaviours = Misbehaviours()
        self._released = Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO", "").startswith(CONTROL):
            return self._control(environ)(environ, start_response)
        arrived, started = time.time(), time.perf_counter()
        released = self._released  # before taking: a release in between must reach this call
        request = _Signed(environ)
        misbehaviour = self.misbehaviours.take(request.service, request.operation)
        handling, reply = 0.0, None
        if misbehaviour is not None and misbehaviour.kind == "delay":
            released.wait(misbehaviour.seconds)
        if misbehaviour is not None and misbehaviour.kind == "hang":
            released.wait()
        else:
            before = time.perf_counter()
            reply = self._reply(request, misbehaviour)
            handling = time.perf_counter() - before
        if misbehaviour is not None and misbehaviour.kind in ("hang", "lose_reply"):
            reply = None
        self.calls.add(
            Call(
                service=request.service,
                operation=request.operation,
                at=arrived,
                handling=handling,
                total=time.perf_counter() - started,
                status=reply.status_code if reply else 0,
                caller=caller_arn(request.access_key),
            )
        )
        if reply is None:
            _drop_connection(environ)
        return reply(environ, start_response)

    def _reply(self, request: _Signed, misbehaviour: Misbehaviour | None) -> Response:
        if misbehaviour is not None and misbehaviour.kind == "fail":
            error = AwsError(misbehaviour.error, misbehaviour.message, misbehaviour.status)
            return request.refuse(error)
        try:
            move_signature_to_header(request.environ)
            if self._permissions and request.service:
                self._authorize(request)
        except AwsError as error:
            return request.refuse(error)
        try:
            return self._handle(request)
        except NotImplementedError:
            message = f"The sandbox does not emulate {request.service}:{request.operation}"
            return request.refuse(AwsError("NotImplemented", message, 501))

    def _authorize(self, request: _Signed) -> None:
        path = request.http.path
        resources = needed_resources(
            request.service, request.operation, request.region, request.http.form, path
        )
        authorize(request.access_key, request.service, request.operation, resources)

    def _handle(self, request: _Signed) -> Response:
        with self._cloud.lock:
            self._cloud.transitions.settle()
            ruled: BaseResponse | None = None
            if request.service == "ec2":
                ruled = SandboxEc2(self._cloud)
            elif request.service == "cloudwatch":
                ruled = SandboxCloudWatch()
            elif request.service == "sts":
                ruled = SandboxSts()
            if ruled is not None:
                return _written(ruled._dispatch(request.http))  # noqa: SLF001 - what moto's routes call
        request.rewind()
        body, status, headers = run_wsgi_app(self._moto, request.environ, buffered=True)
        return Response(b"".join(body), status, headers)

    def _control(self, environ: Environ) -> Response:
        """Answer the emulator's own pages: the call log, and what it is to do wrong."""
        request = Request(environ)
        page = request.path.removeprefix(CONTROL)
        if page == "calls" and request.method == "GET":
            return _json([call.as_dict() for call in self.calls.snapshot()])
        if page == "calls" and request.method == "DELETE":
            self.calls.clear()
            return _json({})
        if page == "faults" and request.method == "GET":
            return _json(self.misbehaviours.waiting())
        if page == "faults" and request.method == "DELETE":
            self.release()
            return _json({})
        if page == "faults" and request.method == "POST":
            return self._ask(request)
        return _json({"error": f"there is no {request.method} {request.path} here"}, 404)

    def _ask(self, request: Request) -> Response:
        if request.mimetype != "application/json":
            return _json({"error": "send application/json"}, 415)
        try:
            self.misbehaviours.add(Misbehaviour(**json.loads(request.get_data())))
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        return _json({}, 201)

    def release(self) -> None:
        """Behave well from now on, and let go of the calls that hang."""
        self.misbehaviours.clear()
        released, self._released = self._released, Event()
        released.set()


class _Signed:
    """One request, with what its signature and operation say."""

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


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


def _drop_connection(environ: Environ) -> NoReturn:
    """End the connection without an answer; the server then cleans up after it."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    message = "the sandbox dropped this connection as it was told to"
    raise ConnectionResetError(message)
