"""`faultbridge validate`, and the check that `run` makes first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.connection import configured_url, connect, load_settings, scope_of
from bridge.cli.exits import CommandError, Exit
from bridge.cli.lint import Strict
from bridge.cli.output import clean, show, show_json, tell
from bridge.cli.preflight import exit_of, is_stored, of_document, of_stored, show_preflight
from bridge.model.problem import Severity

if TYPE_CHECKING:
    from bridge.cli.files import TemplateFile
    from bridge.client.documents import Validation

File = Annotated[
    str,
    typer.Argument(
        help="Template, or custom resource of a chaos kind: YAML or JSON; - is standard input."
    ),
]
Role = Annotated[
    str | None,
    typer.Option("--role", metavar="ARN", help="The role to act as, for a custom resource."),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ARN",
        help="The EKS cluster, for a custom resource that is created in one.",
    ),
]


@dataclass(frozen=True)
class _Judged:
    """A file, what is wrong with it, and the template that it is or becomes."""

    read: TemplateFile
    validation: Validation
    template: Any

    def strict(self) -> _Judged:
        """Return it with every warning as an error."""
        raised = (replace(problem, severity=Severity.ERROR) for problem in self.validation.problems)
        validation = self.validation.model_copy(update={"problems": tuple(raised)})
        return replace(self, validation=validation)

    @property
    def lines(self) -> list[str]:
        """Each problem with its place."""
        places = {(problem.path, problem.message): place for place, problem in self.read.problems}
        return [
            clean(self.read.line_of(problem, places.get((problem.path, problem.message))))
            for problem in self.validation.problems
        ]

    @property
    def summary(self) -> str:
        """The verdict in one line."""
        problems = self.validation.problems
        errors = sum(problem.severity.value == "error" for problem in problems)
        counts = [
            f"{count} {word}{'s' if count > 1 else ''}"
            for count, word in ((errors, "error"), (len(problems) - errors, "warning"))
            if count
        ]
        verdict = "invalid" if errors else "valid"
        return f"{self.read.name}: {verdict}" + (f" ({', '.join(counts)})" if counts else "")


def validate(
    file: File,
    role: Role = None,
    cluster: Cluster = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every problem in one JSON document.")
    ] = False,
    strict: Strict = False,
    *,
    preflight: Annotated[
        bool,
        typer.Option(
            "--preflight",
            help="Also ask clouds and clusters, as the template's role, whether a run could begin; "
            "FILE may be the id of a stored template.",
        ),
    ] = False,
) -> None:
    """Say what is wrong with a template, an action template, or a custom resource of a chaos kind.

    Errors, and warnings such as where AWS FIS itself would refuse it. Nothing is stored, and
    without --preflight no cloud is asked. With FAULTBRIDGE_URL the bridge there judges, with its
    settings; without, this command does.
    """
    if preflight and is_stored(file):
        found = of_stored(file)
        if as_json:
            show_json(found.wire())
        else:
            show_preflight(file, found)
        raise typer.Exit(exit_of(found))
    judged = _judged(file, role, cluster)
    if strict:
        judged = judged.strict()
    valid = judged.validation.valid
    asked = of_document(judged.template) if preflight and valid and judged.template else None
    if as_json:
        before = {} if asked is None else {"preflight": asked.wire()}
        show_json({"valid": valid, **judged.validation.wire(), **before})
    else:
        for line in judged.lines:
            show(line)
        show(judged.summary)
        if asked is not None:
            show_preflight(judged.read.name, asked)
    if asked is not None:
        raise typer.Exit(exit_of(asked))
    raise typer.Exit(Exit.COMPLETED if valid else Exit.INVALID)


def checked(file: str, role: str | None = None, cluster: str | None = None) -> dict[str, Any]:
    """Return the template of a file without errors; its warnings go to standard error.

    Raises CommandError naming every error, and what the client raises.
    """
    judged = _judged(file, role, cluster)
    if not judged.validation.valid:
        raise CommandError(Exit.INVALID, "\n".join([*judged.lines, judged.summary]))
    for line in judged.lines:
        tell(line)
    if judged.template is None:
        msg = (
            f"{file}: is an action template, which runs nothing by itself; store it with "
            "`faultbridge action-templates create`, and name it in an experiment template"
        )
        raise CommandError(Exit.INVALID, msg)
    template: dict[str, Any] = judged.template
    return template


def _judged(name: str, role: str | None, cluster: str | None) -> _Judged:
    from bridge.catalog.action_templates import is_action_template
    from bridge.cli.files import is_resource, read_template
    from bridge.client.documents import Validation

    try:
        read = read_template(name)
    except OSError as error:
        msg = f"{name}: {error.strerror}; give a template file, or - for standard input"
        raise CommandError(Exit.INVALID, msg) from None
    written = tuple(problem for _, problem in read.problems)
    if read.broken:
        return _Judged(read, Validation(problems=written), None)
    if is_action_template(read.document):
        return _judged_action_template(read)
    if is_resource(read.document):
        return _judged_resource(read, role, cluster)
    if role is not None or cluster is not None:
        msg = (
            f"{name}: a template names its own role and targets; --role and --cluster are for "
            "a custom resource, leave them out"
        )
        raise CommandError(Exit.INVALID, msg)
    found = (*written, *_validation(read.document).problems)
    return _Judged(read, Validation(problems=found), read.document)


def _judged_action_template(read: TemplateFile) -> _Judged:
    from bridge.api.native.action_template_documents import accepted
    from bridge.client.documents import Validation
    from bridge.model.problem import InvalidDocumentError

    try:
        _, found = accepted(read.document)
    except InvalidDocumentError as error:
        found = error.problems
    written = (problem for _, problem in read.problems)
    return _Judged(read, Validation(problems=(*written, *found)), None)


def _judged_resource(read: TemplateFile, role: str | None, cluster: str | None) -> _Judged:
    from bridge.cli.resources import ResourceFile
    from bridge.client.documents import Validation

    resource = ResourceFile(read.document, role=role, cluster=cluster)
    written = (problem for _, problem in read.problems)
    alone = Validation(problems=(*written, *resource.problems))
    if not alone.valid:
        return _Judged(read, alone, None)
    template = resource.template
    placed = (resource.in_file(problem) for problem in _validation(template).problems)
    found = (*alone.problems, *(problem for problem in placed if problem is not None))
    return _Judged(read, Validation(problems=found), template)


def _validation(document: Any) -> Validation:
    if configured_url() is None:
        return _judged_here(document)
    with connect() as client:
        return client.validate(document)


def _judged_here(document: Any) -> Validation:
    from bridge.api.native.judging import judge
    from bridge.catalog import Catalog

    settings = load_settings()
    scope = scope_of(settings)
    return judge(Catalog(settings), scope, document)
