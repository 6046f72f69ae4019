"""The tests that the page of the sandbox shows pass as they stand."""

from __future__ import annotations

from typing import Any

from tests.docs.pages import blocks


def _shown() -> dict[str, Any]:
    (block,) = [one for one in blocks("python") if "Emulator" in one.text]
    shown: dict[str, Any] = {}
    exec(compile(block.text, str(block), "exec"), shown)  # noqa: S102 - our own page
    return {name: one for name, one in shown.items() if name.startswith("test_")}


def test_the_tests_that_are_shown_pass() -> None:
    shown = _shown()
    assert len(shown) == 2
    for test in shown.values():
        test()
