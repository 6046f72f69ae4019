"""What can be done: the built-in actions, collected from the providers, and users' own templates.

Listing and validating work from declarations alone. Loading the catalogue must not import a
cloud's SDK: an entry names its class as `"module:Class"`, which is imported on first use.
"""

from __future__ import annotations

from bridge.catalog.catalog import Catalog
from bridge.catalog.entries import ActionEntry, ParameterEntry, TargetTypeEntry, canonical

__all__ = ["ActionEntry", "Catalog", "ParameterEntry", "TargetTypeEntry", "canonical"]
