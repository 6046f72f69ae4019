"""`faultbridge validate --preflight`: what a template lacks where it would run."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bridge.cli.connection import configured_url, connect, load_settings, scope_of
from bridge.cli.exits import Exit
from bridge.cli.output import clean, show

if TYPE_CHECKING:
    from bridge.client.preflight import Preflight, PreflightFinding
    from bridge.settings import Settings

_TEMPLATE_ID: Final = re.compile(r"EXT[0-9A-Za-z]{6,61}")
_MARKS: Final = {"ok": "ok", "missing": "MISSING", "cannot-check": "cannot check"}


def is_stored(name: str) -> bool:
    """Say whether a name is that of a stored template, not of a file."""
    return _TEMPLATE_ID.fullmatch(name) is not None and not Path(name).exists()


def of_stored(template_id: str) -> Preflight:
    """Ask the bridge about a template that it stores. Raises what the client raises."""
    from bridge.client.preflight import PreflightRequest

    with connect() as client:
        return client.preflight(PreflightRequest(template_id=template_id))


def of_document(document: dict[str, Any]) -> Preflight:
    """Ask about a document without errors: the configured bridge, else clouds from here."""
    from bridge.client.preflight import PreflightRequest

    if configured_url() is not None:
        with connect() as client:
            return client.preflight(PreflightRequest(template=document))
    return asyncio.run(_asked_here(load_settings(), document))


async def _asked_here(settings: Settings, document: dict[str, Any]) -> Preflight:
    from bridge.api.native.judging import read
    from bridge.api.native.preflight import rendered
    from bridge.catalog import Catalog
    from bridge.engine import Providers
    from bridge.engine.preflight import preflight

    scope = scope_of(settings)
    catalog, providers = Catalog(settings), Providers(settings)
    parsed = read(catalog, scope, document)
    if parsed.template is None:
        raise RuntimeError("a document was asked about that has errors")
    try:
        found = await preflight(
            providers, catalog, parsed.template, installation=settings.installation or "preflight"
        )
    finally:
        await providers.close()
    return rendered(found, catalog)


def show_preflight(name: str, found: Preflight) -> None:
    """Print what is missing, with its grant; what nobody could say; and a summary."""
    counts = dict.fromkeys(_MARKS, 0)
    for one in found.findings:
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    for verdict in ("missing", "cannot-check"):
        for one in found.findings:
            if one.verdict == verdict and (verdict == "missing" or one.need != "optional"):
                show(clean(_line(one)))
                if one.mend and verdict == "missing":
                    for line in one.mend.rstrip().splitlines():
                        show(clean(f"    {line}"))
    word = "passed" if found.passed else "failed"
    told = ", ".join(f"{count} {_MARKS[verdict]}" for verdict, count in counts.items() if count)
    show(f"{clean(name)}: preflight {word}" + (f" ({told})" if told else ""))


def exit_of(found: Preflight) -> Exit:
    """Return how the command ends."""
    return Exit.COMPLETED if found.passed else Exit.INVALID


def _line(one: PreflightFinding) -> str:
    kind = "" if one.need == "required" else f" ({one.need})"
    whose = one.holder or (
        "the bridge itself" if one.identity == "reader" else "the experiment's identity"
    )
    wanted = ", ".join(one.wanted_by)
    reason = f": {one.reason}" if one.reason else ""
    return f"{_MARKS[one.verdict]}{kind}: {one.what}, {one.place}, {whose} [{wanted}]{reason}"
