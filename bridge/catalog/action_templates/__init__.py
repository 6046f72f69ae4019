"""Users' own actions: chaos resources with named parameters, and those that come built in.

template = read_action_template(document)      # raises InvalidDocumentError
"""

from __future__ import annotations

from bridge.catalog.action_templates.reading import is_action_template, read_action_template

__all__ = ["is_action_template", "read_action_template"]
