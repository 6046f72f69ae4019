"""Undo by marks alone: for when the database is lost, or does not know what happened since.

Each fault's undo also stands on the resource that it was done to. Rescue looks for the marks
everywhere it is told to (`search`), decides about each one (`verdicts`), and undoes what nobody
else will with the same code as a run does (`undoing`).
"""

from __future__ import annotations

from bridge.engine.rescue.places import Place, places_of
from bridge.engine.rescue.search import Search, Sighting, search
from bridge.engine.rescue.undoing import Patience, Undoing
from bridge.engine.rescue.verdicts import Finding, Judge, Plan, Verdict

__all__ = [
    "Finding",
    "Judge",
    "Patience",
    "Place",
    "Plan",
    "Search",
    "Sighting",
    "Undoing",
    "Verdict",
    "places_of",
    "search",
]
