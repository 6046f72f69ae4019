"""The settings of clouds and clusters: where they are, and as whom the bridge acts there.

They are settings like the others (prefix ``FAULTBRIDGE_``), in a module of their own.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bridge.setting_types import Names, Pairs

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)


class CloudSettings(BaseSettings):
    """As whom the bridge acts in clouds and clusters, and where it looks for what was left."""

    model_config = SettingsConfigDict(env_prefix="FAULTBRIDGE_", frozen=True, extra="ignore")

    kubeconfig: Path | None = Field(
        default=None,
        description="Kubeconfig for clusters named by context; empty: KUBECONFIG or ~/.kube.",
    )
    cluster_contexts: Names = Field(
        default=(),
        description="Contexts of the kubeconfig that templates may name as their cluster, as "
        "`k8s:context/NAME`, separated by commas; `*` for all. Empty: none.",
    )
    cluster_identities: Path | None = Field(
        default=None,
        description="File that says as whom the bridge acts in clusters named by context, by "
        "impersonation; empty: as the context's own user.",
    )
    cluster_tokens: Pairs = Field(
        default=(),
        description="In which clusters named by context the bridge shows a token of the "
        "experiment's own identity: `k8s:context/NAME=gcp` on GKE, `=azure` on AKS, pairs read as "
        "`gcp_identities`; elsewhere it acts as the context's own user.",
    )
    cluster_server_name: str = Field(
        default="",
        description="Name to expect in a cluster's certificate, where its endpoint is an address.",
    )
    aws_external_ids: Pairs = Field(
        default=(),
        repr=False,  # AWS calls it no secret, but those who ask for one mean it as one
        description="External id that a role's trust policy asks for: `pattern=id` pairs separated "
        "by commas, `*` in a pattern standing for anything; the first match holds.",
    )
    aws_chains: Pairs = Field(
        default=(),
        description="Role from which a template's role is assumed where the bridge itself is not "
        "trusted (another account): `pattern=role` pairs, read as `gcp_identities`. That role is "
        "looked up again, for longer chains.",
    )
    aws_source_identity: bool = Field(
        default=False,
        description="Tell AWS who started a run, as the sessions' source identity; the roles' "
        "trust policies must allow `sts:SetSourceIdentity`.",
    )
    gcp_identities: Pairs = Field(
        default=(),
        description="Which Google service account a template's role acts as: `pattern=account` "
        "pairs separated by commas, `*` in a pattern standing for anything; the first match holds.",
    )
    gcp_delegates: Pairs = Field(
        default=(),
        description="Service account through which another one is impersonated, where the bridge's "
        "own may not itself: `pattern=account` pairs, read as `gcp_identities`. It is looked up "
        "again, for longer chains.",
    )
    azure_identities: Pairs = Field(
        default=(),
        description="Which Azure managed identity (client id) a template's role acts as: "
        "`pattern=client-id` pairs, read as `gcp_identities`.",
    )
    gcp_projects: Names = Field(
        default=(), description="Google projects that `rescue` looks into, separated by commas."
    )
    azure_subscriptions: Names = Field(
        default=(),
        description="Azure subscriptions that `rescue` looks into, separated by commas.",
    )
    gcp_endpoint: str = Field(
        default="",
        description="Where Google Cloud answers, if not at Google: an emulator's URL on loopback, "
        "or an https one. Compute Engine and IAM Credentials both.",
    )
    azure_endpoint: str = Field(
        default="",
        description="Where Azure Resource Manager answers, if not in Azure's public cloud: an "
        "emulator's URL on loopback, or an https one.",
    )
    rescue_regions: Names = Field(
        default=(),
        description="AWS Regions that `rescue` looks into beside `region`, separated by commas.",
    )
    rescue_accounts: Names = Field(
        default=(),
        description="AWS accounts that `rescue` looks into beside `account`: in each the ARN of "
        "a role that may be assumed there, separated by commas.",
    )
    rescue_clusters: Names = Field(
        default=(),
        description="EKS clusters that `rescue` looks into even if it may not list them: ARNs, or "
        "names in `account` and `region`, separated by commas.",
    )
    rescue_contexts: Names = Field(
        default=(),
        description="Contexts of the kubeconfig that `rescue` looks into, separated by commas; "
        "empty: all of `kubeconfig`, if that is set.",
    )
    rescue_identities: Names = Field(
        default=(),
        description="Identities that `rescue` looks as where the bridge's own may not, and into "
        "clusters at all, separated by commas.",
    )
    recovery_role: Names = Field(
        default=(),
        description="As whom `rescue` undoes where a mark's own identity may not: a role's ARN, "
        "also a Google service account or an Azure client id, one for each cloud, separated by "
        "commas; `self` is whoever runs the command.",
    )

    @field_validator("rescue_accounts")
    @classmethod
    def _roles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for role in value:
            if not _ROLE.fullmatch(role):
                raise ValueError(
                    f'"{role[:128]}" is no role: write the ARN of one in the account, such as '
                    "arn:aws:iam::222222222222:role/faultbridge-rescue"
                )
        return value

    @field_validator("cluster_tokens")
    @classmethod
    def _clouds(cls, value: Pairs) -> Pairs:
        for pattern, cloud in value:
            if cloud not in ("gcp", "azure"):
                raise ValueError(f'"{pattern}={cloud[:64]}": write gcp for GKE, azure for AKS')
        return value

    @field_validator("gcp_endpoint", "azure_endpoint")
    @classmethod
    def _private(cls, value: str) -> str:
        parts = urlsplit(value)
        loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if value and not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
            raise ValueError(
                "tokens are sent there: write an https URL, or an http one on loopback"
            )
        return value.rstrip("/")
