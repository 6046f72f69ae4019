"""`faultbridge keys`: what is printed once, what is kept, and what a bridge makes of it."""

from __future__ import annotations

import configparser
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from iam.access_keys import MasterKeys
from tests.authentication.conftest import MASTER_KEY, MASTER_SECRET
from tests.cli.conftest import Running, command, start, world
from tests.cli.doubles import World, document

__all__ = ["command", "start", "world"]

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def master_key(
    world: World, everybody_may_do_everything: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The world has no settings of the environment but these.
    monkeypatch.setenv("FAULTBRIDGE_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("FAULTBRIDGE_POLICIES", str(everybody_may_do_everything))


def made(command: Command, *arguments: str) -> dict[str, str]:
    code, output, _ = command("keys", "create", "--json", *arguments)
    assert code == 0
    key: dict[str, str] = json.loads(output)
    return key


def test_a_new_key_is_a_profile_of_aws_s_files(command: Command) -> None:
    code, output, errors = command("keys", "create", "--name", "ci", "--group", "teams/carts")
    assert code == 0
    profile = configparser.ConfigParser()
    profile.read_string(output)
    assert set(profile["ci"]) == {"aws_access_key_id", "aws_secret_access_key", "region"}
    assert len(profile["ci"]["aws_secret_access_key"]) == 43
    assert "nobody can ask for the secret again" in errors
    _, listed, _ = command("keys", "list")
    assert profile["ci"]["aws_access_key_id"] in listed
    assert "Active" in listed
    assert "groups teams/carts" in listed
    assert profile["ci"]["aws_secret_access_key"] not in listed


def test_a_key_as_json_and_what_becomes_of_it(command: Command) -> None:
    key = made(command, "--name", "alice", "--expires", "P90D")
    assert key["arn"] == "arn:aws:iam::123456789012:user/alice"
    assert key["masterKey"] == "2026-11"
    assert key["accessKeyId"].startswith("FBAK")
    for move, status in (("disable", "Inactive"), ("enable", "Active")):
        code, output, _ = command("keys", move, key["accessKeyId"])
        assert (code, status in output) == (0, True)
        listed = json.loads(command("keys", "list", "--json")[1])["accessKeys"]
        assert [one["status"] for one in listed] == [status]
        assert "secretAccessKey" not in listed[0]
    assert command("keys", "delete", key["accessKeyId"])[0] == 0
    code, _, errors = command("keys", "list")
    assert (code, "there are no access keys yet" in errors) == (0, True)
    for move in ("disable", "enable", "delete"):
        code, _, errors = command("keys", move, key["accessKeyId"])
        assert (code, "there is no access key" in errors) == (2, True)


def test_a_key_without_a_name_is_named_as_its_id(command: Command) -> None:
    key = made(command)
    assert key["name"] == key["accessKeyId"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", "a b"], "is no name"),
        (["--name", "../x"], "is no name"),
        (["--name", "x" * 65], "is no name"),
        (["--group", "system:masters"], "is no group"),
        (["--group", "oidc:https://accounts.example.com#admins"], "is no group"),
        (["--expires", "soon"], "write P90D or 2027-01-31T00:00Z"),
        (["--expires", "2099-01-01T00:00"], "has no time zone"),
        (["--expires", "2020-01-01T00:00Z"], "is over already"),
        (["--expires", "P1Y"], "is not an ISO 8601 duration"),
    ],
)
def test_what_cannot_be_made_is_said_with_the_mend(
    command: Command, arguments: list[str], words: str
) -> None:
    code, output, errors = command("keys", "create", *arguments)
    assert (code, output) == (2, "")
    assert words in errors


def test_without_a_master_key_there_are_no_secrets(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FAULTBRIDGE_MASTER_KEY")
    code, _, errors = command("keys", "create")
    assert (code, "openssl rand -hex 32" in errors) == (2, True)
    assert command("keys", "list")[0] == 0
    path = tmp_path / "master"
    for text, words in (
        ("", "is empty"),
        ("no pair", "entry 1 is no pair"),
        ("1=short", 'the secret of "1" is shorter'),
        (f"{MASTER_KEY}\n{MASTER_KEY}", "stands twice"),
    ):
        path.write_text(text)
        monkeypatch.setenv("FAULTBRIDGE_MASTER_KEY_FILE", str(path))
        code, _, errors = command("keys", "create")
        assert (code, words in errors) == (2, True), errors
        assert MASTER_SECRET not in errors
    path.write_text(f"# newest first\n{MASTER_KEY}\n")
    assert made(command)["masterKey"] == "2026-11"


def test_settings_with_a_wrong_master_key_quote_none_of_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (MASTER_SECRET, f"1={MASTER_SECRET[:20]}", f"{MASTER_KEY},{MASTER_KEY}"):
        monkeypatch.setenv("FAULTBRIDGE_MASTER_KEY", wrong)
        code, output, errors = command("keys", "create")
        assert (code, "FAULTBRIDGE_MASTER_KEY: " in errors) == (2, True)
        assert MASTER_SECRET[:20] not in output + errors


def test_nothing_that_is_stored_is_secret(command: Command, tmp_path: Path) -> None:
    secret = made(command, "--name", "alice")["secretAccessKey"]
    files = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert any(b"alice" in content for content in files)
    for content in files:
        assert secret.encode() not in content
        assert MASTER_SECRET.encode() not in content
    with sqlite3.connect(tmp_path / "data/faultbridge.sqlite3") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(access_keys)")]
    database.close()
    assert columns == [
        "id", "name", "groups", "master_key", "status", "created_at", "expires_at", "changed_at"
    ]  # fmt: skip


def test_master_keys_are_replaced_by_a_newer_in_front() -> None:
    old = MasterKeys(["old=" + "o" * 32])
    both = MasterKeys(["new=" + "n" * 32, "old=" + "o" * 32])
    new = MasterKeys(["new=" + "n" * 32])
    assert (old.newest, both.newest) == ("old", "new")
    assert old.secret("FBAKX", "old") == both.secret("FBAKX", "old")
    assert both.secret("FBAKX", "old") != both.secret("FBAKX", "new")
    assert both.secret("FBAKX", "old") != both.secret("FBAKY", "old")
    assert new.secret("FBAKX", "old") is None
    # A pair's secret may have "=" in it, as base64 does.
    assert MasterKeys(["1=" + "a" * 31 + "="]).secret("X", "1") != MasterKeys(
        ["1=" + "a" * 31]
    ).secret("X", "1")


def _url(line: str) -> str:
    return next(word for word in line.split() if word.startswith("http://"))


def test_commands_sign_with_a_key_that_was_made_beside_the_bridge(
    start: Callable[..., Running],
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_HOSTS", "chaos.example.com")
    bridge = start("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - who calls is asked
    url = _url(bridge.until("ready on http://0.0.0.0:")).replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the same
    monkeypatch.setenv("FAULTBRIDGE_URL", url)
    code, _, errors = command("experiments")
    assert (code, "Missing Authentication Token" in errors) == (2, True)
    assert "faultbridge keys create" in errors
    key = made(command, "--name", "ci")
    monkeypatch.setenv("FAULTBRIDGE_ACCESS_KEY_ID", key["accessKeyId"])
    code, _, errors = command("experiments")
    assert (code, "FAULTBRIDGE_SECRET_ACCESS_KEY is not" in errors) == (2, True)
    monkeypatch.setenv("FAULTBRIDGE_SECRET_ACCESS_KEY", key["secretAccessKey"])
    assert command("experiments")[0] == 0
    assert command("actions", "aws:test:break")[0] == 0
    # A path that httpx must encode is signed as it is sent.
    code, _, errors = command("actions", "a b/ü?c%2F")
    assert (code, '"a b/ü?c%2F"' in errors) == (2, True)
    assert command("lever", "engage", "--reason", "é")[0] == 0
    command("keys", "disable", key["accessKeyId"])
    code, _, errors = command("experiments")
    assert (code, "The security token included in the request is invalid" in errors) == (2, True)
    command("keys", "enable", key["accessKeyId"])
    assert command("experiments")[0] == 0
    monkeypatch.setenv("FAULTBRIDGE_SECRET_ACCESS_KEY", "x" * 43)
    code, _, errors = command("experiments")
    assert (code, "does not match the signature you provided" in errors) == (2, True)
    monkeypatch.delenv("FAULTBRIDGE_ACCESS_KEY_ID")
    monkeypatch.delenv("FAULTBRIDGE_SECRET_ACCESS_KEY")
    _by_profile(command, monkeypatch, tmp_path, key)


def _by_profile(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: dict[str, str]
) -> None:
    files = tmp_path / "credentials"
    files.write_text(
        f"[ci]\naws_access_key_id = {key['accessKeyId']}\n"
        f"aws_secret_access_key = {key['secretAccessKey']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files))
    monkeypatch.setenv("FAULTBRIDGE_PROFILE", "ci")
    assert command("experiments")[0] == 0
    monkeypatch.setenv("FAULTBRIDGE_PROFILE", "other")
    code, _, errors = command("experiments")
    assert (code, 'no profile "other"' in errors) == (2, True)
    monkeypatch.setenv("FAULTBRIDGE_TOKEN", "t" * 40)
    code, _, errors = command("experiments")
    assert (code, "are both set" in errors) == (2, True)


def test_another_address_than_loopback_needs_authentication(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAULTBRIDGE_MASTER_KEY")
    for host in ("0.0.0.0", "192.0.2.1", "::", "example.com"):  # noqa: S104 - it is refused
        code, _, errors = command("serve", "--host", host, "--port", "0")
        assert code == 2
        for name in ("MASTER_KEY", "STS_ACCOUNTS", "OIDC_ISSUERS", "TOKEN_REVIEW"):
            assert f"FAULTBRIDGE_{name}" in errors


def test_a_master_key_file_that_is_missing_keeps_a_bridge_from_starting(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FAULTBRIDGE_MASTER_KEY")
    monkeypatch.setenv("FAULTBRIDGE_MASTER_KEY_FILE", str(tmp_path / "none"))
    code, _, errors = command("serve", "--port", "0")
    assert (code, "cannot be read (No such file or directory)" in errors) == (2, True)


def test_a_token_does_not_cross_a_network_in_the_clear(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_URL", "http://chaos.example.com")
    monkeypatch.setenv("FAULTBRIDGE_TOKEN", "t" * 40)
    code, _, errors = command("experiments")
    assert (code, "write an https URL" in errors) == (2, True)
    assert "t" * 40 not in errors


def test_a_token_of_ones_own_identity_is_asked_for_by_its_cloud(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_TOKEN_FROM", "gcp")
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    code, _, errors = command("experiments")
    assert (code, "FAULTBRIDGE_TOKEN_AUDIENCE is not; set both" in errors) == (2, True)
    monkeypatch.setenv("FAULTBRIDGE_TOKEN_AUDIENCE", "chaos.example.com")
    code, _, errors = command("experiments")
    assert (code, "is this process on that platform?" in errors) == (2, True)


def test_a_run_of_its_own_asks_nobody(command: Command, tmp_path: Path) -> None:
    """Settings for a bridge do not lock out a command that brings one along."""
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=1)))
    assert command("run", str(path))[0] == 0
