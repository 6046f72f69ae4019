"""The settings of a function: its environment, and a secret that it reads once when it begins."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError

from bridge.api.process import StartError
from bridge.model.scope import Scope
from bridge.settings import Settings
from bridge.store import is_server
from providers.aws.own_services import secret_text
from providers.contract import Caller, ProviderError


def configured() -> Settings:
    """Return the settings of this function. Raises StartError, whose text quotes no value."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise StartError(_told(error, "the function's environment")) from None
    if settings.secret:
        settings = _with(settings, _read(settings))
    if not _shared(settings.database):
        raise StartError(
            "the functions have no PostgreSQL: name in FAULTBRIDGE_SECRET the secret that holds "
            "its URL, like postgresql://user:password@host/name"
        )
    return settings


def _shared(database: str) -> bool:
    try:
        return is_server(database)
    except ArgumentError:
        return False


def _read(settings: Settings) -> dict[str, Any]:
    scope = Scope(cloud="aws", account=settings.account, region=settings.region)
    try:
        text = secret_text(
            settings.secret, Caller(scope, None, "settings", settings.installation)
        ).strip()
    except ProviderError as error:
        raise StartError(f"FAULTBRIDGE_SECRET: {error}") from None
    if not text.startswith("{"):
        return {"database": text}
    try:
        values = json.loads(text)
    except ValueError:
        raise StartError(
            'FAULTBRIDGE_SECRET: the secret is no JSON; write {"database": "postgresql://…"}'
        ) from None
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise StartError(
            f'FAULTBRIDGE_SECRET: "{unknown[0][:64]}" in the secret is no setting; take the names '
            "of docs/settings.md in small letters, without FAULTBRIDGE_"
        )
    return dict(values)


def _with(settings: Settings, values: dict[str, Any]) -> Settings:
    try:
        return Settings(**{**settings.model_dump(exclude_unset=True), **values})
    except ValidationError as error:
        raise StartError(_told(error, "the secret of FAULTBRIDGE_SECRET")) from None


def _told(error: ValidationError, where: str) -> str:
    names = sorted({str(one["loc"][0]) for one in error.errors(include_input=False)})
    return (
        f"{', '.join(names)} in {where} cannot be read; docs/settings.md says how each is written"
    )
