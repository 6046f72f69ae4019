"""ARM ids: in any spelling in, in one form out."""

from __future__ import annotations

import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.azure.ids import (
    DISK,
    SCALE_SET,
    SCALE_SET_INSTANCE,
    VIRTUAL_MACHINE,
    ResourceId,
    canonical,
    subscription_name,
)

NAME = st.text(string.ascii_letters + string.digits + "-_.()", min_size=1, max_size=64)
KINDS = st.sampled_from([VIRTUAL_MACHINE, SCALE_SET, SCALE_SET_INSTANCE, DISK])
ID = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/"


@st.composite
def ids(draw: st.DrawFn) -> ResourceId:
    kind = draw(KINDS)
    names = tuple(draw(NAME).lower() for _ in kind.split("/")[1:])
    return ResourceId(str(draw(st.uuids())), draw(NAME).lower(), kind, names)


@given(ids(), st.randoms())
def test_every_spelling_has_one_form(which: ResourceId, random: object) -> None:
    text = str(which)
    spelled = "".join(c.upper() if random.random() < 0.5 else c for c in text)  # type: ignore[attr-defined] # hypothesis types it as object
    for spelling in (text, text.upper(), text.lower(), spelled):
        assert ResourceId.parse(spelling) == which
        assert canonical(spelling) == text


@given(st.text())
def test_any_other_text_is_none(text: str) -> None:
    parsed = ResourceId.parse(text)
    assert parsed is None or str(parsed).lower() == text.lower()


@given(st.uuids())
def test_a_subscription_is_a_guid(uuid: UUID) -> None:
    assert subscription_name(str(uuid).upper()) == str(uuid)
    assert subscription_name(f"x{uuid}") is None


@pytest.mark.parametrize(
    "wrong",
    [
        f"{ID}Microsoft.Compute/virtualMachines/",
        f"{ID}Microsoft.Compute/virtualMachines/a/b",
        f"{ID}Microsoft.Compute/virtualMachines/a/extensions/b",
        f"{ID}Microsoft.Compute/virtualMachines/a?x=1",
        f"{ID}Microsoft.Compute/virtualMachines/../b/c",
        f"{ID}Microsoft.Storage/storageAccounts/a",
        ID.replace("-4000-", "-") + "Microsoft.Compute/disks/a",
        f"https://management.azure.com{ID}Microsoft.Compute/disks/a",
    ],
)
def test_what_is_no_id(wrong: str) -> None:
    assert ResourceId.parse(wrong) is None
    with pytest.raises(ValueError, match="not the id"):
        ResourceId.of(wrong)


def test_an_instance_knows_its_scale_set() -> None:
    one = ResourceId.of(f"{ID}Microsoft.Compute/virtualMachineScaleSets/Web/virtualMachines/3")
    assert (one.name, one.parent.name, one.parent.kind) == ("3", "web", SCALE_SET)
