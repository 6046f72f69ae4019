"""Finding what a run left in a cluster when nothing but the cluster is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.settings import Settings
from providers.contract import Effect
from providers.kubernetes.custom_resource import InjectCustomResource
from providers.kubernetes.provider import KubernetesProvider

Start = Callable[..., Any]
FAULT = InjectCustomResource()


async def _gone(session: Any, record: Any) -> bool:
    return bool((await FAULT.revert(session, [record]))[record.id].kind == "done")


async def test_a_mark_is_enough_to_undo(
    cluster: Any, provider: Any, start: Start, caller: Any
) -> None:
    run = await start(name="EXP9", kubernetesSpec={**DELAY, "duration": "90s"})
    await run.start()
    await run.until(Effect.PRESENT)
    (found,) = (await provider.find_marks(caller("rescue"))).found
    assert found.problem == ""
    assert found.mark.key == "faultbridge:here:EXP9/latency"
    assert found.mark.identity == "arn:aws:iam::123456789012:role/my-fis-role"
    assert found.mark.fault == FAULT.id
    assert found.record.resource == run.record.resource
    assert found.record.state | {"deadline": None} == run.record.state
    session = await provider.session(caller("rescue", found.mark.identity), None)
    seen = await FAULT.observe(session, [found.record])
    assert seen[found.record.id].effect is Effect.PRESENT
    while not await _gone(session, found.record):
        pass
    assert cluster.all_chaos() == []


async def test_marks_of_another_installation_are_found_as_such(
    cluster: Any, provider: Any, start: Start, caller: Any
) -> None:
    await (await start(installation="elsewhere")).start()
    (found,) = (await provider.find_marks(caller("rescue"))).found
    assert found.mark.installation == "elsewhere"


async def test_a_mark_of_a_later_version_is_a_problem(
    cluster: Any, provider: Any, start: Start, caller: Any
) -> None:
    await (await start()).start()
    cluster.edit(lambda m: m["metadata"]["annotations"].update({"faultbridge/version": "2"}))
    (found,) = (await provider.find_marks(caller("rescue"))).found
    assert 'its mark has version "2", this bridge reads 1; rescue with the' in found.problem


async def test_resources_without_our_label_are_not_ours(
    cluster: Any, provider: Any, start: Start, caller: Any
) -> None:
    await (await start()).start()
    cluster.edit(lambda m: m["metadata"].pop("labels"))
    assert (await provider.find_marks(caller("rescue"))).found == []


async def test_the_identities_of_the_settings_look(cluster: Any, start: Start, caller: Any) -> None:
    await (await start()).start()
    role = "arn:aws:iam::123456789012:role/my-fis-role"
    provider = KubernetesProvider(Settings(installation="here", rescue_identities=(role,)))
    found = (await provider.find_marks(caller("rescue", None))).found
    await provider.close()
    assert [mark.mark.experiment for mark in found] == ["EXP1"]


async def test_a_cluster_that_cannot_be_searched_is_no_empty_answer(
    cluster: Any, provider: Any, start: Start, caller: Any
) -> None:
    await (await start()).start()
    search = await provider.find_marks(caller("rescue", None))  # the bridge is nobody in there
    assert not search.found
    assert "as the bridge itself" in search.unsearched[0]


DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}
