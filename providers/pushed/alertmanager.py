"""Prometheus alerts, by their labels.

A condition is written as Prometheus writes the series of an alert, ``ALERTS{alertname="Down"}``:
users know it, it says which labels, and it is always as long as FIS's clients want a value to be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from providers.contract import PushedSource

_FORM: Final = 'ALERTS{alertname="NAME"}'
_TEXT: Final = r'"(?:[^"\\\n]|\\.)*"'
_MATCHER: Final = re.compile(rf"\s*([A-Za-z_][A-Za-z0-9_]*|{_TEXT})\s*=\s*({_TEXT})\s*(,|$)")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def written(labels: Mapping[str, str]) -> str:
    """Return labels in the form in which conditions are written."""
    pairs = (
        f"{name if _PLAIN.fullmatch(name) else _quoted(name)}={_quoted(value)}"
        for name, value in sorted(labels.items())
    )
    return f"ALERTS{{{','.join(pairs)}}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def parse(text: str) -> dict[str, str]:
    """Read ``ALERTS{name="value",…}``. Raises ValueError that says what is wrong."""
    text = text.strip()
    if not (text.startswith("ALERTS{") and text.endswith("}")):
        raise ValueError(f"is no condition of an alert; write {_FORM}")
    inner = text[len("ALERTS{") : -1].strip()
    labels: dict[str, str] = {}
    place = 0
    while place < len(inner):
        match = _MATCHER.match(inner, place)
        if match is None:
            raise ValueError(
                'has something else than name="value" between its braces (=~, != and !~ are not '
                f"known); write {_FORM}"
            )
        name, value = (_unquoted(part) for part in match.group(1, 2))
        if name in labels:
            raise ValueError(f'names the label "{name[:64]}" twice; remove one of them')
        labels[name] = value
        place = match.end()
    return labels


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Mapping[str, str]:
    """Read what is asked about again with every run that starts or is looked at."""
    return parse(text)


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        raise ValueError("has a text in quotes that is not written as in JSON") from None


class AlertmanagerSource(PushedSource):
    """Alerts that carry all the labels that the condition names, whatever else they carry."""

    source = "prometheus:alertmanager:alert"

    def check_value(self, value: str) -> str | None:
        """Return what is wrong with the form of a condition, or None."""
        try:
            labels = parse(value)
        except ValueError as error:
            return str(error)
        if not any(labels.values()):
            return f"would be met by every alert; name a label, as in {_FORM}"
        if "alertstate" in labels:
            return "names alertstate, which alerts do not carry here; remove it: only firing counts"
        return None

    def matches(self, value: str, said: str) -> bool:
        """Say whether an alert has the labels; an empty one means absent, as in Prometheus."""
        try:
            wanted, labels = _parsed(value), _parsed(said)
        except ValueError:
            return False
        return all(labels.get(name, "") == text for name, text in wanted.items())
