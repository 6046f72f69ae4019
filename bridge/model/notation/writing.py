"""Values as YAML that every version of it reads the same, and as compact JSON."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml

from bridge.model.notation.yaml_text import is_doubtful

WIDTH: Final = 100
_BREAKS: Final = re.compile("[\r\x85\u2028\u2029]")
"""Line breaks of some versions of YAML only."""


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, and with quotes around texts that some reader takes for more."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - none is wanted
        return True

    def quoted_where_needed(self, text: str) -> yaml.ScalarNode:
        style = (
            '"' if is_doubtful(text) or _BREAKS.search(text) else "|" if _is_block(text) else None
        )
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.quoted_where_needed)


def as_yaml(value: Any) -> str:
    """Return a JSON value as a YAML document, members in their order."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return str(text)


def as_json_text(value: Any) -> str:
    """Return a JSON value in one line: without spaces, and members by name."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    )


def _is_block(text: str) -> bool:
    """Whether a text is best read line by line."""
    lines = text.removesuffix("\n").split("\n")
    return len(lines) > 1 and all(line.isprintable() and line == line.strip() for line in lines)
