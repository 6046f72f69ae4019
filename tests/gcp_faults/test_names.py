"""Full resource names: every form that Google writes is read, and one is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract import Plan
from providers.gcp.names import Name, canonical, check_name, check_project, check_zone
from providers.gcp.rules import RULE_NAME, pair_name, pair_of, tag_of

LABELS = st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
PREFIXES = st.sampled_from(
    [
        "",
        "//compute.googleapis.com/",
        "https://www.googleapis.com/compute/v1/",
        "https://compute.googleapis.com/compute/beta/",
    ]
)
PLACES = st.one_of(
    st.just("global"), LABELS.map(lambda z: f"zones/{z}"), LABELS.map(lambda r: f"regions/{r}")
)


@given(PREFIXES, LABELS, PLACES, LABELS)
def test_every_form_comes_to_one(prefix: str, project: str, place: str, name: str) -> None:
    path = f"projects/{project}/{place}/instances/{name}"
    assert canonical(prefix + path) == f"//compute.googleapis.com/{path}"
    found = Name.of(prefix + path)
    assert found.path == path
    assert Name.of(str(found)) == found


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = Name.parse(text)
    assert found is None or text.endswith(found.path)
    if found is None:
        with pytest.raises(ValueError, match="no name of a Compute Engine resource"):
            Name.of(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "instance-1",
        "projects/p/zones/z/disks/d",
        "projects/p/regions/r/instances/i",
        "//storage.googleapis.com/projects/p/zones/z/instances/i",
        "projects/p/zones/z/instances/i/",
        "projects/p/zones/z/instances/UPPER",
        "projects/p/zones/z/instances/i\n",
        f"projects/p/zones/z/instances/{'i' * 64}",
    ],
)
def test_what_is_no_instance_is_told_with_the_form(text: str) -> None:
    complaint = check_name(text, "instances", "instance")
    assert complaint is not None
    assert '"//compute.googleapis.com/projects/PROJECT/zones/ZONE/instances/NAME"' in complaint


def test_projects_of_a_domain_and_by_number_are_read() -> None:
    for project in ("example.com:shop", "123456789"):
        assert check_project(project) is None
        name = Name.of(f"projects/{project}/zones/z/instances/i")
        assert name.place == {"project": project, "zone": "z"}
    assert check_project("no project") is not None
    assert check_zone("Europe") is not None


@given(st.text(max_size=50), st.text(max_size=50), LABELS)
def test_rules_have_valid_names_and_know_their_pair(
    experiment: str, action: str, network: str
) -> None:
    tag = tag_of(Plan(experiment, action, "lab", None))
    pair = pair_name(f"projects/p/global/networks/{network}", tag)
    name = Name.of(pair).name
    match = RULE_NAME.fullmatch(name)
    assert match
    assert match["tag"] == tag
    assert len(name) <= 63
    assert pair_of(pair.removesuffix("-in") + "-out") == pair_of(pair) == pair
