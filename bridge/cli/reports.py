"""Files in which `run` and `watch` say how a run ended: JUnit XML and a summary in Markdown."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.client.documents import ExperimentDetail

Junit = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write the end as JUnit XML."),
]
Summary = Annotated[
    Path | None,
    typer.Option(
        "--summary",
        metavar="FILE",
        help="Add the end in Markdown to a file, such as $GITHUB_STEP_SUMMARY.",
    ),
]


@dataclass(frozen=True)
class Reports:
    """What is to be written at the end, and where."""

    junit: Path | None = None
    summary: Path | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is to be written."""
        return self.junit is not None or self.summary is not None

    def require_writable(self) -> None:
        """Raise CommandError where a file could not be written: better now than after the run."""
        for option, path in (("--junit", self.junit), ("--summary", self.summary)):
            if path is None:
                continue
            try:
                path.open("a").close()
            except OSError as error:
                msg = f"{option}: {path}: {error.strerror}; name a file in a folder that is there"
                raise CommandError(Exit.INVALID, msg) from None

    @contextmanager
    def about(self, name: str) -> Iterator[None]:
        """Write why where the run cannot be brought to its end; the error goes on."""
        try:
            yield
        except Exception as error:
            from bridge.cli import junit, summary
            from bridge.cli.refusals import explain

            if self.wanted and not isinstance(error, typer.Exit):
                code, message = explain(error)
                self._write(
                    junit.of_refusal(name, code, message), summary.of_refusal(name, code, message)
                )
            raise

    def write(self, experiment: ExperimentDetail) -> None:
        """Write how a run ended; a file that cannot be written does not change the verdict."""
        from bridge.cli import junit, summary

        if self.wanted:
            self._write(junit.of_run(experiment), summary.of_run(experiment))

    def _write(self, junit: str, summary: str) -> None:
        for path, text, mode in ((self.junit, junit, "w"), (self.summary, summary, "a")):
            if path is None:
                continue
            try:
                with path.open(mode, encoding="utf-8") as stream:
                    stream.write(text)
            except OSError as error:
                tell(f"faultbridge: {path} was not written: {error.strerror}")
