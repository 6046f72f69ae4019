"""The kustomize base and its example say what the service understands, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.main
from azure.identity import WorkloadIdentityCredential
from botocore.credentials import AssumeRoleWithWebIdentityProvider
from google.auth.identity_pool import Credentials

from bridge.api.authorization import read_policy_file
from bridge.cli.app import app
from bridge.cli.serve import _refuse_open_door
from bridge.settings import Settings
from tests.containers.manifests import KUBERNETES, Manifest, built, of_kind

FOLDERS = ("base", "example")
PARTS = ("api", "worker")


def pod(folder: str, part: str) -> Manifest:
    found: Manifest = of_kind(built(folder), "Deployment")[f"faultbridge-{part}"]
    spec: Manifest = found["spec"]["template"]["spec"]
    return spec


def container(folder: str, part: str) -> Manifest:
    (found,) = pod(folder, part)["containers"]
    assert isinstance(found, dict)
    return found


def variables(folder: str, part: str) -> dict[str, str]:
    """Return the environment of a process, with made-up secrets."""
    values = dict(of_kind(built(folder), "ConfigMap")["faultbridge"]["data"])
    for one in container(folder, part)["env"]:
        secret = one.get("valueFrom", {}).get("secretKeyRef", {})
        made_up = {"database": "postgresql://db/name", "master-key": f"one={'s' * 32}"}
        values[one["name"]] = one.get("value") or made_up[secret["key"]]
    return values


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("part", PARTS)
def test_the_variables_are_settings_that_fit(
    folder: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = variables(folder, part)
    known = {f"FAULTBRIDGE_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in given if name.startswith("FAULTBRIDGE_")} <= known
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.database
    _refuse_open_door("0.0.0.0", settings)  # noqa: S104 - where a pod listens
    assert "faultbridge" in settings.protected_namespaces


@pytest.mark.parametrize("part", PARTS)
def test_the_arguments_are_a_command(part: str) -> None:
    name, *arguments = container("base", part)["args"]
    group: Any = typer.main.get_command(app)
    command = group.commands[name]
    parsed = command.make_context(name, list(arguments)).params
    (port,) = [one["containerPort"] for one in container("base", part)["ports"]]
    assert parsed["host"] == "0.0.0.0"  # noqa: S104 - a pod's own address
    assert port == (parsed["port"] if part == "api" else parsed["probe_port"])


@pytest.mark.parametrize("part", PARTS)
def test_probes_ask_what_answers(part: str) -> None:
    one = container("base", part)
    (port,) = [named["name"] for named in one["ports"]]
    asked = {
        probe: (one[probe]["httpGet"]["path"], one[probe]["httpGet"]["port"])
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {
        "startupProbe": ("/healthz", port),
        "livenessProbe": ("/healthz", port),
        "readinessProbe": ("/readyz", port),
    }


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_that_ends_lets_calls_return(part: str) -> None:
    stop = container("base", part).get("lifecycle", {}).get("preStop")
    waits = int(stop["exec"]["command"][1]) if stop else 0
    least = Settings.model_fields["call_lifetime"].default + timedelta(seconds=waits + 3)
    assert timedelta(seconds=pod("base", part)["terminationGracePeriodSeconds"]) > least


@pytest.mark.parametrize("part", PARTS)
def test_pods_are_as_restricted_as_their_namespace_asks(part: str) -> None:
    (namespace,) = of_kind(built("base"), "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    spec, one = pod("example", part), container("example", part)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "secret", "emptyDir", "projected"}


def test_only_who_answers_holds_the_key_and_the_account() -> None:
    assert pod("base", "worker")["automountServiceAccountToken"] is False
    mounted = [volume["name"] for volume in pod("base", "worker")["volumes"]]
    assert "tls" not in mounted
    assert pod("base", "api")["enableServiceLinks"] is False


@pytest.mark.parametrize("part", PARTS)
def test_a_disruption_leaves_one_of_each(part: str) -> None:
    budget = of_kind(built("base"), "PodDisruptionBudget")[f"faultbridge-{part}"]["spec"]
    deployment = of_kind(built("base"), "Deployment")[f"faultbridge-{part}"]["spec"]
    assert budget["selector"] == deployment["selector"]
    assert budget["minAvailable"] < deployment["replicas"]


def test_the_base_lets_nobody_in() -> None:
    assert read_policy_file(KUBERNETES / "base/policies.yaml") == {}
    account = of_kind(built("base"), "ClusterRole")["faultbridge-token-review"]
    assert account["rules"] == [
        {
            "apiGroups": ["authentication.k8s.io"],
            "resources": ["tokenreviews"],
            "verbs": ["create"],
        }
    ]


def test_the_examples_policies_are_policies() -> None:
    assert set(read_policy_file(KUBERNETES / "example/policies.yaml"))


def tokens(folder: str) -> dict[str, str]:
    """Return where pods find their tokens, with the audience of each."""
    mounts = {one["name"]: one["mountPath"] for one in container(folder, "api")["volumeMounts"]}
    found = {}
    for volume in pod(folder, "api")["volumes"]:
        for source in volume.get("projected", {}).get("sources", ()):
            token = source["serviceAccountToken"]
            found[f"{mounts[volume['name']]}/{token['path']}"] = token["audience"]
    return found


def test_boto3_finds_the_web_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    given = variables("example", "api")
    assert tokens("example")[given["AWS_WEB_IDENTITY_TOKEN_FILE"]] == "sts.amazonaws.com"
    for name in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"):
        monkeypatch.setenv(name, given[name])
    found = AssumeRoleWithWebIdentityProvider(
        load_config=lambda: {"profiles": {}},
        client_creator=lambda *_: pytest.fail("nothing is asked before a credential is used"),
        profile_name="default",
    ).load()
    assert found is not None
    assert found.method == "assume-role-with-web-identity"


def test_googles_library_takes_the_credential_configuration(tmp_path: Path) -> None:
    data = of_kind(built("example"), "ConfigMap")["faultbridge-gcp"]["data"]
    path = tmp_path / "credentials.json"
    path.write_text(data["credentials.json"])
    found = Credentials.from_file(str(path))  # type: ignore[no-untyped-call]  # the library
    assert found.service_account_email == "faultbridge@my-project.iam.gserviceaccount.com"
    source = json.loads(data["credentials.json"])["credential_source"]["file"]
    assert tokens("example")[source] == "iam.googleapis.com"
    given = variables("example", "api")["GOOGLE_APPLICATION_CREDENTIALS"]
    mounts = [one["mountPath"] for one in container("example", "api")["volumeMounts"]]
    assert str(Path(given).parent) in mounts


def test_azures_library_finds_the_federated_token(monkeypatch: pytest.MonkeyPatch) -> None:
    given = variables("example", "api")
    assert tokens("example")[given["AZURE_FEDERATED_TOKEN_FILE"]] == "api://AzureADTokenExchange"
    for name in ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"):
        monkeypatch.setenv(name, given[name])
    WorkloadIdentityCredential().close()  # raises where one of them is missing
