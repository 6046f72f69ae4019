"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge import __version__
from bridge.cli import (
    action_templates,
    actions,
    audit,
    convert,
    demo,
    experiments,
    grants,
    keys,
    lever,
    lint,
    policy,
    rbac,
    release,
    rescue,
    run,
    runbook,
    sandbox,
    schedule,
    schema,
    serve,
    validate,
)
from bridge.cli.exits import EPILOG
from bridge.cli.output import show

app = typer.Typer(
    name="faultbridge",
    help="Run chaos experiments against clouds and clusters, and undo every fault.\n\n"
    "Commands speak to the bridge at FAULTBRIDGE_URL, by default http://127.0.0.1:4520. "
    "Without FAULTBRIDGE_URL, `run`, `validate`, `lint`, `convert` and `actions` need no bridge; "
    "`schema` never does.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(epilog=EPILOG)(serve.serve)
app.command(epilog=EPILOG)(serve.worker)
app.command(epilog=EPILOG)(validate.validate)
app.command(epilog=EPILOG)(lint.lint)
app.command(epilog=EPILOG)(grants.grants)
app.command(epilog=EPILOG)(convert.convert)
app.command(epilog=EPILOG)(run.run)
app.command(epilog=EPILOG)(runbook.runbook)
app.command(epilog=EPILOG)(experiments.stop)
app.command(epilog=EPILOG)(experiments.watch)
app.command(epilog=EPILOG)(release.release)
app.command(epilog=EPILOG)(lever.lever)
app.command()(experiments.experiments)
app.command()(actions.actions)
app.command(epilog=EPILOG)(schema.schema)
app.add_typer(action_templates.app)
app.add_typer(schedule.app)
app.add_typer(keys.app)
app.add_typer(policy.app)
app.add_typer(rbac.app)
app.command(epilog=EPILOG)(audit.audit)
app.command(epilog=EPILOG)(rescue.rescue)
app.command()(sandbox.sandbox)
app.command(epilog=EPILOG)(demo.demo)


def _version(asked: bool) -> None:
    if asked:
        show(f"faultbridge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass
