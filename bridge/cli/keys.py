"""`faultbridge keys`: access keys for clients that sign their requests.

These commands work on the bridge's database itself: whoever may read it and the master key is the
administrator, and the first key must come from somewhere. A bridge that runs on it sees the
change with its next request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bridge.cli.connection import load_settings
from bridge.cli.exits import EPILOG, CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.model.moment import Micros
    from bridge.settings import Settings
    from bridge.store import Store
    from iam.access_keys import AccessKey, KeyStatus

T = TypeVar("T")

app = typer.Typer(
    name="keys",
    help="Make, list, disable and delete access keys.\n\n"
    "These commands work on the database of the bridge (FAULTBRIDGE_DATA or FAULTBRIDGE_DATABASE), "
    "whether or not the bridge runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_Id = Annotated[str, typer.Argument(metavar="ID", help="Access key id, such as FBAK….")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Data = Annotated[
    Path | None,
    typer.Option(help="Data directory of the bridge. Default: FAULTBRIDGE_DATA."),
]


@app.command(epilog=EPILOG)
def create(
    name: Annotated[
        str | None,
        typer.Option(help="User that the key stands for, as policies name it. Default: its id."),
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Group that the user is in; may be repeated.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="P90D from now, or 2027-01-31T00:00Z. Default: never."),
    ] = None,
    data: _Data = None,
    as_json: _Json = False,
) -> None:
    """Make an access key, and print its secret this once.

    The output is a profile for ~/.aws/credentials. Needs the master key of the bridge.
    """
    from iam.access_keys import MasterKeyError, MasterKeys, new_access_key

    settings = load_settings(data)
    try:
        master_keys = MasterKeys.of(settings)
    except MasterKeyError as error:
        raise CommandError(Exit.INVALID, str(error)) from None
    if not master_keys:
        msg = (
            "neither FAULTBRIDGE_MASTER_KEY nor FAULTBRIDGE_MASTER_KEY_FILE is set, and secrets "
            "are made from it; write `FAULTBRIDGE_MASTER_KEY=1=SECRET`, with a secret from "
            "`openssl rand -hex 32`, here and for the bridge"
        )
        raise CommandError(Exit.INVALID, msg)

    async def make(store: Store) -> tuple[AccessKey, str]:
        now = store.now()
        made = new_access_key(
            master_keys,
            name=name,
            groups=group or (),
            now=now,
            expires_at=None if expires is None else _moment(expires, now),
        )
        await store.add_access_key(made[0])
        return made

    try:
        key, secret = _on_store(settings, make)
    except ValueError as error:
        raise CommandError(Exit.INVALID, str(error)) from None
    if as_json:
        show_json({**_document(settings, key), "secretAccessKey": secret})
        return
    lines = (
        f"[{key.name}]",
        f"aws_access_key_id = {key.id}",
        f"aws_secret_access_key = {secret}",
        f"region = {settings.region}",
    )
    show("\n".join(lines))
    tell("faultbridge: nobody can ask for the secret again; keep it now")


@app.command("list", epilog=EPILOG)
def list_keys(data: _Data = None, as_json: _Json = False) -> None:
    """List access keys in order of creation. Secrets are not among what is kept."""
    settings = load_settings(data)
    keys, now = _on_store(settings, _all)
    if as_json:
        show_json({"accessKeys": [_document(settings, key) for key in keys]})
        return
    if not keys:
        tell("faultbridge: there are no access keys yet; `faultbridge keys create` makes one")
    for key in keys:
        over = key.expires_at is not None and key.expires_at <= now
        until = "never expires" if key.expires_at is None else f"until {_iso(key.expires_at)}"
        status = "Expired" if over else key.status.value
        groups = f"  groups {', '.join(key.groups)}" if key.groups else ""
        show(f"{key.id}  {status:<8}  {key.name}  since {_iso(key.created_at)}, {until}{groups}")


@app.command(epilog=EPILOG)
def disable(key_id: _Id, data: _Data = None) -> None:
    """Have a key refused from the next request on, until it is enabled again."""
    from iam.access_keys import KeyStatus

    _set(key_id, KeyStatus.INACTIVE, data)


@app.command(epilog=EPILOG)
def enable(key_id: _Id, data: _Data = None) -> None:
    """Have a key accepted again that was disabled."""
    from iam.access_keys import KeyStatus

    _set(key_id, KeyStatus.ACTIVE, data)


@app.command(epilog=EPILOG)
def delete(key_id: _Id, data: _Data = None) -> None:
    """Forget a key for good: it is refused from the next request on."""
    deleted = _on_store(load_settings(data), lambda store: store.delete_access_key(key_id))
    if not deleted:
        raise _no_key(key_id)
    show(f"{key_id} is deleted")


def _set(key_id: str, status: KeyStatus, data: Path | None) -> None:
    key = _on_store(load_settings(data), lambda store: store.set_access_key_status(key_id, status))
    if key is None:
        raise _no_key(key_id)
    show(f"{key.id}  {key.status.value}")


async def _all(store: Store) -> tuple[list[AccessKey], Micros]:
    return await store.access_keys(), store.now()


def _on_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Do something with the bridge's store, beside a bridge that may run on it."""
    from bridge.api.process import StartError, open_store
    from bridge.store import DataDirectory, DirectoryInUseError

    async def done() -> T:
        try:
            if not settings.database:
                # Makes the directory if need be. Held by a bridge it exists, and keys are no
                # part of what the lock is about: the leases of runs.
                with suppress(DirectoryInUseError):
                    DataDirectory(settings.data).close()
            store = open_store(settings)
        except StartError as error:
            raise CommandError(Exit.INVALID, str(error)) from None
        except OSError as error:
            msg = f"the data directory {settings.data} cannot be used ({error.strerror})"
            raise CommandError(Exit.INVALID, msg) from None
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(done())


def _moment(text: str, now: Micros) -> Micros:
    """Read when a key expires. Raises ValueError."""
    from datetime import UTC, datetime

    from bridge.model.moment import Micros, micros, parse_duration

    if text.startswith("P"):
        moment = Micros(now + micros(parse_duration(text)))
    else:
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            msg = f'--expires: "{clean(text[:64])}" is no time; write P90D or 2027-01-31T00:00Z'
            raise ValueError(msg) from None
        if read.tzinfo is None:
            msg = f'--expires: "{text}" has no time zone; end it with Z for UTC'
            raise ValueError(msg)
        moment = Micros(int(read.astimezone(UTC).timestamp() * 1_000_000))
    if moment <= now:
        msg = f'--expires: "{clean(text[:64])}" is over already; write a later time'
        raise ValueError(msg)
    return moment


def _document(settings: Settings, key: AccessKey) -> dict[str, Any]:
    from iam.principal import key_user

    return {
        "accessKeyId": key.id,
        "name": key.name,
        "arn": key_user(settings.account, key.name, key_id=key.id).name,
        "groups": list(key.groups),
        "status": key.status.value,
        "masterKey": key.master_key,
        "createdAt": _iso(key.created_at),
        "expiresAt": None if key.expires_at is None else _iso(key.expires_at),
        "statusChangedAt": _iso(key.changed_at),
    }


def _iso(moment: Micros) -> str:
    from bridge.model.moment import iso_timestamp

    return iso_timestamp(moment)


def _no_key(key_id: str) -> CommandError:
    msg = f'there is no access key "{clean(key_id[:64])}"; `faultbridge keys list` shows them'
    return CommandError(Exit.INVALID, msg)
