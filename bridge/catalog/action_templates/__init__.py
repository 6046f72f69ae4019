"""Users' own actions: chaos resources with named parameters, and those that come built in.

A document becomes an `ActionTemplate` by `read_action_template`, which refuses what does not fit,
and `judged` says what would become of its resource. An action that names one is expanded into the
action that is carried out before its experiment template is stored.
"""

from __future__ import annotations

from bridge.catalog.action_templates.built_in import BuiltIn, built_in, built_ins
from bridge.catalog.action_templates.checking import judged
from bridge.catalog.action_templates.entries import action_template_entry
from bridge.catalog.action_templates.expansion import Expanded, at_author, expand
from bridge.catalog.action_templates.reading import is_action_template, read_action_template
from bridge.catalog.action_templates.uses import Expansion, expand_all, references

__all__ = [
    "BuiltIn",
    "Expanded",
    "Expansion",
    "action_template_entry",
    "at_author",
    "built_in",
    "built_ins",
    "expand",
    "expand_all",
    "is_action_template",
    "judged",
    "read_action_template",
    "references",
]
