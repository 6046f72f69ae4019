"""What a command says when it cannot do what was asked, and with which exit code it ends."""

from __future__ import annotations

import traceback

from pydantic import ValidationError
from pydantic_settings import SettingsError

from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean
from bridge.client.errors import ClientError, CredentialsError, RefusedError


def explain(error: Exception) -> tuple[Exit, str]:
    """Return exit code and words for an error that ended a command."""
    if isinstance(error, CommandError):
        return error.code, str(error)
    if isinstance(error, RefusedError):
        problems = error.problem.problems
        text = "\n".join(str(problem) for problem in problems) or str(error)
        return Exit.INVALID, clean(text)
    if isinstance(error, SettingsError):
        return Exit.INVALID, f"a FAULTBRIDGE_ setting cannot be read: {clean(str(error))}"
    if isinstance(error, ClientError):
        wrong = isinstance(error, CredentialsError)
        return Exit.INVALID if wrong else Exit.NO_BRIDGE, clean(str(error))
    if isinstance(error, ValidationError) and error.title == "Settings":
        return Exit.INVALID, _settings(error)
    # Only its kind and place: the text of an error that nobody foresaw may hold anything.
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{last.name}, line {last.lineno}"
    return Exit.NO_BRIDGE, f"the command failed by itself: {type(error).__name__} in {place}"


def _settings(error: ValidationError) -> str:
    lines = []
    for one in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in one["loc"]).upper()
        said = one["msg"].removeprefix("Value error, ")
        lines.append(f"FAULTBRIDGE_{name}: {said[:1].lower()}{said[1:]}")
    return "\n".join(lines)
