"""Every setting of the bridge, in one documented place.

Read from the environment (prefix ``FAULTBRIDGE_``), so that each one can be set in a unit
file, a container or a Lambda function alike.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from bridge.authentication_settings import AuthenticationSettings
from bridge.cloud_settings import CloudSettings
from bridge.guardrail_settings import GuardrailSettings
from bridge.model.moment import parse_duration
from bridge.setting_types import Names, Secrets

SHORTEST_TOKEN: Final = 16
"""Characters of a token that nobody guesses."""


class Settings(GuardrailSettings, AuthenticationSettings, CloudSettings):
    """Settings of one bridge process. Durations are ISO 8601 (``PT15S``)."""

    model_config = SettingsConfigDict(
        env_prefix="FAULTBRIDGE_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # some of them are secrets
    )

    installation: str = Field(
        default="",
        pattern=r"^$|^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$",
        description="Name of this installation, written into every mark; required to serve.",
    )
    account: str = Field(
        default="123456789012",
        description="AWS account that the FIS dialect's templates and runs belong to.",
    )
    region: str = Field(default="us-east-1", description="AWS Region of the same.")
    principal: str = Field(
        default="",
        pattern=r"^$|^arn:aws[a-z-]*:iam::\d{12}:[A-Za-z0-9_+=,.@/-]+$",
        description="ARN as which the bridge itself calls AWS; `faultbridge grants` lets it, and "
        "nobody else, assume the experiments' roles.",
    )
    data: Path = Field(
        default=Path("faultbridge-data"),
        description="Data directory: the SQLite database and its lock.",
    )
    database: str = Field(
        default="",
        repr=False,  # it may hold a password
        description="URL of a PostgreSQL database that several processes share, such as "
        "`postgresql://user@host/name`; empty: SQLite in `data`, for one process.",
    )
    secret: str = Field(
        default="",
        pattern=r"^$|^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$",
        description="ARN of the secret that the functions of serverless.yml read when they begin: "
        "the URL for `database`, or a JSON object of that and other settings "
        '(`{"database": "…", "master_key": "…"}`). Nothing else reads it.',
    )
    loop_function: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_:.$-]*$",
        description="AWS Lambda durable function that looks after the runs of `database`, with "
        "its version or alias (`faultbridge-loop:$LATEST`): what is asked of a run starts an "
        "execution of it. Set by serverless.yml.",
    )
    loop_operations: int = Field(
        default=1000,
        ge=4,
        le=2900,
        description="Operations after which such an execution hands over to a fresh one. Lambda "
        "ends one at 3,000, and replays all of them at every look.",
    )
    epoch: int = Field(
        default=0,
        ge=0,
        description="Raise it after restoring the database from a backup: open runs only undo.",
    )
    hosts: Names = Field(
        default=(),
        description="Host names to answer to beside loopback's, separated by commas.",
    )
    tls_certificate: Path | None = Field(
        default=None,
        description="Certificate with which the bridge speaks HTTPS, PEM, with those that lead to "
        "its CA; empty: HTTP. It is read anew when it changes.",
    )
    tls_key: Path | None = Field(default=None, description="Its key, PEM, without a password.")
    minimum_duration: timedelta = Field(
        default=timedelta(minutes=1),
        description="Shortest action duration accepted; FIS's is PT1M.",
    )
    lease: timedelta = Field(
        default=timedelta(seconds=15),
        description="How long a worker owns a run without renewing.",
    )
    call_lifetime: timedelta = Field(
        default=timedelta(seconds=60),
        description="Longest time that one cloud call can still take effect after it was sent.",
    )
    stop_poll: timedelta = Field(
        default=timedelta(seconds=5), description="How often stop conditions are read."
    )
    stop_unreadable: timedelta = Field(
        default=timedelta(seconds=60),
        description="A run is stopped when its stop conditions could not be read for so long.",
    )
    late_at_least: timedelta = Field(
        default=timedelta(minutes=5),
        description="No injection happens later than this, or a tenth of the plan if longer.",
    )
    poll_shortest: timedelta = Field(
        default=timedelta(seconds=1),
        description="Shortest pause between two looks at a resource; the sandbox lowers it.",
    )
    retry_first: timedelta = Field(
        default=timedelta(seconds=1), description="First pause before a call is tried again."
    )
    retry_longest: timedelta = Field(
        default=timedelta(seconds=30), description="Longest pause before an undo is tried again."
    )
    cloud_threads: int = Field(
        default=8, ge=1, description="Threads for blocking SDK calls, per cloud and account."
    )

    policies: Path | None = Field(
        default=None,
        description="Policy file, YAML or JSON: policies that nobody can change through the API, "
        "and whom they and the built-in ones are attached to. It is read when the bridge starts.",
    )
    audit_retention: timedelta = Field(
        default=timedelta(days=90), description="How long decisions stay in the audit log."
    )
    audit_reads: bool = Field(
        default=False,
        description="Log allowed reads too; denials, and all that changes something, always are.",
    )

    signal_tokens: Secrets = Field(
        default=(),
        description="Tokens that `POST /v1/signals` takes, separated by commas, each of 16 "
        "characters or more; several, so that they can be replaced one by one.",
    )
    signal_topics: Names = Field(
        default=(),
        description="ARNs of the SNS topics whose signed messages count as signals, separated by "
        "commas.",
    )
    signal_memory: timedelta = Field(
        default=timedelta(days=1),
        description="How long a pushed signal keeps new runs from starting, unless it is repeated "
        "or cleared.",
    )

    @field_validator(
        "minimum_duration",
        "lease",
        "call_lifetime",
        "stop_poll",
        "stop_unreadable",
        "late_at_least",
        "poll_shortest",
        "retry_first",
        "retry_longest",
        "signal_memory",
        "audit_retention",
        mode="before",
    )
    @classmethod
    def _iso(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _both(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError(
                "FAULTBRIDGE_TLS_CERTIFICATE and FAULTBRIDGE_TLS_KEY belong together: set both"
            )
        return self

    @field_validator("signal_tokens")
    @classmethod
    def _long_enough(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(token) < SHORTEST_TOKEN for token in tokens):
            raise ValueError(f"a token is shorter than {SHORTEST_TOKEN} characters; lengthen it")
        return tokens
