"""What the pages name by hand exists, and what exists is named."""

from __future__ import annotations

import re

import pytest

from bridge.cli.exits import Exit
from bridge.client.documents import StartRequest
from bridge.client.schedules import ScheduleRequest
from bridge.dialects.fis.operations import OPERATIONS
from bridge.engine.cron import NICKNAMES
from bridge.model.action_template import ActionTemplate, ParameterType, TemplateParameter
from bridge.model.event import EventType
from bridge.model.schedule import SlotOutcome
from bridge.settings import Settings
from docs import generate
from providers import registry
from providers.contract import Fault
from tests.docs.pages import PAGES, ROOT, prose, shell_lines, spans

FOR_COMMANDS = {
    "FAULTBRIDGE_URL",
    "FAULTBRIDGE_ACCESS_KEY_ID",
    "FAULTBRIDGE_SECRET_ACCESS_KEY",
    "FAULTBRIDGE_PROFILE",
    "FAULTBRIDGE_TOKEN",
    "FAULTBRIDGE_TOKEN_FILE",
    "FAULTBRIDGE_TOKEN_FROM",
    "FAULTBRIDGE_TOKEN_AUDIENCE",
    "FAULTBRIDGE_TRIGGER_RULES",
    "FAULTBRIDGE_CRASH",
}
"""Variables that are read by commands, functions and tests, not by a bridge."""
OF_EXAMPLES = {"FAULTBRIDGE_TRIGGER_SCHEDULE"}
"""Variables that only an example reads."""
SETTINGS = {f"FAULTBRIDGE_{name.upper()}" for name in Settings.model_fields}
DOCS = ROOT / "docs"


def _first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def _section(text: str, heading: str) -> str:
    """Return what stands below a heading, to the next of its level or above."""
    level = heading.split(" ", 1)[0]
    below = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{len(level)}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def _section_of(action: str) -> str:
    page = (DOCS / generate.page_of(action)).read_text("utf-8")
    return _section(page, f"## {action}")


def test_every_action_has_a_section_in_its_clouds_page() -> None:
    written = [
        action
        for page in sorted({generate.page_of(action) for action in registry.FAULTS})
        for action in re.findall(r"^## (\S+:\S+)$", (DOCS / page).read_text("utf-8"), re.MULTILINE)
    ]
    assert written == sorted(registry.FAULTS)


@pytest.mark.parametrize("action", sorted(registry.FAULTS))
def test_a_section_says_how_the_fault_ends_and_is_undone(action: str) -> None:
    section = _section_of(action)
    assert f"<!-- generated: action:{action} -->" in section
    assert "\nEnds: " in section
    assert "\nUndo: " in section


@pytest.mark.parametrize("action", sorted(registry.FAULTS))
def test_every_parameter_and_right_is_documented(action: str) -> None:
    fault: Fault = registry.fault(action)
    section = _section_of(action)
    fields = fault.Parameters.model_fields
    parameters = {field.alias or name for name, field in fields.items()}
    rights = {permission.name for permission in fault.permissions}
    assert set(_first_cells(section)) == parameters | rights


def test_every_target_type_and_stop_source_is_documented() -> None:
    text = (DOCS / "faults.md").read_text("utf-8")
    assert set(_first_cells(_section(text, "## Targets"))) == set(registry.RESOLVERS)
    assert set(registry.STOP_SOURCES) <= set(spans(DOCS / "faults.md"))


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    rows = _first_cells((DOCS / "settings.md").read_text("utf-8"))
    assert set(rows) == SETTINGS | FOR_COMMANDS
    for page in PAGES:
        named = set(re.findall(r"FAULTBRIDGE_[A-Z_]+", page.read_text("utf-8")))
        assert named <= SETTINGS | FOR_COMMANDS | OF_EXAMPLES, page.name


def test_every_command_option_and_exit_code_is_documented() -> None:
    text = (DOCS / "cli.md").read_text("utf-8")
    commands = dict(generate.commands())
    for name, command in commands.items():
        (heading,) = re.findall(rf"^### `faultbridge {name}\b.*$", text, re.MULTILINE)
        options = {
            option
            for parameter in command.params
            if parameter.param_type_name == "option"
            for option in parameter.opts
        }
        assert {
            one for cell in _first_cells(_section(text, heading)) for one in cell.split(", ")
        } == options, name
    assert len(re.findall(r"^### `faultbridge ", text, re.MULTILINE)) == len(commands)
    codes = _first_cells(_section(text, "## Exit codes"))
    assert codes == [str(code.value) for code in Exit]


def test_every_route_and_operation_is_documented() -> None:
    text = (DOCS / "api.md").read_text("utf-8")
    routes = [f"{method} {path}" for method, path, _ in generate.native_operations()]
    assert len(routes) > 8
    assert _first_cells(_section(text, "## /v1")) == routes
    assert _first_cells(_section(text, "## FIS")) == list(OPERATIONS)


def test_every_event_is_documented() -> None:
    section = _section((DOCS / "api.md").read_text("utf-8"), "## Journal")
    assert _first_cells(section) == [str(kind) for kind in EventType]


def test_schedules_are_documented_as_they_are() -> None:
    text = (DOCS / "schedules.md").read_text("utf-8")
    members = {field.alias for field in ScheduleRequest.model_fields.values()}
    assert set(_first_cells(_section(text, "## Members"))) == members
    assert _first_cells(_section(text, "## Slots")) == [str(one) for one in SlotOutcome]
    assert set(NICKNAMES) <= set(spans(DOCS / "schedules.md"))
    asked = [line for _, line in shell_lines() if "/v1/schedules " in line]
    assert asked
    for line in asked:
        (body,) = re.findall(r"-d '([^']+)'", line)
        ScheduleRequest.model_validate_json(body)


def test_action_templates_are_documented_as_they_are() -> None:
    text = (DOCS / "action-templates.md").read_text("utf-8")
    members = {field.alias for field in ActionTemplate.model_fields.values()}
    assert set(_first_cells(_section(text, "## Your own"))) == members
    assert _first_cells(_section(text, "## Parameters")) == [str(one) for one in ParameterType]
    of_parameters = {field.alias for field in TemplateParameter.model_fields.values()} - {"type"}
    assert of_parameters <= set(spans(DOCS / "action-templates.md"))


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    exist = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:`|^ {4})make ([a-z-]+)", prose(page), re.MULTILINE)
    }
    assert named <= exist
    table = _first_cells((DOCS / "development.md").read_text("utf-8"))
    assert {row.removeprefix("make ") for row in table if row.startswith("make ")} == exist


def test_bodies_of_requests_are_what_the_route_takes() -> None:
    asked = [line for _, line in shell_lines() if "/v1/experiments " in line]
    assert asked
    for line in asked:
        (body,) = re.findall(r"-d '([^']+)'", line)
        StartRequest.model_validate_json(body)
