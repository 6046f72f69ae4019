"""The bridge's own mapping file: written by the command, and read anew when it has changed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from providers.contract import AccessDeniedError, ProviderError
from providers.kubernetes.impersonation import ClusterIdentity
from rbac.acting import MappedIdentities
from rbac.aws_auth_text import EditError
from rbac.aws_auth_writing import ChangedMeanwhileError
from rbac.mapping import Entry
from rbac.mapping_file import read_mapping_file
from rbac.mapping_file_writing import plan_entry
from tests.rbac_mapping.conftest import CONTEXT, Command

CLUSTER = f"k8s:context/{CONTEXT}"
ROLE = "arn:aws:iam::123456789012:role/fis"
WRITTEN = f"""# who may break what
identities:
  # the shop's
  - principal: {ROLE}
    user: fis   # agreed
"""


def entry(principal: str = "arn:aws:iam::123456789012:role/new", user: str = "new") -> Entry:
    return Entry(principal, user, ("chaos",), CLUSTER)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "identities.yaml"
    found.write_text(WRITTEN)
    return found


def rewrite(path: Path, text: str) -> None:
    """Write as an editor does: another file takes the place."""
    other = path.with_name("other")
    other.write_text(text)
    other.replace(path)


# --- reading anew ---------------------------------------------------------------------------


def test_a_changed_file_counts_at_once_for_new_runs_and_not_for_those_under_way(
    path: Path,
) -> None:
    acting = MappedIdentities(path)
    assert acting(CLUSTER, ROLE, run="EXP1") == ClusterIdentity("fis")
    rewrite(path, WRITTEN.replace("user: fis", "user: other"))
    assert acting(CLUSTER, ROLE, run="EXP2") == ClusterIdentity("other")
    assert acting(CLUSTER, ROLE, run="EXP1") == ClusterIdentity("fis")


def test_an_entry_that_is_taken_away_keeps_no_run_from_undoing_and_refuses_new_ones(
    path: Path,
) -> None:
    acting = MappedIdentities(path)
    acting(CLUSTER, ROLE, run="EXP1")
    acting(CLUSTER, ROLE, run="preflight")
    rewrite(path, WRITTEN.replace(ROLE, "arn:aws:iam::123456789012:role/somebody"))
    assert acting(CLUSTER, ROLE, run="EXP1") == ClusterIdentity("fis")
    for run in ("EXP2", "preflight"):
        with pytest.raises(AccessDeniedError, match="is mapped to no user"):
            acting(CLUSTER, ROLE, run=run)
    rewrite(path, WRITTEN)
    assert acting(CLUSTER, ROLE, run="EXP2") == ClusterIdentity("fis")


@pytest.mark.parametrize("broken", ["identities: [", "identities: {}", None])
def test_a_file_that_cannot_be_read_any_more_leaves_what_it_said_and_is_told_once(
    path: Path, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    acting = MappedIdentities(path)
    acting(CLUSTER, ROLE, run="EXP1")
    if broken is None:
        path.unlink()
    else:
        rewrite(path, broken)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert acting(CLUSTER, ROLE, run="EXP2") == ClusterIdentity("fis")
    assert len(caplog.records) == 1
    with pytest.raises(ProviderError):
        MappedIdentities(path)(CLUSTER, ROLE, run="EXP3")


# --- writing --------------------------------------------------------------------------------


def test_an_entry_is_added_at_the_end_and_nothing_else_changes(path: Path) -> None:
    change = plan_entry(path, entry())
    change.write()
    text = path.read_text()
    assert text.startswith(WRITTEN)
    assert [one.user for one in read_mapping_file(path).entries] == ["fis", "new"]
    assert plan_entry(path, entry()).diff() == ""


@pytest.mark.parametrize(
    "text", ["", "# nothing yet", "# nothing\n\n", "identities: []\n", '{"identities": []}']
)
def test_the_first_entry_of_a_file(path: Path, text: str) -> None:
    path.write_text(text)
    plan_entry(path, entry()).write()
    (read,) = read_mapping_file(path).entries
    assert (read.user, read.groups, read.cluster) == ("new", ("chaos",), CLUSTER)


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    plan_entry(path, entry()).write()
    assert len(read_mapping_file(path).entries) == 1


def test_an_entry_that_would_not_count_is_refused(path: Path) -> None:
    with pytest.raises(EditError, match="to user fis there already, and the first entry counts"):
        plan_entry(path, entry(ROLE, "another"))
    path.write_text(WRITTEN.replace(ROLE, "'*'"))
    with pytest.raises(EditError, match="the first entry counts"):
        plan_entry(path, entry())


def test_what_somebody_else_wrote_meanwhile_stays(path: Path) -> None:
    change = plan_entry(path, entry())
    path.write_text(WRITTEN + "# theirs\n")
    with pytest.raises(ChangedMeanwhileError):
        change.write()
    assert path.read_text().endswith("# theirs\n")
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link_and_the_mode_stays(path: Path) -> None:
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    plan_entry(link, entry()).write()
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(read_mapping_file(path).entries) == 2


names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
kept = st.lists(st.tuples(names, names, st.lists(names, max_size=2)), max_size=3)


@given(entries=kept, flow=st.sampled_from([True, False, None]), wanted=st.tuples(names, names))
def test_whatever_stood_there_still_does(
    tmp_path_factory: pytest.TempPathFactory,
    entries: list[tuple[str, str, list[str]]],
    flow: bool | None,
    wanted: tuple[str, str],
) -> None:
    path = tmp_path_factory.mktemp("m") / "f.yaml"
    document = {
        "identities": [
            {"principal": f"{p}@x", "user": u, **({"groups": g} if g else {})}
            for p, u, g in entries
        ]
    }
    path.write_text(yaml.safe_dump(document, default_flow_style=flow))
    before = read_mapping_file(path).entries
    try:
        plan_entry(path, Entry(f"{wanted[0]}@new", wanted[1], (), CLUSTER)).write()
    except EditError:
        assert read_mapping_file(path).entries == before
    else:
        after = read_mapping_file(path).entries
        assert [one.user for one in after] == [*(one.user for one in before), wanted[1]]


# --- the command ----------------------------------------------------------------------------


async def test_the_command_shows_the_difference_and_writes_it_when_told_to(
    kubeconfig: Path, path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_CLUSTER_IDENTITIES", str(path))
    asked = ("rbac", "map", "chaos@p.iam.gserviceaccount.com", "--user", "shop", "--group", "g")
    code, output, errors = await command(*asked, "--cluster", CONTEXT)
    assert code == 0
    assert "+    user: shop" in output
    assert "kind: ClusterRole" in output
    assert "--apply writes it" in errors
    assert len(read_mapping_file(path).entries) == 1
    code, output, errors = await command(*asked, "--cluster", CONTEXT, "--apply", "--yes")
    assert (code, "faultbridge: written" in errors) == (0, True)
    assert read_mapping_file(path).entries[1].user == "shop"
    code, output, errors = await command(*asked, "--cluster", CONTEXT, "--apply", "--yes")
    assert code == 0
    assert "says so already" in errors
    code, output, _ = await command(*asked, "--cluster", CONTEXT, "--json")
    told = json.loads(output)
    assert (told["way"], told["difference"]) == ("mapping-file", "")
    assert "resourceNames" in told["manifests"]
    code, _, errors = await command(
        "rbac", "map", ROLE, "--user", "else", "--cluster", CONTEXT, "--apply", "--yes"
    )
    assert code == 1
    assert "the first entry counts" in errors
