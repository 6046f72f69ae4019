"""Reading the ``Condition`` block of a statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bridge.model.problem import Problem
from bridge.model.wording import child, quote, quoted_list, suggestion
from iam.policy.actions import ACTIONS, KEYS, MULTIVALUED, known_key, takes
from iam.policy.document import Condition, Quantifier
from iam.policy.operators import NULL, OPERATORS

LONGEST_VALUE: Final = 2048
_IF_EXISTS: Final = "IfExists"
_UNSUPPORTED: Final = {"BinaryEquals": "no key here is binary; remove it"}
_NAMED: Final = 4


def read_conditions(
    block: Any, path: str, actions: Sequence[str] | None
) -> tuple[tuple[Condition, ...], list[Problem]]:
    """Read a block for a statement about ``actions``; None where any key may be used."""
    problems: list[Problem] = []
    if not isinstance(block, Mapping):
        return (), [Problem(path, 'must be an object such as {"StringEquals": {"KEY": "VALUE"}}')]
    found = []
    for written, keys in block.items():
        place = child(path, str(written))
        operator = _operator(str(written), place, problems)
        if not isinstance(keys, Mapping) or not keys:
            problems.append(Problem(place, "must be an object of keys and their values"))
            continue
        for key, values in keys.items():
            here = child(place, str(key))
            problems += _key_problems(str(key), here, actions)
            if operator is None:
                continue
            name, quantifier, if_exists = operator
            problems += _several(str(key), here, name, quantifier)
            read = _values(name, values, here, problems)
            found.append(Condition(name, str(key), read, quantifier, if_exists))
    return tuple(found), problems


def _operator(
    written: str, path: str, problems: list[Problem]
) -> tuple[str, Quantifier, bool] | None:
    prefix, colon, rest = written.rpartition(":")
    name = rest.removesuffix(_IF_EXISTS)
    if_exists = name != rest
    if colon and prefix not in (Quantifier.ANY, Quantifier.ALL):
        known = (Quantifier.ANY.value, Quantifier.ALL.value)
        mend = suggestion(prefix, known, f"there is {quoted_list(known)}")
        problems.append(Problem(path, f"{quote(prefix)} is no prefix of an operator; {mend}"))
        return None
    if name in _UNSUPPORTED:
        problems.append(Problem(path, f"{name} is not supported: {_UNSUPPORTED[name]}"))
        return None
    if name not in OPERATORS:
        mend = suggestion(name, OPERATORS, "docs/authorization.md lists those that there are")
        problems.append(Problem(path, f"{quote(name)} is no operator; {mend}"))
        return None
    if name == NULL and (if_exists or colon):
        problems.append(Problem(path, "Null takes neither a prefix nor IfExists; write Null"))
        return None
    return name, Quantifier(prefix), if_exists


def _key_problems(key: str, path: str, actions: Sequence[str] | None) -> Iterable[Problem]:
    if actions is None:
        return
    known = known_key(key)
    if known is None:
        mend = suggestion(key, KEYS, "docs/authorization.md lists those that there are")
        yield Problem(path, f"{quote(key)} is no condition key that there is; {mend}")
    elif actions and not any(takes(ACTIONS[one], known) for one in actions):
        having = [one.name for one in ACTIONS.values() if takes(one, known)]
        yield Problem(
            path,
            f"{known} never comes with the statement's actions, only with "
            f"{quoted_list(having[:_NAMED])}; use it in a statement about those",
        )


def _several(key: str, path: str, operator: str, quantifier: Quantifier) -> Iterable[Problem]:
    if key.lower() in MULTIVALUED and operator != NULL and quantifier is Quantifier.ONE:
        yield Problem(
            path, f"{key} has several values; write ForAnyValue:{operator} or ForAllValues:…"
        )


def _values(operator: str, values: Any, path: str, problems: list[Problem]) -> tuple[str, ...]:
    alone = not isinstance(values, list)
    listed = [values] if alone else values
    if not listed:
        problems.append(Problem(path, "must have a value"))
    found = []
    for index, one in enumerate(listed):
        place = path if alone else child(path, index)
        text = _text(one)
        if text is None or len(text) > LONGEST_VALUE:
            message = f"must be a text of at most {LONGEST_VALUE} characters, a number or a truth"
            problems.append(Problem(place, message))
        elif "${" in text:
            problems.append(Problem(place, no_variables(text)))
        else:
            try:
                OPERATORS[operator].read(text)
            except ValueError as error:
                problems.append(Problem(place, f"{quote(text)} {error}"))
            found.append(text)
    return tuple(found)


def no_variables(text: str) -> str:
    """Return the refusal of a text with a policy variable."""
    name = text[text.index("${") :].partition("}")[0] + "}"
    return (
        f"the policy variable {quote(name)} is not supported; write its value, or one statement "
        "for each value"
    )


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) else None
