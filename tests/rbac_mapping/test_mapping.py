"""Who is who: patterns, placeholders, refusals, and agreement with the emulator's own reading."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.model.problem import InvalidDocumentError
from bridge.sandbox.kubernetes.aws_auth import CONFIG_MAP, Caller, map_caller
from bridge.sandbox.kubernetes.objects import ObjectStore
from providers.kubernetes.impersonation import ClusterIdentity, impersonator, refused
from rbac.aws_auth import read_aws_auth
from rbac.mapping import Entry, IdentityMapping, UnmappableError
from rbac.mapping_file import read_mapping
from rbac.principals import CloudPrincipal
from rbac.subjects import SubjectError, aks_subjects, gke_subjects

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fis"
CONTEXT = "k8s:context/kind"


@pytest.mark.parametrize(
    "name",
    [
        "system:masters",
        "SYSTEM:masters",
        "System:Masters",
        " system:masters",
        "sys\u200btem:masters",
        "system\u00ad:masters",
        "\uff53ystem\uff1amasters",
        "system%3Amasters",
        "%73ystem%253amasters",
        "\tsystem:serviceaccount:kube-system:default",
        "system:",
        "\u017fystem:masters",
        "",
        "fis\r\nImpersonate-Group: x",
        "fis masters",
        "fís",
        "x" * 257,
    ],
)
def test_names_that_nobody_is_mapped_to(name: str) -> None:
    assert refused("group", name)
    with pytest.raises(ValueError, match="group"):
        ClusterIdentity("fis", (name,)).headers()
    assert Entry("*", "fis", (name,)).problems()
    assert Entry("*", name).problems()


@settings(deadline=None)
@given(st.text(max_size=30))
@example("system:masters")
def test_no_header_ever_names_the_system(name: str) -> None:
    try:
        headers = ClusterIdentity(name, (name,)).headers()
    except ValueError:
        return
    for _, value in headers:
        assert not value.strip().lower().startswith("system:")
        assert value.isascii()
        assert value.isprintable()


@pytest.mark.parametrize(
    "name", ["fis", "fis:system", "not-system:masters", "a@b.example", "systems"]
)
def test_names_that_may_be_taken(name: str) -> None:
    assert refused("user", name) == ""


def test_a_session_cannot_name_itself_into_a_refused_group() -> None:
    mapping = IdentityMapping((Entry("*", "u", ("x:{{SessionName}}", "{{SessionName}}")),))
    assert "begins with a placeholder" in mapping.entries[0].problems()[0]
    principal = CloudPrincipal(ROLE, session="system:masters")
    with pytest.raises(UnmappableError, match="refused"):
        mapping.impersonated(principal, CONTEXT)


@pytest.mark.parametrize(
    ("pattern", "principal", "found"),
    [
        (ROLE, ROLE, True),
        (ROLE.replace("role/", "role/team/"), ROLE, True),  # names of roles are unique
        (ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/fis/EXP", True),
        (ROLE, f"arn:aws:iam::{ACCOUNT}:role/a/b/fis", True),
        (f"arn:aws:iam::{ACCOUNT}:role/f*", ROLE, True),
        (f"arn:aws:iam::{ACCOUNT}:role/team/*", ROLE, False),
        (f"arn:aws:iam::{ACCOUNT}:role/[f]is", ROLE, False),
        (f"arn:aws:iam::{ACCOUNT}:role/fi", ROLE, False),
        ("*@p.iam.gserviceaccount.com", "sa@p.iam.gserviceaccount.com", True),
        ("*@p.iam.gserviceaccount.com", "sa@p.iam.gserviceaccount.com.evil.example", False),
    ],
)
def test_patterns(pattern: str, principal: str, *, found: bool) -> None:
    entry = Entry(pattern, "u")
    assert entry.matches(CloudPrincipal(principal)) is found


def test_the_first_entry_of_the_cluster_wins() -> None:
    mapping = IdentityMapping(
        (Entry("*", "elsewhere", cluster="k8s:context/other"), Entry("*", "a"), Entry("*", "b"))
    )
    assert mapping.identify(CloudPrincipal(ROLE), CONTEXT) == ClusterIdentity("a")
    assert IdentityMapping().identify(CloudPrincipal(ROLE), CONTEXT) is None


_roles = st.sampled_from(["fis", "FIS", "team/fis", "fis2", "node", "*", "f?s"])
_users = st.sampled_from(
    [
        None,
        "u",
        "u:{{SessionName}}",
        "u:{{ SessionNameRaw }}",
        "{{AccountID}}",
        "{{EC2PrivateDNSName}}",
        "{{Nonsense}}",
        "{{AccessKeyID}}",
        "{{sessionname}}",
    ]
)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(_roles, _users, st.sampled_from([[], ["g"], ["g:{{SessionName}}"]])), max_size=4
    ),
    st.sampled_from(["fis", "fis2", "node"]),
    st.sampled_from(["i-0abc", "a@b.example", "EXP1"]),
)
def test_it_agrees_with_the_emulator(
    entries: list[tuple[str, str | None, list[str]]], role: str, session: str
) -> None:
    text = "".join(
        f"- rolearn: 'arn:aws:iam::{ACCOUNT}:role/{name}'\n"
        + (f"  username: '{user}'\n" if user else "")
        + f"  groups: {groups}\n"
        for name, user, groups in entries
    )
    names = {"i-0abc": "ip-10-0-0-7.ec2.internal"}
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
    store = ObjectStore()
    store.create(CONFIG_MAP, {"data": {"mapRoles": text}})
    caller = Caller(arn, ACCOUNT, f"AROA:{session}", "ASIAEXAMPLE")
    theirs = map_caller(store, caller, names.get)
    principal = CloudPrincipal(arn, "", "ASIAEXAMPLE", names.get(session, ""))
    try:
        ours = read_aws_auth({"data": {"mapRoles": text}}).identify(principal)
    except UnmappableError:
        ours = None
    if theirs is None:
        assert ours is None
    else:
        assert ours is not None
        assert ours.user == theirs.username
        assert (*ours.groups, "system:authenticated") == theirs.groups


def test_what_is_wrong_with_an_aws_auth_is_told() -> None:
    with_path = ROLE.replace("role/", "role/team/")
    read = read_aws_auth(
        {
            "metadata": {"resourceVersion": "7"},
            "data": {
                "mapRoles": f"- rolearn: {with_path}\n  username: u\n- 3\n",
                "mapUsers": "- [",
                "mapAccounts": "- 012345670123\n- '222222222222'\n",
                "maproles": "",
            },
        }
    )
    assert read.version == "7"
    assert read.accounts == ("012345670123", "222222222222")
    path, nothing, broken, unknown = read.problems
    assert f"never matches: EKS knows roles without their path; write {ROLE}" in path
    assert nothing == "aws-auth mapRoles[1] has no rolearn: EKS ignores it"
    assert "mapUsers, line 1, column 4 is not YAML" in broken
    assert "maproles is no section that EKS reads" in unknown
    alice = CloudPrincipal("arn:aws:iam::222222222222:user/alice")
    assert read.identify(alice) == ClusterIdentity(alice.name)
    assert read.identify(CloudPrincipal("arn:aws:iam::333333333333:user/a")) is None


def test_only_named_users_and_groups_may_be_impersonated() -> None:
    role, binding = impersonator("fb", [ClusterIdentity("b", ("g",)), ClusterIdentity("a")], [])
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": [resource],
            "verbs": ["impersonate"],
            "resourceNames": names,
        }
        for resource, names in (("users", ["a", "b"]), ("groups", ["g"]))
    ]
    alone: Any = impersonator("fb", [ClusterIdentity("a")], [])[0]
    # No rule for groups: one without names would mean all.
    assert [rule["resources"] for rule in alone["rules"]] == [["users"]]
    assert binding["kind"] == "ClusterRoleBinding"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], 'must be an object with the one member "identities"'),
        ({"identities": [3]}, r"identities\[0\]: must be an object"),
        (
            {"identities": [{"principal": "a", "usr": "b"}]},
            'usr: is not known; did you mean "user"',
        ),
        ({"identities": [{"principal": "a", "user": "system:admin"}]}, "is refused"),
        ({"identities": [{"principal": "a", "user": "u", "cluster": "*"}]}, "is no context"),
        (
            {"identities": [{"principal": "a", "user": "u", "groups": "g"}]},
            "groups: must be a list",
        ),
    ],
)
def test_what_is_wrong_with_a_mapping_file(document: object, message: str) -> None:
    with pytest.raises(InvalidDocumentError, match=message):
        read_mapping(document)


def test_gke_knows_a_service_account_by_address_or_by_number() -> None:
    both = gke_subjects("SA@p.iam.gserviceaccount.com", unique_id="109876543210987654321")
    assert [one.name for one in both.subjects] == [
        "sa@p.iam.gserviceaccount.com",
        "109876543210987654321",
    ]
    assert "unique id" in gke_subjects("sa@p.iam.gserviceaccount.com").notes[0]
    assert "numeric unique id" in gke_subjects("109876543210987654321").notes[0]
    group = gke_subjects("team@example.com", group=True)
    assert group.subjects[0].kind == "Group"
    assert "gke-security-groups@" in group.notes[0]
    for wrong in ("fis", "system:masters"):
        with pytest.raises(SubjectError):
            gke_subjects(wrong)


def test_aks_knows_groups_and_applications_by_object_id() -> None:
    object_id = "0F8FAD5B-D9CB-469F-A165-70867728950E"
    found = aks_subjects(object_id)
    assert found.subjects[0].name == object_id.lower()
    assert "not the client or application id" in found.notes[0]
    assert aks_subjects("jane@example.com").subjects[0].kind == "User"
    assert aks_subjects(object_id, group=True).subjects[0].kind == "Group"
    assert "Azure RBAC is on" in aks_subjects("jane@example.com", azure_rbac=True).notes[0]
    with pytest.raises(SubjectError, match="by id, not by name"):
        aks_subjects("chaos-team", group=True)
