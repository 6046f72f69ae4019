"""The pages of an emulator that no real cloud has: its log of calls and what it is to do wrong.

``GET`` and ``DELETE /_faultbridge/calls`` read and empty the log. ``POST``, ``GET`` and
``DELETE /_faultbridge/faults`` ask for a misbehaviour, list those still to come, and take back all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from bridge.sandbox.calls import CallLog
from bridge.sandbox.misbehaviour import Misbehaviour, Misbehaviours

CONTROL: Final = "/_faultbridge/"


class ControlPages:
    """Answers the pages of one emulator; ``release`` lets it behave well again."""

    def __init__(
        self, calls: CallLog, misbehaviours: Misbehaviours, release: Callable[[], None]
    ) -> None:
        self._calls = calls
        self._misbehaviours = misbehaviours
        self._release = release

    def answer(self, method: str, path: str, media_type: str, body: bytes) -> tuple[Any, int]:
        """Return the JSON content and the HTTP status for one request below ``CONTROL``."""
        match method, path.removeprefix(CONTROL):
            case "GET", "calls":
                return [call.as_dict() for call in self._calls.snapshot()], 200
            case "DELETE", "calls":
                self._calls.clear()
                return {}, 200
            case "GET", "faults":
                return self._misbehaviours.waiting(), 200
            case "DELETE", "faults":
                self._release()
                return {}, 200
            case "POST", "faults":
                return self._ask(media_type, body)
        return {"error": f"there is no {method} {path} here"}, 404

    def _ask(self, media_type: str, body: bytes) -> tuple[Any, int]:
        if media_type != "application/json":
            return {"error": "send application/json"}, 415
        known = [field.name for field in fields(Misbehaviour)]
        try:
            wish = json.loads(body)
            if not isinstance(wish, dict) or "kind" not in wish or not set(wish) <= set(known):
                return {"error": f"send an object with a kind; fields are {', '.join(known)}"}, 400
            self._misbehaviours.add(Misbehaviour(**wish))
        except (TypeError, ValueError) as error:
            return {"error": str(error)}, 400
        return {}, 201
