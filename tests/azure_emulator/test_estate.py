"""The estate: what is in it, and what a fault leaves behind in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.sandbox.azure import AzureEmulator, Estate, build


def test_it_is_built_as_it_says(emulator: AzureEmulator, estate: Estate) -> None:
    assert list(estate.vm_ids) == [*(f"carts-worker-{n}" for n in range(1, 5)), "orders-db-1"]
    ready = {name for name in estate.vm_ids if emulator.vm(name)["tags"].get("chaos") == "ready"}
    assert ready == estate.vm_ids.keys() - {"orders-db-1"}
    assert emulator.vm("carts-worker-1")["zones"] == ["1"]
    assert emulator.vm("carts-worker-4")["zones"] == ["2"]
    assert emulator.disk("carts-data-2")["tags"] == {"chaos": "ready"}
    group = emulator.interface("carts-worker-1")["properties"]["networkSecurityGroup"]["id"]
    assert group == estate.security_group_id
    assert estate.left_behind(emulator) == []


def test_it_has_as_many_workers_as_wanted(emulator: AzureEmulator) -> None:
    assert len(build(emulator, workers=7).vm_ids) == 8


@pytest.mark.parametrize(
    ("leave", "words"),
    [
        (lambda e: e.add_security_group("fb-left"), "is new"),
        (lambda e: e.add_security_group("other", vm="carts-worker-2"), "interface"),
        (lambda e: e._named("Microsoft.Compute/disks", "carts-data-1").body["tags"].clear(), "tag"),
        (lambda e: setattr(e._cloud.get(e.vm("orders-db-1")["id"]), "power", "stopped"), "power"),
    ],
)
def test_what_is_left_behind_is_told(
    emulator: AzureEmulator, estate: Estate, leave: Callable[[AzureEmulator], None], words: str
) -> None:
    leave(emulator)
    assert words in " ".join(estate.left_behind(emulator))


def test_what_was_taken_away_from_outside_is_not_left_behind(
    emulator: AzureEmulator, estate: Estate
) -> None:
    emulator.remove_vm("carts-worker-1", with_interface=True)
    emulator.remove_disk("carts-data-2")
    emulator.remove_security_group("carts-nsg")
    assert estate.left_behind(emulator) == []
