"""Command lines parse, links lead somewhere, and templates are valid."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bridge.api.native.action_template_documents import accepted
from bridge.api.native.judging import judge
from bridge.catalog import Catalog
from bridge.catalog.action_templates import is_action_template
from bridge.cli.app import app
from bridge.cli.files import is_resource
from bridge.cli.resources import ResourceFile
from bridge.model.problem import InvalidDocumentError
from bridge.model.scope import Scope
from bridge.settings import Settings
from docs.generate import anchor
from providers.kubernetes.specs import is_native
from tests.docs.pages import PAGES, ROOT, Block, blocks, faultbridge_arguments, links

LINES = list(faultbridge_arguments())
TEMPLATES = ("action-templates", "chaos-mesh", "fis")
"""Folders of examples that are templates or resources; what is in the others has its own tests."""
EXAMPLES = sorted(
    path for folder in TEMPLATES for path in (ROOT / "examples" / folder).rglob("*.*")
)
ROLE = "arn:aws:iam::123456789012:role/my-fis-role"


def _parse(arguments: list[str]) -> None:
    group: Any = get_command(app)
    context = group.make_context("faultbridge", list(arguments))
    name, command, rest = group.resolve_command(context, arguments)
    while rest and hasattr(command, "commands"):
        context = command.make_context(name, list(rest), parent=context)
        name, command, rest = command.resolve_command(context, rest)
    # In prose a command may stand without its arguments, but no option may be made up.
    asks = command.make_context(name, rest, parent=context, resilient_parsing=not rest)
    assert asks.info_name == name


@pytest.mark.parametrize(
    "arguments", [line for _, line in LINES], ids=[f"{p} {' '.join(a)}" for p, a in LINES]
)
def test_a_command_line_parses(arguments: list[str]) -> None:
    _parse(arguments)


def test_lines_were_found_and_a_wrong_one_would_not_parse() -> None:
    assert len(LINES) > 20
    for wrong in (["validate", "f", "--severe"], ["rescue", "--dryrun"], ["lunch", "FILE"]):
        with pytest.raises(Exception, match=r"[Nn]o such"):
            _parse(wrong)


def _headings(page: Path) -> set[str]:
    lines = page.read_text("utf-8").splitlines()
    return {anchor(line.lstrip("#").strip()) for line in lines if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, fragment = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not fragment or fragment in _headings(target), link


def _documents() -> list[tuple[Block, Any]]:
    read = [
        (block, document)
        for block in blocks("yaml", "json")
        for document in yaml.safe_load_all(block.text)
    ]
    return [(block, one) for block, one in read if isinstance(one, dict) and _is_for_us(one)]


def _is_for_us(document: Any) -> bool:
    """Whether it is a template, or a custom resource that the bridge carries out itself.

    Action templates are templates too.
    """
    if "actions" in document or is_action_template(document):
        return True
    return is_native(str(document.get("apiVersion", "")), str(document.get("kind", "")), None)


def _problems(document: Any) -> list[str]:
    if is_action_template(document):
        try:
            accepted(document)
        except InvalidDocumentError as error:
            return [str(problem) for problem in error.problems]
        return []
    if is_resource(document):
        resource = ResourceFile(document, role=ROLE, cluster=None)
        return [*map(str, resource.problems), *_template_problems(resource.template)]
    return _template_problems(document)


def _template_problems(document: Any) -> list[str]:
    scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
    # Not read from the environment: what the pages show is valid in the sandbox.
    settings = Settings(
        minimum_duration=timedelta(seconds=1),
        gcp_identities=((ROLE, "chaos@faultbridge-sandbox.iam.gserviceaccount.com"),),
        azure_identities=((ROLE, "00000000-0000-4000-8000-0000000000c1"),),
    )
    judged = judge(Catalog(settings), scope, document)
    return [str(problem) for problem in judged.problems if problem.severity.value == "error"]


def test_templates_in_the_pages_are_valid() -> None:
    documents = _documents()
    assert len(documents) >= 2
    assert {str(block): _problems(one) for block, one in documents if _problems(one)} == {}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid(example: Path) -> None:
    assert _problems(yaml.safe_load(example.read_text("utf-8"))) == []


def test_a_wrong_resource_would_be_found() -> None:
    written = (ROOT / "examples/chaos-mesh/awschaos-ec2-stop.yaml").read_text("utf-8")
    assert _problems(yaml.safe_load(written.replace("ec2-stop", "ec2-stopp")))


def test_a_wrong_template_would_be_found() -> None:
    (_, document), *_ = _documents()
    assert _problems({**document, "roleArn": "nobody"})
