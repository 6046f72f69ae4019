"""Writing into aws-auth: nothing of others is dropped, and what is written is what was asked."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rbac.aws_auth_text import EditError, Wanted, merge, traps

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fis"
WANTED = Wanted(ROLE, "fis-experiment", ("fis", "watchers"))
ENTRY = {"rolearn": ROLE, "username": "fis-experiment", "groups": ["fis", "watchers"]}

NODES = """\
# the nodes; keep!
- groups:
  - system:bootstrappers   # kubelet
  - system:nodes
  rolearn: arn:aws:iam::123456789012:role/node
  username: system:node:{{EC2PrivateDNSName}}

# the end
"""

_names = st.text("abz09-._", min_size=1, max_size=8)
_comments = st.sampled_from(["", "  # why", " #- rolearn: x", '   # "quoted: {'])


@st.composite
def sections(draw: st.DrawFn) -> str:
    """A section as people write one: indentation, order, quotes, comments, flow and block."""
    lines: list[str] = []
    indent = " " * draw(st.integers(0, 4))
    if draw(st.booleans()):
        lines.append(f"# head{draw(_comments)}")
    for _ in range(draw(st.integers(0, 3))):
        name, comment = draw(_names), draw(_comments)
        arn = f"arn:aws:iam::{ACCOUNT}:role/x{name}"
        style = draw(st.integers(0, 3))
        if style == 0:
            lines.append(f"{indent}- {{rolearn: '{arn}', username: u, groups: [a, b,]}}{comment}")
        elif style == 1:
            lines += [f"{indent}- rolearn: {arn}{comment}", f"{indent}  username: |-{comment}"]
            lines += [f"{indent}    user", f"{indent}  groups:", f"{indent}  - g{comment}"]
        elif style == 2:
            lines += [f'{indent}-   rolearn: "{arn}"', f"{indent}    groups: []{comment}"]
        else:
            lines += [
                f"{indent}- username: >+",
                f"{indent}    folded",
                "",
                f"{indent}  rolearn: {arn}",
            ]
        if draw(st.booleans()):
            lines.append(draw(st.sampled_from(["", "# between", f"{indent}# inside", "   "])))
    text = draw(st.sampled_from(["\n", "\r\n"])).join(lines)
    return text + draw(st.sampled_from(["", "\n", "\n\n", "\n# tail", "\n# tail\n"]))


def _kept(old: str, new: str) -> bool:
    """Whether the old text is the new one with pieces cut out, and nothing moved."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return all(code in ("equal", "insert") for code, *_ in matcher.get_opcodes())


@settings(deadline=None)
@given(sections())
@example(NODES)
@example("")
@example("[]\n")
@example("[] # nobody yet")
@example("[{rolearn: a, username: b,},]\n")
@example("---\n- rolearn: a\n")
def test_merging_only_inserts(old: str) -> None:
    before = yaml.safe_load(old) or []
    new = merge(old, WANTED)
    assert yaml.safe_load(new) == [*before, ENTRY]
    front = len(old) - len(new)
    assert front < 0
    assert any(new[:at] + new[at - front :] == old for at in range(len(old) + 1))
    assert merge(new, WANTED) == new


@settings(deadline=None)
@given(sections(), st.lists(_names, min_size=1, max_size=3, unique=True))
def test_groups_are_added_to_the_entry_that_is_there(old: str, groups: list[str]) -> None:
    entries = yaml.safe_load(old) or []
    names = [one["rolearn"] for one in entries]
    for arn in set(names):
        there: dict[str, Any] = entries[names.index(arn)]
        user = str(there.get("username") or arn)
        has = there.get("groups") or []
        new = merge(old, Wanted(arn, user, tuple(groups)))
        wanted = [*has, *(group for group in groups if group not in has)]
        read = yaml.safe_load(new)
        assert read[names.index(arn)] == {**there, "groups": wanted} or wanted == has
        assert [one for one in read if one["rolearn"] != arn] == [
            one for one in entries if one["rolearn"] != arn
        ]
        assert _kept(old, new)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_whatever_stands_there_is_kept_or_refused(old: str) -> None:
    try:
        new = merge(old, WANTED)
    except EditError:
        return
    assert yaml.safe_load(new)[-1] == ENTRY
    assert len(new) > len(old)


def test_what_it_looks_like() -> None:
    assert merge(NODES, WANTED) == NODES + (
        f"- rolearn: {ROLE}\n  username: fis-experiment\n  groups:\n    - fis\n    - watchers\n"
    )


@pytest.mark.parametrize("user", ["yes", "12", "a: b", "x #y", "fis:{{SessionName}}", "null", "é"])
def test_a_name_stays_that_text(user: str) -> None:
    (entry,) = yaml.safe_load(merge("", Wanted(ROLE, user)))
    assert entry == {"rolearn": ROLE, "username": user}


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:iam::{ACCOUNT}:role/team/a/fis",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/fis/EXP1",
    ],
)
def test_an_arn_is_written_as_eks_compares_it(arn: str) -> None:
    wanted = Wanted(arn, "u")
    assert yaml.safe_load(merge("", wanted))[0]["rolearn"] == ROLE
    assert ROLE in traps(wanted)[0]


def test_another_user_of_the_same_role_is_not_written_over() -> None:
    old = f"- rolearn: {ROLE.upper().replace('ARN:AWS:IAM', 'arn:aws:iam')}\n  username: other\n"
    with pytest.raises(EditError, match="is mapped to user other already"):
        merge(old, WANTED)


@pytest.mark.parametrize(
    "old", ["{", "a: 1", "text", "- [", "null", "- rolearn: a\n...\n", "- a: 1\n---\n- b: 2\n"]
)
def test_what_cannot_be_added_to_is_refused(old: str) -> None:
    with pytest.raises(EditError):
        merge(old, WANTED)


def test_a_user_belongs_to_the_other_section() -> None:
    assert Wanted(f"arn:aws:iam::{ACCOUNT}:user/team/alice", "alice").section == "mapUsers"
    with pytest.raises(EditError, match="neither"):
        merge("", Wanted("alice@example.com", "alice"))
