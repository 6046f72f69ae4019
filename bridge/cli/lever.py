"""`faultbridge lever`: the switch that stops everything and refuses new runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from bridge.cli.connection import connect
from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.client.documents import LeverState


_SHOW: Final = "show"
_LONGEST_REASON: Final = 512


def lever(
    move: Annotated[str, typer.Argument(metavar="MOVE", help="show, engage or disengage.")] = _SHOW,
    reason: Annotated[
        str | None, typer.Option(help="Why, as every run that is stopped will say.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show, engage or disengage the safety lever.

    Engaging stops every run, undoes everything, and lets none begin until it is disengaged, on
    all bridges of the same database. Returns when that is stored; `faultbridge lever` shows
    "engaging" until the last fault of the stopped runs is undone.
    """
    from bridge.model.lever import LeverStatus

    moves = {_SHOW: None, "engage": LeverStatus.ENGAGED, "disengage": LeverStatus.DISENGAGED}
    if move not in moves:
        msg = f'"{clean(move[:64])}" is no move of the lever; write show, engage or disengage'
        raise CommandError(Exit.INVALID, msg)
    wanted = moves[move]
    if wanted is None and reason is not None:
        msg = "--reason is for engage and disengage; leave it out"
        raise CommandError(Exit.INVALID, msg)
    if len(reason or "") > _LONGEST_REASON:
        msg = f"--reason has {len(reason or '')} characters; shorten it to {_LONGEST_REASON}"
        raise CommandError(Exit.INVALID, msg)
    with connect() as client:
        if wanted is None:
            state = client.lever()
        else:
            state = client.move_lever(wanted, reason or f"{wanted.value} by an operator")
    if as_json:
        show_json(state.wire())
    else:
        _say(state)


def _say(state: LeverState) -> None:
    since = f" since {state.changed_at:%Y-%m-%d %H:%M:%S}Z" if state.changed_at else ""
    show(f"{state.status.value}{since}: {clean(state.reason)}")
    if state.stopping:
        tell(f"faultbridge: told to stop: {state.stopping}; `faultbridge lever` shows when done")
