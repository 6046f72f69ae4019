"""`faultbridge audit`: who asked for what, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.connection import connect
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.client.policies import AuditRecord


def audit(
    *,
    principal: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this principal asked.")
    ] = None,
    denied: Annotated[bool, typer.Option("--denied", help="Only what was denied.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 100,
    before: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Only entries before this one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List decisions, the newest first: denials, and whatever changes something.

    What a run did is in its journal, which names who started and stopped it: `faultbridge watch`.
    """
    with connect() as client:
        page = client.audit(before=before, limit=limit, principal=principal, denied=denied)
    if as_json:
        show_json(page.wire())
        return
    if not page.entries:
        tell("faultbridge: there are no entries")
    for one in page.entries:
        show(clean(_line(one)))
        for reason in one.details.get("near", ()):
            show(clean(f"    {reason}"))
    if page.next is not None:
        tell(f"faultbridge: there are more; add --before {page.next}")


def _line(one: AuditRecord) -> str:
    by = f" ({one.statement})" if one.statement else ""
    return (
        f"{one.sequence}  {one.at:%Y-%m-%d %H:%M:%S}Z  {one.decision:<12}  {one.principal}  "
        f"{one.action}  {one.resource}{by}"
    )
