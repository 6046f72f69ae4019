"""JMESPath over an event: compiled when the rules are read, bounded, without surprises."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from bridge.model.wording import quote, suggestion

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

LONGEST: Final = 1024
"""Characters of an expression."""


class ExpressionError(ValueError):
    """The text is no expression; the message says why, and where."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    _parsed: ParsedResult = field(repr=False, compare=False)

    @classmethod
    def compile(cls, text: str) -> Expression:
        """Read an expression. Raises ExpressionError."""
        if len(text) > LONGEST:
            raise ExpressionError(f"has {len(text)} characters; shorten it to {LONGEST}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", PendingDeprecationWarning)
                parsed = jmespath.compile(text)
            _check_functions(parsed.parsed)
            return cls(text, parsed)
        except RecursionError:
            raise ExpressionError("is nested too deep; write it flatter") from None
        except PendingDeprecationWarning:
            msg = "has something in backticks that is no JSON; write a text in single quotes: 'x'"
            raise ExpressionError(msg) from None
        except JMESPathError as error:
            # The first line says what is wrong, the others draw where.
            reason = str(error).partition("\n")[0].rstrip(". :")
            raise ExpressionError(f"is no JMESPath expression: {reason}") from None

    def fits(self, document: Any) -> bool:
        """Whether it is true of a document, as JMESPath has it; what it cannot be asked is not.

        A function that wants a text and finds none is the usual case of an event of another kind.
        """
        try:
            return _truthy(self.value(document))
        except ExpressionError:
            return False

    def value(self, document: Any) -> Any:
        """Return what it finds in a document, None for nothing. Raises ExpressionError."""
        try:
            return self._parsed.search(document)
        except (JMESPathError, RecursionError, ArithmeticError) as error:
            reason = str(error).partition("\n")[0]
            raise ExpressionError(f"cannot be asked of this event: {reason}") from None


def _check_functions(node: Any) -> None:
    """Refuse functions that do not exist, which JMESPath itself tells only when it is asked."""
    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        known = Functions.FUNCTION_TABLE
        if name not in known:
            mend = suggestion(name, known, f"there is {', '.join(sorted(known))}")
            raise ExpressionError(
                f"asks for the function {quote(name)}, which is not known; {mend}"
            )
        signature = known[name]["signature"]
        variadic = bool(signature) and bool(signature[-1].get("variadic"))
        if given < len(signature) or (given > len(signature) and not variadic):
            least = " or more" if variadic else ""
            msg = f"gives {name}() {given} arguments; it takes {len(signature)}{least}"
            raise ExpressionError(msg)
    for inner in node["children"]:
        if isinstance(inner, dict):
            _check_functions(inner)


def _truthy(value: Any) -> bool:
    """Whether JMESPath takes a value for true: all but null, false and what is empty."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    return bool(value)
