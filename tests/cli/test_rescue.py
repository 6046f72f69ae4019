"""`faultbridge rescue` from the outside: what it says, what it leaves alone, how it exits."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Running
from tests.cli.doubles import THING, World, document
from tests.cli.test_commands import Command

Start = Callable[..., Running]
ROLE = "arn:aws:iam::123456789012:role/my-fis-role"


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=300)))
    return str(path)


@pytest.fixture
def marked(world: World) -> Callable[..., None]:
    """Break a thing, and mark it as somebody did; ``due`` is in seconds from now."""

    def mark(
        name: str = "one", *, installation: str = "test", due: float | None = 300, **more: Any
    ) -> None:
        deadline = None if due is None else int((time.time() + due) * 1_000_000)
        with world.open() as found:
            found["things"][THING + name] = "broken"
            found["marks"][THING + name] = {
                "installation": installation,
                "experiment": "EXPgone",
                "action": "break",
                "fault": "aws:test:break",
                "deadline": deadline,
                "identity": ROLE,
                **more,
            }

    return mark


def findings(output: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {
        one["resource"].removeprefix(THING): one for one in json.loads(output)["findings"]
    }
    return found


def test_it_says_first_what_it_will_do_and_why(
    command: Command, world: World, marked: Callable[..., None]
) -> None:
    marked()
    code, output, errors = command("rescue")
    assert code == 0
    assert output == f"reverted: {THING}one  faultbridge:test:EXPgone/break\n"
    said = errors.splitlines()
    assert said[0] == f"faultbridge: will revert: {THING}one  faultbridge:test:EXPgone/break"
    assert said[1] == "    aws:test:break: mend it"
    assert said[2].startswith(f"    as {ROLE}; deadline 20")
    assert said[2].endswith("Z; its run is unknown")
    assert world.states == ["whole", "whole"]
    code, _, errors = command("rescue")
    assert (code, errors) == (0, "faultbridge: no marks were found\n")


def test_a_dry_run_says_the_same_and_does_nothing(
    command: Command, world: World, marked: Callable[..., None]
) -> None:
    marked()
    code, output, errors = command("rescue", "--dry-run")
    assert (code, errors) == (0, "")
    assert output.splitlines()[0].startswith(f"would revert: {THING}one  ")
    assert output.splitlines()[1] == "    aws:test:break: mend it"
    one = findings(command("rescue", "--dry-run", "--json")[1])["one"]
    assert one.pop("deadline").endswith("Z")
    assert one == {
        "resource": f"{THING}one",
        "mark": "faultbridge:test:EXPgone/break",
        "verdict": "would revert",
        "reason": "",
        "installation": "test",
        "experiment": "EXPgone",
        "action": "break",
        "fault": "aws:test:break",
        "undo": "mend it",
        "prior": "",
        "identity": ROLE,
        "recovery": "",
        "actedAs": "",
        "pastDeadline": False,
        "run": "unknown",
        "why": "its run is unknown",
        "leftBehind": False,
    }
    said = command("rescue", "--dry-run", "--as", "self")[1].splitlines()[2]
    assert said.startswith(f"    as {ROLE}, else as self; deadline 20")
    assert world.states == ["broken", "whole"]


def test_what_stays_broken_is_exit_code_6(
    command: Command,
    world: World,
    marked: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_RETRY_FIRST", "PT0S")
    marked()
    world.set(stubborn=True)
    code, output, _ = command("rescue", "--json")
    assert code == 6
    assert (one := findings(output)["one"])["leftBehind"]
    assert (one["verdict"], one["reason"]) == ("failed", "it is stuck")


def test_anothers_marks_are_listed_and_touched_by_name_past_their_deadline(
    command: Command, world: World, marked: Callable[..., None]
) -> None:
    marked("one", installation="theirs", due=-600)
    marked("two", installation="theirs", due=600)
    marked("three", installation="theirs", due=None)
    marked("four", installation="third", due=-600)
    code, output, errors = command("rescue")
    assert code == 0
    assert output.count("another installation's: ") == 4
    assert output.count("`--installation theirs` undoes it") == 2
    assert "will revert" not in errors
    found = findings(command("rescue", "--installation", "theirs", "--json")[1])
    assert {name: one["verdict"] for name, one in found.items()} == {
        "one": "reverted",
        "two": "another installation's",
        "three": "another installation's",
        "four": "another installation's",
    }
    assert "never touched" in found["three"]["reason"]
    with world.open() as now:
        states = {name.removeprefix(THING): state for name, state in now["things"].items()}
    assert states == {"one": "whole", "two": "broken", "three": "broken", "four": "broken"}


def test_a_database_that_cannot_be_read_stops_it(
    command: Command,
    world: World,
    marked: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marked()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "faultbridge.sqlite3").write_bytes(b"damaged" * 1000)
    code, _, errors = command("rescue")
    assert code == 5
    assert "cannot be read (DatabaseError); its runs are unknown, so nothing was touched" in errors
    monkeypatch.setenv("FAULTBRIDGE_DATABASE", "postgresql+psycopg://u:secret@127.0.0.1:1/none")
    code, _, errors = command("rescue")
    assert (code, "nothing was touched" in errors, "secret" in errors) == (5, True, False)
    monkeypatch.delenv("FAULTBRIDGE_DATABASE")
    monkeypatch.setenv("FAULTBRIDGE_URL", "http://127.0.0.1:1")
    code, _, errors = command("rescue")
    assert (code, "nothing was touched" in errors) == (5, True)
    assert world.states == ["broken", "whole"]


def test_a_directory_without_a_database_is_a_lost_one(
    command: Command, world: World, marked: Callable[..., None], tmp_path: Path
) -> None:
    marked()
    (tmp_path / "data").mkdir()
    assert command("rescue")[0] == 0
    assert world.states == ["whole", "whole"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["lock"]


def test_a_mark_that_outlived_its_run_is_undone_beside_a_living_bridge(
    start: Start,
    command: Command,
    template: str,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge = start("serve", "--port", "0")
    line = bridge.until("ready on http://127.0.0.1:")
    url = next(word for word in line.split() if word.startswith("http://"))
    monkeypatch.setenv("FAULTBRIDGE_URL", url)
    experiment = command("run", template)[1].strip()
    start("watch", experiment).until("one, two injected")
    with world.open() as found:
        mark = found["marks"][f"{THING}one"]
    command("stop", experiment)
    command("watch", experiment)
    with world.open() as found:  # as if the mark had been written again, too late
        found["things"][f"{THING}one"], found["marks"][f"{THING}one"] = "broken", mark
        found["things"][f"{THING}two"] = "broken"
        found["marks"][f"{THING}two"] = {**mark, "experiment": "EXPofAnotherDatabase"}
    for _ in ("asked over HTTP", "read from the data directory"):
        found = findings(command("rescue", "--dry-run", "--json")[1])
        assert {one["run"] for one in found.values()} == {"over", "unknown"}
        assert {one["verdict"] for one in found.values()} == {"would revert"}
        monkeypatch.delenv("FAULTBRIDGE_URL", raising=False)
    assert command("rescue")[0] == 0
    assert world.states == ["whole", "whole"]


def test_a_fault_that_could_not_be_marked_is_listed_while_there_is_a_journal(
    start: Start, command: Command, template: str, world: World
) -> None:
    world.set(untaggable=True)
    run = start("run", template)
    run.until("one, two injected")
    code, output, _ = command("rescue", "--json")
    assert code == 0, "the run's own bridge undoes it"
    assert {one["reason"] for one in findings(output).values()} == {
        "may not tag; its run is open: a bridge on this data undoes it"
    }
    run.signal(signal.SIGKILL)
    run.end()
    code, output, _ = command("rescue", "--json")
    assert code == 6
    found = findings(output)
    assert set(found) == {"one", "two"}
    assert {(one["verdict"], one["mark"], one["action"]) for one in found.values()} == {
        ("could not be marked", "", "break")
    }
    assert "undo it by hand, or start a bridge on this data" in found["one"]["reason"]
    assert "could not be marked: " in command("rescue")[1]
    assert world.states == ["broken", "broken"]


def test_flags_add_to_the_settings(
    command: Command, monkeypatch: pytest.MonkeyPatch, marked: Callable[..., None]
) -> None:
    from bridge.cli import rescuing  # noqa: PLC0415 - the module whose function is replaced

    seen: list[Any] = []

    async def keep(settings: Any, **_: Any) -> Any:
        seen.append(settings)
        return rescuing.Rescued([], [])

    monkeypatch.setattr(rescuing, "rescue_all", keep)
    monkeypatch.setenv("FAULTBRIDGE_RESCUE_REGIONS", "eu-west-1")
    monkeypatch.setenv("FAULTBRIDGE_GCP_PROJECTS", "shop")
    monkeypatch.setenv("FAULTBRIDGE_RECOVERY_ROLE", "arn:aws:iam::111111111111:role/set")
    role = "arn:aws:iam::222222222222:role/rescue"
    flags = "--region eu-west-2 --region eu-west-1 --project lab --subscription sub --cluster one"
    flags += f" --context ctx --account {role}"
    assert (
        command("rescue", *flags.split(), "--identity", "who", "--as", "self", "--as", role)[0] == 0
    )
    (used,) = seen
    assert used.rescue_regions == ("eu-west-2", "eu-west-1")
    assert used.rescue_accounts == (role,)
    assert (used.gcp_projects, used.azure_subscriptions) == (("lab", "shop"), ("sub",))
    assert (used.rescue_clusters, used.rescue_contexts) == (("one",), ("ctx",))
    assert (used.rescue_identities, used.recovery_role) == (
        ("who",),
        ("self", role, "arn:aws:iam::111111111111:role/set"),
    ), "the first that fits is taken, so what is said now comes first"
    code, _, errors = command("rescue", "--account", "222222222222")
    assert (code, "write the ARN of one in the account" in errors) == (2, True)
