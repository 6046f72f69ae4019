"""Versions that never change, in a store on each system that the bridge runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

import bridge.store.action_templates as quotas
from bridge.catalog.action_templates import read_action_template
from bridge.model.action_template import ActionTemplate, Reference
from bridge.model.moment import Micros
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.store import (
    DeletedError,
    InUseError,
    NameTakenError,
    Store,
    Token,
    TokenConflictError,
    TooManyError,
)
from tests.action_templates.documents import document

SCOPE = Scope(cloud="aws", account="123456789012", region="eu-west-1")
ELSEWHERE = Scope(cloud="aws", account="123456789012", region="us-east-1")
TOKEN = Token("v1/action-template/create", "once", "fingerprint")


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = Store.open(database)
    yield opened
    await opened.close()


def named(name: str = "slow", description: str = "first") -> ActionTemplate:
    return read_action_template(document(name=name, description=description))


def using(reference: str, template_id: str = "EXT0001") -> ExperimentTemplate:
    return ExperimentTemplate(
        id=template_id,
        scope=SCOPE,
        dialect="fis",
        description="uses it",
        actions={"slow": TemplateAction(action_id="aws:fis:wait", action_template=reference)},
        identity="arn:aws:iam::123456789012:role/r",
        created_at=Micros(1),
    )


async def _numbers(store: Store, name: str = "slow") -> list[int]:
    return await store.action_template_versions(SCOPE, name)


async def test_versions_are_counted_and_the_newest_is_found(store: Store) -> None:
    first = await store.create_action_template(SCOPE, named())
    assert (first.version, first.built_in) == (1, False)
    second = await store.add_action_template_version(SCOPE, named(description="second"))
    assert second is not None
    assert second.version == 2
    assert await store.action_template(SCOPE, Reference("slow")) == second
    assert await store.action_template(SCOPE, Reference("slow", 1)) == first
    assert await store.action_template(SCOPE, Reference("slow", 3)) is None
    assert await store.action_template(SCOPE, Reference("other")) is None
    assert await _numbers(store) == [1, 2]


async def test_a_scope_sees_its_own(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    assert await store.action_template(ELSEWHERE, Reference("slow")) is None
    assert await store.action_templates(ELSEWHERE) == []
    assert await store.delete_action_template(ELSEWHERE, Reference("slow")) == []
    other = await store.create_action_template(ELSEWHERE, named(description="other"))
    assert other.version == 1
    assert (await store.action_templates(SCOPE))[0].template.description == "first"


async def test_a_name_is_created_once(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    with pytest.raises(NameTakenError, match="slow already, the newest is version 1"):
        await store.create_action_template(SCOPE, named(description="again"))
    assert await _numbers(store) == [1]


async def test_a_version_of_nothing_is_none(store: Store) -> None:
    assert await store.add_action_template_version(SCOPE, named()) is None
    await store.create_action_template(SCOPE, named())
    await store.delete_action_template(SCOPE, Reference("slow"))
    assert await store.add_action_template_version(SCOPE, named()) is None


async def test_the_same_again_is_no_new_version(store: Store) -> None:
    first = await store.create_action_template(SCOPE, named())
    assert await store.add_action_template_version(SCOPE, named()) == first
    assert await _numbers(store) == [1]


async def test_no_number_is_given_twice(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    await store.add_action_template_version(SCOPE, named(description="second"))
    (gone,) = await store.delete_action_template(SCOPE, Reference("slow", 2))
    assert gone.version == 2
    third = await store.add_action_template_version(SCOPE, named(description="third"))
    assert third is not None
    assert third.version == 3
    deleted = await store.delete_action_template(SCOPE, Reference("slow"))
    assert [one.version for one in deleted] == [1, 3]
    assert await store.action_templates(SCOPE) == []
    assert (await store.create_action_template(SCOPE, named())).version == 4


async def test_deleting_again_deletes_nothing(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    assert len(await store.delete_action_template(SCOPE, Reference("slow"))) == 1
    assert await store.delete_action_template(SCOPE, Reference("slow")) == []
    assert await store.delete_action_template(SCOPE, Reference("slow", 1)) == []


async def test_two_at_once_get_two_numbers(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    made = await asyncio.gather(
        *(
            store.add_action_template_version(SCOPE, named(description=f"number {number}"))
            for number in range(8)
        )
    )
    assert sorted(one.version for one in made if one) == list(range(2, 10))


async def test_of_two_that_create_a_name_one_does(store: Store) -> None:
    answers = await asyncio.gather(
        *(store.create_action_template(SCOPE, named(description=str(n))) for n in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, NameTakenError) for one in answers) == 3
    assert await _numbers(store) == [1]


async def test_the_list_goes_on_where_it_was_left(store: Store) -> None:
    names = ["b", "a-b", "ab", "a", "a1"]
    for name in names:
        await store.create_action_template(SCOPE, named(name))
        await store.add_action_template_version(SCOPE, named(name, "second"))
    found: list[str] = []
    while page := await store.action_templates(SCOPE, after=found[-1] if found else "", limit=2):
        assert all(one.version == 2 for one in page)
        found += [one.template.name for one in page]
    assert found == sorted(names)  # as Python sorts, whatever the database's language


async def test_a_repeat_with_its_token_answers_the_first(store: Store) -> None:
    first = await store.create_action_template(SCOPE, named(), TOKEN)
    await store.add_action_template_version(SCOPE, named(description="second"))
    assert await store.create_action_template(SCOPE, named(), TOKEN) == first
    assert await _numbers(store) == [1, 2]
    with pytest.raises(TokenConflictError, match="for another request"):
        await store.create_action_template(SCOPE, named(), Token(TOKEN.operation, "once", "x"))


async def test_a_repeat_of_a_version_answers_it(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    token = Token("v1/action-template/version", "twice", "fingerprint")
    second = await store.add_action_template_version(SCOPE, named(description="second"), token)
    await store.add_action_template_version(SCOPE, named(description="third"))
    again = await store.add_action_template_version(SCOPE, named(description="second"), token)
    assert again == second
    assert await _numbers(store) == [1, 2, 3]


async def test_a_repeat_of_what_made_no_version_answers_the_same(store: Store) -> None:
    first = await store.create_action_template(SCOPE, named())
    token = Token("v1/action-template/version", "same", "fingerprint")
    assert await store.add_action_template_version(SCOPE, named(), token) == first
    await store.add_action_template_version(SCOPE, named(description="second"))
    assert await store.add_action_template_version(SCOPE, named(), token) == first
    assert await _numbers(store) == [1, 2]


async def test_a_token_whose_version_is_gone_is_refused(store: Store) -> None:
    await store.create_action_template(SCOPE, named(), TOKEN)
    await store.delete_action_template(SCOPE, Reference("slow"))
    with pytest.raises(TokenConflictError, match="slow@1, which was deleted since"):
        await store.create_action_template(SCOPE, named(), TOKEN)
    assert await _numbers(store) == []


async def test_what_is_used_cannot_be_deleted(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    await store.add_action_template_version(SCOPE, named(description="second"))
    await store.create_template(using("slow@1"))
    for reference in (Reference("slow"), Reference("slow", 1)):
        with pytest.raises(InUseError, match="EXT0001 uses slow@1; delete or change"):
            await store.delete_action_template(SCOPE, reference)
    assert await _numbers(store) == [1, 2]
    assert len(await store.delete_action_template(SCOPE, Reference("slow", 2))) == 1
    await store.delete_template(SCOPE, "EXT0001")
    assert len(await store.delete_action_template(SCOPE, Reference("slow"))) == 1


async def test_a_changed_template_uses_what_it_names_now(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    await store.add_action_template_version(SCOPE, named(description="second"))
    before = await store.create_template(using("slow@1"))
    assert await store.update_template(using("slow@2"), before=before)
    assert len(await store.delete_action_template(SCOPE, Reference("slow", 1))) == 1
    with pytest.raises(InUseError, match="slow@2"):
        await store.delete_action_template(SCOPE, Reference("slow", 2))


async def test_an_update_that_loses_changes_no_use(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    before = await store.create_template(using("slow@1"))
    other = before.model_copy(update={"description": "somebody else's"})
    plain = before.model_copy(update={"actions": {"w": TemplateAction(action_id="aws:fis:wait")}})
    assert not await store.update_template(plain, before=other)
    with pytest.raises(InUseError):
        await store.delete_action_template(SCOPE, Reference("slow"))


async def test_a_template_of_what_was_deleted_meanwhile_is_not_stored(store: Store) -> None:
    await store.create_action_template(SCOPE, named())
    await store.delete_action_template(SCOPE, Reference("slow"))
    with pytest.raises(DeletedError, match="slow@1 was deleted meanwhile"):
        await store.create_template(using("slow@1"))
    assert await store.templates(SCOPE) == []


async def test_deleting_and_using_at_once_never_both_succeed(store: Store) -> None:
    for number in range(10):
        await store.create_action_template(SCOPE, named(f"t{number}"))
        used, deleted = await asyncio.gather(
            store.create_template(using(f"t{number}@1", f"EXT1{number:03}")),
            store.delete_action_template(SCOPE, Reference(f"t{number}")),
            return_exceptions=True,
        )
        assert isinstance(used, DeletedError) != isinstance(deleted, InUseError), (used, deleted)


async def test_a_built_in_one_is_used_without_being_stored(store: Store) -> None:
    await store.create_template(using("pod-kill@1"))
    assert await store.action_templates(SCOPE) == []


async def test_a_template_that_was_stored_before_there_were_any_can_be_changed(
    store: Store,
) -> None:
    """What is stored is compared as text: a field that is not used must not show up in it."""
    plain = using("slow@1").model_copy(
        update={"actions": {"w": TemplateAction(action_id="aws:fis:wait")}}
    )
    assert "action_template" not in plain.model_dump_json()
    before = await store.create_template(plain)
    read = await store.template(SCOPE, before.id)
    assert read is not None
    assert await store.update_template(
        read.model_copy(update={"description": "changed"}), before=read
    )


async def test_names_and_versions_have_their_quotas(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "MOST_NAMES", 2)
    monkeypatch.setattr(quotas, "MOST_VERSIONS", 2)
    await store.create_action_template(SCOPE, named("a"))
    await store.create_action_template(SCOPE, named("b"))
    with pytest.raises(TooManyError, match="2 action templates, the most is 2; delete some"):
        await store.create_action_template(SCOPE, named("c"))
    await store.create_action_template(ELSEWHERE, named("c"))
    await store.add_action_template_version(SCOPE, named("a", "second"))
    with pytest.raises(TooManyError, match="a has 2 versions, the most is 2"):
        await store.add_action_template_version(SCOPE, named("a", "third"))
    await store.delete_action_template(SCOPE, Reference("a", 1))
    third = await store.add_action_template_version(SCOPE, named("a", "third"))
    assert third is not None
    assert third.version == 3
