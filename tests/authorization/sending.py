"""Requests that every route takes: the tests that walk all routes send these."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from tests.authorization.conftest import ALICE, allow

_TAGGED: Final = {"team": "shop"}
_POLICY: Final = {"document": {"Version": "2012-10-17", "Statement": allow("fis:ListActions")}}


@dataclass
class Sent:
    """What can be sent to every route of a bridge, about things that it has."""

    arn: str
    """What the ARNs of the bridge begin with."""
    template: dict[str, Any]
    template_id: str
    run_id: str
    schedule_id: str

    @classmethod
    def stored(cls, local: Any, arn: str, template: dict[str, Any], template_id: str) -> Sent:
        """Store one thing of each kind by an HTTP client that may do so."""
        run = local.post("/v1/experiments", json={"templateId": template_id}).json()["id"]
        wanted = {"templateId": template_id, "cron": "@daily"}
        schedule = local.post("/v1/schedules", json=wanted).json()["id"]
        made = local.post("/v1/action-templates", json=_action_template("mine"))
        assert made.status_code == 201, made.text
        assert local.put("/v1/policies/kept", json=_POLICY).status_code == 200
        return cls(arn, template, template_id, run, schedule)

    def request(self, method: str, route: str) -> tuple[str, Any]:
        """Return a path and a body that the route takes."""
        labels = self.labels(route)
        path = re.sub(r"\{(\w+)(:path)?\}", lambda m: labels[m[1]], route)
        if (method, route) == ("DELETE", "/tags/{resourceArn:path}"):
            path += "?tagKeys=team"
        return path, self.body(method, route)

    def body(self, method: str, route: str) -> Any:
        """Return a body that the route takes; None where it takes none."""
        bodies: dict[tuple[str, str], Any] = {
            ("POST", "/experimentTemplates"): {"clientToken": "new", **self.template},
            ("PATCH", "/experimentTemplates/{id}"): {"description": "changed"},
            ("POST", "/experiments"): {
                "clientToken": "run",
                "experimentTemplateId": self.template_id,
                "tags": _TAGGED,
            },
            ("POST", "/tags/{resourceArn:path}"): {"tags": _TAGGED},
            ("PATCH", "/safetyLevers/{id}/state"): {
                "state": {"status": "engaged", "reason": "a test"}
            },
            ("POST", "/v1/validate"): self.template,
            ("POST", "/v1/preflight"): {"template": self.template},
            ("POST", "/v1/experiments"): {"template": self.template, "tags": _TAGGED},
            ("POST", "/v1/experiments/{experiment_id}/stop"): {},
            ("POST", "/v1/experiments/{experiment_id}/records/{record_id:path}/release"): {
                "reason": "a test"
            },
            ("PUT", "/v1/lever"): {"status": "engaged", "reason": "a test"},
            ("POST", "/v1/schedules"): {
                "template": self.template,
                "cron": "@daily",
                "tags": _TAGGED,
            },
            ("PATCH", "/v1/schedules/{schedule_id}"): {"tags": {"other": "tag"}},
            ("POST", "/v1/action-templates"): _action_template("fresh"),
            ("POST", "/v1/action-templates/{reference}/versions"): _action_template("mine", "y"),
            ("PUT", "/v1/policies/{name}"): _POLICY,
            ("POST", "/v1/policies/{name}/attach"): {"groups": ["sre"]},
            ("POST", "/v1/policies/{name}/detach"): {"groups": ["sre"]},
            ("POST", "/v1/policy-simulation"): {"principal": ALICE, "action": "fis:ListActions"},
            ("POST", "/v1/grants"): {"templateId": self.template_id},
        }
        return bodies.get((method, route))

    def labels(self, route: str) -> dict[str, str]:
        """Return the labels of a route's path, each of something that there is."""
        run = route.startswith(("/experiments/", "/v1/experiments/"))
        labels = {
            "id": self.run_id if run else self.template_id,
            "accountId": "123456789012",
            "resourceType": "aws:ec2:instance",
            "resourceArn": f"{self.arn}experiment-template/{self.template_id}",
            "experiment_id": self.run_id,
            "record_id": "none",
            "schedule_id": self.schedule_id,
            "reference": "mine",
            "action_id": "aws:fis:wait",
            "name": "kept",
            "group": "chaos-mesh.org",
            "version": "v1alpha1",
            "kind": "PodChaos",
        }
        if route.startswith("/actions/"):
            labels["id"] = "aws:fis:wait"
        if route.startswith("/safetyLevers/"):
            labels["id"] = "default"
        return labels


def _action_template(name: str, mode: str = "x") -> dict[str, Any]:
    return {
        "name": name,
        "description": f"kill one {mode}",
        "maxDuration": "PT5M",
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "PodChaos",
        "namespace": "sock-shop",
        "spec": {
            "action": "pod-kill",
            "mode": "one",
            "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
        },
    }
