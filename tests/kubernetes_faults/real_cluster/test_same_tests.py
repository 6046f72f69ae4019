"""The emulator's tests that need no simulated cloud, as they are, on a real API server.

They act with the walk-through's rights; a few lines stand in for Chaos Mesh's controllers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kubernetes_faults import (
    test_access,
    test_connection,
    test_life_of_a_fault,
    test_watches,
)

pytestmark = pytest.mark.real_cluster


@pytest.fixture(autouse=True)
async def controllers(cluster: Any) -> AsyncIterator[None]:
    """Chaos Mesh at work."""
    cluster.controllers.start()
    yield
    await cluster.controllers.stop()


test_review = test_life_of_a_fault.test_the_review_changes_nothing
test_spec = test_life_of_a_fault.test_what_the_user_wrote_is_sent_unchanged
test_switch = test_life_of_a_fault.test_without_a_duration_it_gets_a_dead_man_s_switch
test_repeat = test_life_of_a_fault.test_a_repeated_injection_is_no_second_fault
test_other_run = test_life_of_a_fault.test_a_resource_of_another_run_is_left_alone
test_never_done = test_life_of_a_fault.test_undoing_what_was_never_done_is_done
test_removed = test_life_of_a_fault.test_removed_by_somebody_else_it_is_absent
test_early = test_life_of_a_fault.test_it_is_not_removed_before_chaos_mesh_has_a_hold_on_it
test_dead = test_life_of_a_fault.test_with_dead_controllers_it_is_removed_after_a_while
test_unlisted = test_life_of_a_fault.test_without_the_right_to_list_each_is_read

test_kind = test_access.test_a_kind_that_the_group_does_not_have
test_namespace = test_access.test_a_namespace_that_does_not_exist
test_revoked = test_access.test_refused_in_the_middle_of_a_run

test_lease_create = test_connection.test_without_the_lease_nothing_is_created
test_lease_remove = test_connection.test_without_the_lease_nothing_is_removed

test_last_watch = test_watches.test_the_last_resource_to_go_ends_the_watch
test_no_watch = test_watches.test_a_session_that_cannot_be_woken_watches_nothing
test_old_listener = test_watches.test_a_listener_of_long_ago_is_forgotten
