"""`faultbridge schedule` against a bridge that is a process of its own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from bridge.cli import schedule
from bridge.cli.connection import connect
from bridge.client.schedules import ScheduleRequest
from bridge.model.moment import SECOND, Micros
from bridge.model.schedule import (
    DEFAULT_HISTORY,
    ConcurrencyPolicy,
    Schedule,
    Slot,
    SlotOutcome,
)
from bridge.store import Store, sqlite_url
from docs.generate import commands
from tests.cli.conftest import Running
from tests.cli.doubles import World, document
from tests.cli.test_commands import Command
from tests.cli.test_serve import served
from tests.schedules.conftest import schedule as due_schedule

Start = Callable[..., Running]


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=1)))
    return str(path)


def test_a_schedule_from_creation_to_deletion(
    start: Start, command: Command, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(start, monkeypatch)
    assert "there are no schedules yet" in command("schedule", "list")[2]
    arguments = ("--cron", "30 2 * * *", "--timezone", "Europe/Berlin")
    code, output, errors = command(
        "schedule", "create", template, *arguments, "--tag", "team=a", "--description", "nightly"
    )
    assert code == 0, errors
    made = output.strip()
    lines = errors.splitlines()
    at = lines.index("faultbridge: At 02:30 every day, Europe/Berlin; next:")
    assert len(lines[at + 1 :]) == 3
    assert all(" 02:30:00 CE" in line and "  in " in line for line in lines[at + 1 :])
    (listed,) = command("schedule", "list")[1].splitlines()
    assert listed.startswith(f"{made}  active  ")
    assert listed.endswith("30 2 * * *  nightly")
    code, output, errors = command("schedule", "pause", made)
    assert (code, output) == (0, f"{made} is paused\n")
    assert f"`faultbridge schedule resume {made}`" in errors
    assert "next" not in command("schedule", "show", made)[1]
    code, output, errors = command("schedule", "resume", made)
    assert (code, output) == (0, f"{made} is active\n")
    assert "At 02:30 every day" in errors
    shown = command("schedule", "show", made)[1]
    assert "policy       Forbid, deadline as the bridge is set\n" in shown
    assert "tags         team=a\n" in shown
    template_id = json.loads(command("schedule", "show", made, "--json")[1])["templateId"]
    code, output, _ = command(
        "schedule",
        "create",
        "--template-id",
        template_id,
        "--cron",
        "@hourly",
        "--paused",
        "--concurrency-policy",
        "Allow",
        "--history-limit",
        "3",
        "--starting-deadline-seconds",
        "30",
        "--json",
    )
    other = json.loads(output)
    assert (code, other["state"], other["concurrencyPolicy"]) == (0, "paused", "Allow")
    assert (other["historyLimit"], other["startingDeadlineSeconds"]) == (3, 30)
    assert command("schedule", "delete", made)[1] == f"{made} is deleted\n"
    code, _, errors = command("schedule", "show", made)
    assert (code, "there is no schedule" in errors) == (2, True)


def test_over_http_a_slot_starts_within_a_second_and_everything_is_undone(
    start: Start, command: Command, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = served(start, monkeypatch)
    with connect() as client:
        at = datetime.now(UTC) + timedelta(seconds=2)
        made = client.create_schedule(
            ScheduleRequest(template=document(seconds=1), at=at.isoformat())
        )
        end = time.monotonic() + 60
        while not (slots := client.schedule(made.id).slots):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert slots[0].outcome is SlotOutcome.STARTED
        assert timedelta(0) <= slots[0].at - at < timedelta(seconds=1)
        assert slots[0].experiment_id
        assert command("watch", slots[0].experiment_id)[0] == 0
        assert world.states == ["whole", "whole"]
        shown = command("schedule", "show", made.id)[1]
        assert f"started {slots[0].experiment_id}, 0." in shown
        client.delete_schedule(made.id)
        assert client.schedules().schedules == ()
    assert bridge.process.poll() is None


def test_a_bridge_that_is_there_for_one_run_starts_no_slot(
    command: Command, tmp_path: Path, template: str
) -> None:
    url = sqlite_url(tmp_path / "data")
    (tmp_path / "data").mkdir()

    async def plan() -> Schedule:
        store = Store.open(url)
        # Of a slot that has come: a bridge that serves would start it, or note why not, at once.
        now = Micros(store.now() - SECOND)
        planned = await store.create_schedule(due_schedule("EXT1", now, at=Micros(now + 1)))
        await store.close()
        return planned

    async def left() -> tuple[Schedule | None, list[Slot]]:
        store = Store.open(url)
        found = (
            await store.schedule(planned.scope, planned.id),
            await store.slots(planned.id),
        )
        await store.close()
        return found

    planned = asyncio.run(plan())
    assert command("run", template)[0] == 0
    assert asyncio.run(left()) == (planned, [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--cron", "30 2 * * *"), "give either FILE or --template-id"),
        (("--template-id", "EXT1", "--role", "arn", "--cron", "@daily"), "leave them out"),
        (("--template-id", "EXT1", "--tag", "team", "--cron", "@daily"), "write KEY=VALUE"),
        (("--template-id", "EXT1", "--concurrency-policy", "Replace"), "Replace"),
        (("--template-id", "EXT1", "--at", "noon"), "NO BRIDGE"),
    ],
)
def test_wrong_usage_is_told(command: Command, arguments: tuple[str, ...], words: str) -> None:
    code, _, errors = command("schedule", "create", *arguments)
    if words == "NO BRIDGE":
        assert (code, "no bridge answers" in errors) == (5, True)
    else:
        assert (code, words in errors) == (2, True)


def test_what_the_bridge_refuses_is_told_by_member(
    start: Start, command: Command, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(start, monkeypatch)
    code, _, errors = command(
        "schedule", "create", template, "--cron", "30 25 * * *", "--timezone", "Europe/Berlinn"
    )
    assert code == 2
    assert 'faultbridge: timezone: "Europe/Berlinn" is not a time zone; did you mean' in errors
    assert 'faultbridge: cron: the hour "25" cannot be read; write 0 to 23' in errors
    code, _, errors = command("schedule", "create", template, "--at", "2020-01-01T00:00:00Z")
    assert (code, "faultbridge: at:" in errors) == (2, True)


def test_what_the_options_say_is_what_the_bridge_takes() -> None:
    hint = get_type_hints(schedule.create)["concurrency_policy"]
    assert set(get_args(get_args(hint)[0])) == {str(one) for one in ConcurrencyPolicy}
    (create,) = [command for name, command in commands() if name == "schedule create"]
    (option,) = [one for one in create.params if one.name == "history_limit"]
    assert option.help.endswith(f"else {DEFAULT_HISTORY}.")
